"""Points: the hottest hits of a region with features, mask and graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.core.units import C_LIGHT
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.representations import Prepared
from hitforge.representations.points.graphs import GRAPHS
from hitforge.representations.points.points import Points
from hitforge.representations.region import RegionSettings, find_regions
from hitforge.representations.region.summary import SUMMARY, summarise
from tests.layered import FRONT, HONEYCOMB, LAYERS, from_cells, showers

EVENTS = showers(12, spots=150)
ALL = ["dx", "dy", "depth", "layer", "log_energy", "energy_share", "layer_share", "distance", "time", "section"]


def build(**values: object) -> Points:
    return Points(Points.Config.read(values, where="test"), HONEYCOMB)


def dense(representation: Points, events: Events = EVENTS) -> dict[str, np.ndarray]:
    return representation.batch(representation.prepare(events), np.arange(len(events)))


def shuffled(events: Events, seed: int = 1) -> Events:
    """The same events with their hits in another order."""
    hits = events.hits
    order = np.lexsort((np.random.default_rng(seed).random(hits.rows), hits.event))
    columns = {name: column[order] for name, column in hits.columns.items()}
    return Events({"hits": Collection(hits.offsets, columns)})


def with_gaps(events: Events) -> Events:
    """Every second event has lost its hits."""
    return Events({"hits": events.hits.select_rows(events.hits.event % 2 == 0)})


def test_shapes_are_those_promised_and_padding_is_the_least() -> None:
    representation = build(points=200)
    batch, shapes = dense(representation), representation.shapes()
    assert list(batch) == list(shapes) == list(representation.labels())
    fullest = EVENTS.hits.counts.max()
    width = min(200, -(-fullest // 16) * 16)
    for name, values in batch.items():
        assert values.dtype == (np.int32 if name == "neighbours" else np.float32)
        expected = shapes[name] if name == "summary" else (width, *shapes[name][1:])
        assert values.shape == (len(EVENTS), *expected)
        assert len(representation.labels()[name]) == values.shape[-1]
    counts = batch["mask"][..., 0].sum(1)
    np.testing.assert_array_equal(counts, np.minimum(EVENTS.hits.counts, 200))
    padded = batch["mask"][..., 0] == 0
    assert padded.any()
    for name in ("points", "position", "neighbours"):
        assert not batch[name][padded].any()
    few = representation.batch(representation.prepare(EVENTS), np.array([int(EVENTS.hits.counts.argmin())]))
    assert few["points"].shape[1] < width


def test_features_are_what_they_say() -> None:
    settings = RegionSettings()
    representation = build(
        features=ALL, points=500, length_scale=20, depth_scale=50, energy_scale=2,
        log_floor=0.02, share_scale=0.1, time_scale=0.5,
    )  # fmt: skip
    batch, regions, hits = dense(representation), find_regions(EVENTS, settings, HONEYCOMB), EVENTS.hits
    names = representation.labels()["points"]
    assert names == [*ALL[:-1], "section_0", "section_1"]
    for event in range(len(EVENTS)):
        mine = slice(hits.offsets[event], hits.offsets[event + 1])
        one = {name: column[mine].astype(np.float64) for name, column in hits.columns.items()}
        order = np.lexsort((one["cell"], -one["energy"]))
        one = {name: column[order] for name, column in one.items()}
        away = np.abs(one["z"])
        down = away - abs(regions.z[event])
        dx = (one["x"] - regions.x[event] - regions.slope_x[event] * down) / 20
        dy = (one["y"] - regions.y[event] - regions.slope_y[event] * down) / 20
        of_layer = np.bincount(one["layer"].astype(int), one["energy"], LAYERS)
        flight = np.sqrt(one["x"] ** 2 + one["y"] ** 2 + one["z"] ** 2) / C_LIGHT
        expected = {
            "dx": dx, "dy": dy, "depth": (away - HONEYCOMB.plane) / 50, "layer": one["layer"] / LAYERS,
            "log_energy": np.log1p(one["energy"] / 0.02) / np.log1p(2 / 0.02),
            "energy_share": one["energy"] / one["energy"].sum() / 0.1,
            "layer_share": one["energy"] / of_layer[one["layer"].astype(int)], "distance": np.hypot(dx, dy),
            "time": np.arcsinh((one["time"] - flight) / 0.5),
            "section_0": one["subsystem"] == 0, "section_1": one["subsystem"] == 1,
        }  # fmt: skip
        real = batch["mask"][event, :, 0] > 0
        assert real.sum() == len(order)
        for name, values in expected.items():
            got = batch["points"][event, real, names.index(name)]
            np.testing.assert_allclose(got, values, rtol=2e-4, atol=2e-4, err_msg=name)
        position = np.stack([expected[name] for name in ("dx", "dy", "depth")], 1)
        np.testing.assert_allclose(batch["position"][event, real], position, atol=2e-4)


def test_summary_is_that_of_all_hits() -> None:
    few, settings = dense(build(points=16)), RegionSettings()
    assert few["summary"].shape == (len(EVENTS), len(SUMMARY))
    np.testing.assert_array_equal(
        few["summary"], summarise(EVENTS, find_regions(EVENTS, settings, HONEYCOMB), settings, HONEYCOMB)
    )


@pytest.mark.parametrize("graph", [None, *GRAPHS.names()])
def test_the_order_of_the_hits_does_not_matter(graph: str | None) -> None:
    one, two = dense(build(graph=graph)), dense(build(graph=graph), shuffled(EVENTS))
    assert one.keys() == two.keys()
    assert ("neighbours" in one) == (graph is not None)
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, atol=1e-4, err_msg=name)


def test_the_hottest_are_kept_and_the_rest_is_counted() -> None:
    energy = np.log(np.arange(1, 41)) + 0.1
    random = np.random.default_rng(2)
    place = np.stack([400 + random.uniform(-40, 40, 40), random.uniform(-40, 40, 40)])
    cell = HONEYCOMB.cell_in(random.permutation(40) % LAYERS, *place, np.ones(40))
    order = random.permutation(40)
    events = from_cells([40], cell[order], energy[order])
    representation = build(points=16)
    prepared = representation.prepare(events)
    np.testing.assert_allclose(prepared.ragged["energy"], np.sort(energy)[::-1][:16], rtol=1e-6)  # type: ignore[index]
    np.testing.assert_allclose(prepared.dense["left_out"], np.sort(energy)[:24].sum(), rtol=1e-5)
    assert not build(points=64).prepare(events).dense["left_out"].any()


def test_equally_hot_hits_stand_in_the_order_of_their_cells() -> None:
    cell = HONEYCOMB.cell_in(np.zeros(30, np.int64), 400 + 10.0 * (np.arange(30) % 6), 10.0 * (np.arange(30) // 6), 1)
    cell = np.unique(cell)
    one = build(points=16).prepare(from_cells([len(cell)], cell, np.ones(len(cell)))).ragged
    two = build(points=16).prepare(from_cells([len(cell)], cell[::-1], np.ones(len(cell)))).ragged
    for name in ("dx", "dy"):
        np.testing.assert_allclose(one[name], two[name], atol=1e-3)  # type: ignore[index]


@pytest.mark.parametrize("graph", GRAPHS.names())
def test_neighbours_are_real_points_of_the_same_event(graph: str) -> None:
    batch = dense(build(graph=graph, points=48))
    counts = batch["mask"].sum((1, 2))
    neighbours, real = batch["neighbours"], batch["mask"][..., 0] > 0
    assert (neighbours >= 0).all()
    assert (neighbours < counts[:, None, None]).all()
    own = np.arange(neighbours.shape[1])[None, :, None]
    assert (neighbours != own)[real].mean() > 0.3


def test_a_graph_takes_its_settings() -> None:
    representation = build(graph={"name": "k_nearest", "k": 3})
    assert representation.shapes()["neighbours"] == (256, 3)
    batch = dense(representation)
    position, real = batch["position"] * [1, 1, 0.5 * 100 / 30], batch["mask"][0, :, 0] > 0
    first = batch["neighbours"][0, real, 0]
    gap = np.linalg.norm(position[0, real][:, None] - position[0, real][None], axis=2)
    np.fill_diagonal(gap, np.inf)
    # The axis is tilted, so distances from it differ a little from those in space.
    assert (gap[np.arange(len(first)), first] < 1.5 * gap.min(1)).mean() > 0.9
    with pytest.raises(ConfigError, match="did you mean 'k_nearest'"):
        build(graph="k_nearst")
    with pytest.raises(ConfigError, match=r"representation\.graph"):
        build(graph={"name": "k_nearest", "kk": 3})


def test_events_without_hits_are_zeros() -> None:
    gaps = with_gaps(EVENTS)
    batch, full = dense(build(), gaps), dense(build())
    for name, values in batch.items():
        assert np.isfinite(values).all()
        assert not values[1::2].any()
        np.testing.assert_array_equal(values[::2], full[name][::2, : values.shape[1]])
    nothing = build().batch(build().prepare(gaps), np.array([1, 3]))
    assert nothing["points"].shape[:2] == (2, 16)
    assert not any(values.any() for values in nothing.values())


def test_noise_beside_the_region_and_without_energy_is_no_point() -> None:
    hot = HONEYCOMB.cell_in(np.arange(4), np.full(4, 400.0), np.zeros(4), np.ones(4))
    far = HONEYCOMB.cell_in(np.array([0, 3]), np.array([-700.0, 400.0]), np.zeros(2), np.array([1, -1]))
    empty = HONEYCOMB.cell_in(np.array([5]), np.array([400.0]), np.zeros(1), np.ones(1))
    cell = np.concatenate([hot, far, empty])
    batch = dense(build(), from_cells([7], cell, [5.0, 5, 5, 5, 0.1, 0.1, 0.0]))
    assert batch["mask"].sum() == 4


def test_parts_put_together_give_the_same_batches() -> None:
    representation = build(graph="proximity", features=ALL)
    whole = representation.prepare(EVENTS)
    parts = [representation.prepare(EVENTS.take(np.arange(*ends))) for ends in ((0, 5), (5, 12))]
    index = np.array([11, 0, 6])
    one, two = (representation.batch(prepared, index) for prepared in (whole, Prepared.concatenate(parts)))
    for name, values in one.items():
        np.testing.assert_array_equal(two[name], values)


def test_wrong_detectors_layers_and_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="'points' needs one of the detectors"):
        Points(Points.Config(), DETECTORS.build("pixel_grid", where="test"))
    with pytest.raises(ConfigError, match="must differ"):
        build(features=["dx", "dx"])
    with pytest.raises(ConfigError, match="points"):
        build(points=0)
    hits = dict(EVENTS.hits.columns)
    hits["layer"] = np.where(np.arange(EVENTS.hits.rows) == 3, LAYERS, hits["layer"])
    with pytest.raises(DataError, match=f"below {LAYERS}"):
        build().prepare(Events({"hits": Collection(EVENTS.hits.offsets, hits)}))


def test_late_and_missing_times_stay_finite() -> None:
    cell = HONEYCOMB.cell_in(np.arange(4), np.full(4, 400.0), np.zeros(4), np.ones(4))
    time: Any = np.array([np.nan, np.inf, 1e6, 11.0])
    batch = dense(build(features=["time"]), from_cells([4], cell, np.ones(4), time))
    assert np.isfinite(batch["points"]).all()
    assert np.abs(batch["points"]).max() < 30


def test_a_cloud_of_points_has_fifty_layers_and_three_sections() -> None:
    hits = {name: column.copy() for name, column in EVENTS.hits.columns.items()}
    hits["layer"] += 60
    hits["subsystem"] = np.arange(EVENTS.hits.rows) % 6
    events = Events({"hits": Collection(EVENTS.hits.offsets, hits)})
    settings = {"points": 500, "features": ["layer", "section"]}
    cloud = Points(
        Points.Config.read(settings, where="test"),
        DETECTORS.build({"name": "point_cloud", "plane": FRONT}, where="test"),
    )
    names = cloud.labels()["points"]
    assert names == ["layer", "section_0", "section_1", "section_2"]
    batch = dense(cloud, events)
    real = batch["mask"][..., 0] > 0
    assert real.sum() > 100
    np.testing.assert_array_equal(batch["points"][real][:, 1:].sum(1), 1)
    layer = batch["points"][real][:, 0] * 50
    np.testing.assert_allclose(layer, np.rint(layer), atol=1e-4)
    assert 60 <= layer.min() <= layer.max() < 60 + LAYERS
    shares = batch["points"][real][:, 1:].mean(0)
    assert shares[2] > shares[0]  # subsystems 2 to 5 are the last section
