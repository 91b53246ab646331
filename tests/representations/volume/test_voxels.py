"""Voxels: cells spread over square pixels, around a region or of a whole endcap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.representations import REPRESENTATIONS, Prepared
from hitforge.representations.region import find_regions
from hitforge.representations.region.overlap import overlaps
from hitforge.representations.region.summary import SUMMARY, summarise
from hitforge.representations.volume.voxels import Voxels
from tests.layered import HONEYCOMB, LAYERS, Honeycomb, from_cells, showers

EVENTS = showers(12)
LINEAR = {"channels": ["energy"], "energy_scale": 1.0}


def build(detector: Any = HONEYCOMB, **values: object) -> Voxels:
    return Voxels(Voxels.Config.read(values, where="test"), detector)


def dense(representation: Voxels, events: Events = EVENTS) -> np.ndarray:
    batch = representation.batch(representation.prepare(events), np.arange(len(events)))
    first = next(iter(batch.values()))
    assert first.dtype == np.float32
    return first


def by_hand(representation: Voxels, event: int) -> np.ndarray:
    """The volume of one event, hit by hit, from its definition."""
    c, hits = representation.config, EVENTS.take(np.array([event])).hits
    r = find_regions(EVENTS, c.region, HONEYCOMB)
    slices, rows, columns, _ = representation.shapes()["volume"]
    volume = np.zeros((slices, rows * columns))
    for k in range(hits.rows):
        down = abs(hits["z"][k]) - abs(r.z[event]) if c.projective else 0.0
        middle = np.array([r.x[event] + r.slope_x[event] * down, r.y[event] + r.slope_y[event] * down])
        if c.frame == "endcap":
            middle = np.zeros(2)
        if np.sign(hits["z"][k]) != r.side[event]:
            continue
        corner = HONEYCOMB.corners(hits["cell"][k : k + 1]) - middle
        _, pixel, share, _ = overlaps(corner / c.pixel + np.array([columns, rows]) / 2, rows, columns)
        np.add.at(volume[hits["layer"][k] // c.merge], pixel, share * hits["energy"][k])
    return volume.reshape(slices, rows, columns)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"projective": False},
        {"rows": 9, "columns": 14, "pixel": 11.0, "merge": 5},
        {"frame": "endcap", "merge": 12},
    ],
)
def test_a_volume_is_what_its_definition_says(values: dict[str, object]) -> None:
    representation = build(**LINEAR, **values)
    volume = dense(representation, EVENTS.take(np.arange(3)))
    for event in range(3):
        expected = by_hand(representation, event)
        assert expected.sum() > 1
        np.testing.assert_allclose(volume[event, ..., 0], expected, rtol=1e-4, atol=1e-5)


def test_shapes_and_labels() -> None:
    summary = {"summary": (len(SUMMARY),)}
    assert build().shapes() == {"volume": (LAYERS, 24, 24, 1), **summary}
    assert build(frame="endcap", layers=10, merge=3).shapes() == {"volume": (4, 514, 513, 1), **summary}
    image = build(layout="channels", merge=6, channels=["energy", "share"], rows=3, columns=5)
    assert image.shapes() == {"image": (3, 5, 4), **summary}
    assert image.labels() == {"image": ["energy_0", "share_0", "energy_1", "share_1"], "summary": list(SUMMARY)}
    assert build().labels() == {"volume": ["log_energy"], "summary": list(SUMMARY)}
    assert isinstance(REPRESENTATIONS.build("voxels", HONEYCOMB, where="test"), Voxels)


def test_both_layouts_hold_the_same() -> None:
    values: dict[str, object] = {"channels": ["energy", "log_energy"], "merge": 4}
    volume, image = dense(build(**values)), dense(build(layout="channels", **values))
    np.testing.assert_array_equal(image, np.moveaxis(volume, 1, 3).reshape(image.shape))


def test_channels_are_what_their_formulas_say() -> None:
    names = ["energy", "log_energy", "sqrt_energy", "share"]
    representation = build(channels=names, energy_scale=4.0, log_floor=0.5, share_scale=0.1)
    volume, energy = dense(representation), dense(build(**LINEAR))[..., 0]
    region = find_regions(EVENTS, representation.config.region, HONEYCOMB).energy[:, None, None, None]
    expected = [energy / 4, np.log1p(energy / 0.5) / np.log1p(8), np.sqrt(energy / 4), energy / region / 0.1]
    for channel, values in enumerate(expected):
        np.testing.assert_allclose(volume[..., channel], values, rtol=1e-5, atol=1e-7)


def test_a_shower_stands_in_the_middle_of_every_layer_however_it_points() -> None:
    place = 6.0 * (np.arange(25) - 12)
    off = []
    for projective in (True, False):
        volume = dense(build(**LINEAR, rows=25, columns=25, pixel=6.0, projective=projective), showers(60))[
            :, 1, ..., 0
        ]
        energy = volume.sum((1, 2))
        x, y = (volume.sum(1) * place).sum(1) / energy, (volume.sum(2) * place).sum(1) / energy
        off.append(float(np.median(np.hypot(x, y))))
    assert off[0] < 2.5
    assert off[1] > 8.0  # 50 mm before the centre, with slopes of 0.13 to 0.38


def test_rows_follow_y_and_columns_x_on_either_side() -> None:
    for side in (-1, 1):
        x, y = np.array([900.0, 920.0, 900.0]), np.array([500.0, 500.0, 530.0])
        cell = HONEYCOMB.cell_in(np.array([3, 3, 3]), x, y, np.full(3, side))
        energy = [100.0, 1.0, 2.0]
        volume = dense(build(**LINEAR, pixel=10.0, rows=11, columns=11), from_cells([3], cell, energy))[0, 3, :, :, 0]
        right, above = volume[4:7, 7:9].sum(), volume[7:10, 4:7].sum()
        assert (right, above) == (pytest.approx(1, abs=0.2), pytest.approx(2, abs=0.2))


def test_layers_behind_the_last_are_beside_and_side_is_that_of_the_region() -> None:
    cell = HONEYCOMB.cell_in(np.array([2, 7, 2]), np.full(3, 900.0), np.zeros(3), np.array([1, 1, -1]))
    representation = build(layers=6)
    prepared = representation.prepare(from_cells([3], cell, [5.0, 2.0, 1.0]))
    assert prepared.dense["beside"][0] == pytest.approx(3.0)
    assert prepared.ragged is not None
    assert prepared.ragged["energy"].sum() == pytest.approx(5.0)
    assert (representation.place(prepared.ragged["voxel"])[:, 0] == 2).all()


def test_the_compact_form_is_sparse_and_without_repetition() -> None:
    for frame in ("region", "endcap"):
        representation = build(frame=frame, **LINEAR)
        prepared = representation.prepare(EVENTS)
        lit = prepared.ragged
        assert lit is not None
        assert lit["voxel"].dtype == np.int32
        assert lit["energy"].dtype == np.float32
        assert (lit["energy"] > 0).all()
        pairs = np.stack([lit.event, lit["voxel"]], 1)
        assert len(np.unique(pairs, axis=0)) == len(pairs)
        shape = np.array(representation.shapes()["volume"][:3])
        place = representation.place(lit["voxel"])
        assert ((place >= 0) & (place < shape)).all()
        one = representation.batch(prepared, np.array([5]))["volume"][0, ..., 0]
        mine = slice(lit.offsets[5], lit.offsets[6])
        np.testing.assert_array_equal(one[tuple(place[mine].T)], lit["energy"][mine])
        assert np.count_nonzero(one) == lit.counts[5]


def test_the_region_s_window_is_a_part_of_the_endcap() -> None:
    """Where the window stands still, all energy that the small one has, the large one has in the same layer."""
    small, large = dense(build(projective=False, **LINEAR))[..., 0], dense(build(frame="endcap", **LINEAR))[..., 0]
    assert (small.sum((2, 3)) <= large.sum((2, 3)) * (1 + 1e-5) + 1e-6).all()
    np.testing.assert_allclose(large.sum((1, 2, 3)), EVENTS.field("energy"), rtol=1e-5)


def test_summary_comes_beside() -> None:
    representation = build(region={"radius": 60.0})
    prepared = representation.prepare(EVENTS)
    region = representation.config.region
    expected = summarise(EVENTS, find_regions(EVENTS, region, HONEYCOMB), region, HONEYCOMB)
    np.testing.assert_array_equal(representation.batch(prepared, np.array([4, 1]))["summary"], expected[[4, 1]])


def test_parts_can_be_prepared_apart_and_nothing_is_augmented() -> None:
    representation = build()
    whole = representation.prepare(EVENTS)
    parts = [representation.prepare(EVENTS.take(np.arange(a, b))) for a, b in ((0, 5), (5, 5), (5, 12))]
    joined = Prepared.concatenate(parts)
    index = np.array([11, 0, 6])
    one = representation.batch(whole, index, np.random.default_rng(1))
    two = representation.batch(joined, index)
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])


def test_many_hits_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = build().prepare(EVENTS)
    monkeypatch.setattr("hitforge.representations.volume.voxels._BLOCK", 150)  # an event has some 130
    blocks = build().prepare(EVENTS)
    assert whole.ragged is not None
    assert blocks.ragged is not None
    np.testing.assert_array_equal(whole.ragged.offsets, blocks.ragged.offsets)
    np.testing.assert_array_equal(whole.ragged["energy"], blocks.ragged["energy"])


def test_events_without_hits_or_energy_have_no_voxels() -> None:
    cell = EVENTS.hits["cell"][:2]
    events = from_cells([0, 2, 0], cell, [0.0, 0.0])
    prepared = build().prepare(events)
    assert len(prepared) == 3
    batch = build().batch(prepared, np.arange(3))
    assert not any(values.any() for values in batch.values())


def test_a_cell_larger_than_expected_is_not_lost() -> None:
    """A cell whose middle is far beside the window, and whose edge is in it."""

    class Plates(Honeycomb):
        def corners(self, cell: Any) -> Any:
            square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, 1], [-1, 1]])
            return self.position(cell)[:, None, :2] + 400.0 * square

    cell = HONEYCOMB.cell_in(np.array([3, 3]), np.array([900.0, 1250.0]), np.zeros(2), np.ones(2))
    volume = dense(build(Plates(), **LINEAR, rows=4, columns=4, pixel=50), from_cells([2], cell, [9.0, 3.0]))
    expected = 9.0 * (200 / 800) ** 2 + 3.0 * (200 / 800) * (150 / 800)  # 50 mm are beyond the second plate's edge
    assert volume[0, 3].sum() == pytest.approx(expected, rel=0.03)


def test_a_batch_too_large_for_memory_is_refused_before_it_is_made() -> None:
    representation = build(frame="endcap", memory=0.05)
    prepared = representation.prepare(EVENTS)
    with pytest.raises(ConfigError, match=r"at most 0.05 GB.*got: 0.152 GB for 12 events.*batches of at most 3 events"):
        representation.batch(prepared, np.arange(12))
    assert len(representation.batch(prepared, np.arange(3))["volume"]) == 3
    with pytest.raises(ConfigError, match=r"one dense event may need at most 0.01 GB"):
        build(frame="endcap", memory=0.01)


def test_cells_and_layers_of_another_detector_are_refused() -> None:
    for column, value, message in (
        ("cell", -1, "cell must be one of the detector 'layered'.*got: -1 and 0 more.*event 2"),
        ("layer", 40, "layer must be from 0 to 11.*got: 40 and 0 more.*event 2"),
    ):
        events = EVENTS.take(np.arange(4))
        events.hits[column][events.hits.offsets[2] + 3] = value
        with pytest.raises(DataError, match=message):
            build().prepare(events)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layers": 13}, "at most 12"),
        ({"layers": 0}, "at least 1"),
        ({"channels": ["energy", "energy"]}, "differ"),
        ({"channels": []}, "channels"),
        ({"pixel": 0}, "pixel"),
        ({"region": {"radius": -1}}, "radius"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**values)


def test_a_detector_without_layers_is_refused(barrel: object) -> None:
    with pytest.raises(ConfigError, match="voxels' needs one of the detectors hgcal"):
        build(barrel)
    assert "hgcal" in DETECTORS.names()
