"""The region around the main shower: axis, centre, energy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as options
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Collection, Events
from hitforge.representations.region import RegionSettings, find_regions
from tests.layered import AT_FRONT, FRONT, HONEYCOMB, from_cells, showers

STANDARD = RegionSettings(min_mip=0)


def loose(counts: list[int], **columns: object) -> Events:
    """Events of hits anywhere, for which no cell is needed."""
    hits = {"x": 0.0, "y": 0.0, "z": FRONT, "time": 0.0, "energy": 1.0, "cell": 0, "layer": 0, "subsystem": 0} | columns
    rows = sum(counts)
    return Events({"hits": Collection.from_counts(np.array(counts), {k: v + np.zeros(rows) for k, v in hits.items()})})


def merge(one: Events, two: Events) -> Events:
    """Both showers in each event."""
    order = np.argsort(np.concatenate([one.hits.event, two.hits.event]), kind="stable")
    columns = {name: np.concatenate([one.hits[name], two.hits[name]])[order] for name in one.hits.columns}
    return Events({"hits": Collection.from_counts(one.hits.counts + two.hits.counts, columns)})


def test_axis_and_centre_are_near_the_true_ones_on_either_side() -> None:
    events = showers(60)
    events.hits["energy"][:] *= 10  # no hit is too faint to count
    found = find_regions(events, STANDARD, AT_FRONT)
    assert found.found.all()
    direction = np.stack([events.field(f"direction_{c}") for c in "xyz"], 1)
    np.testing.assert_array_equal(found.side, np.sign(direction[:, 2]))
    assert {-1.0, 1.0} == set(found.side)
    slope = direction[:, :2] / np.abs(direction[:, 2:])
    np.testing.assert_allclose(np.stack([found.slope_x, found.slope_y], 1), slope, atol=1e-3)  # 3 mm at the plane
    for name in "xy":
        assert np.abs(getattr(found, name) - events.field(f"barycentre_{name}")).max() < 3.0
    np.testing.assert_allclose(found.z, events.field("barycentre_z"), atol=0.5)
    np.testing.assert_allclose(found.energy, 10 * events.field("energy"), rtol=1e-3)
    np.testing.assert_array_equal(found.hits, events.hits.counts)


def test_the_shower_with_more_transverse_energy_is_found() -> None:
    one, two = showers(40, seed=1), showers(40, seed=2)
    alone = find_regions(one, STANDARD, AT_FRONT), find_regions(two, STANDARD, AT_FRONT)
    both = find_regions(merge(one, two), STANDARD, AT_FRONT)
    transverse = [e.field("energy") * np.hypot(e.field("direction_x"), e.field("direction_y")) for e in (one, two)]
    first = transverse[0] > transverse[1]
    clear = np.abs(transverse[0] / transverse[1] - 1) > 0.4
    apart = (alone[0].side != alone[1].side) | (
        np.hypot(alone[0].slope_x - alone[1].slope_x, alone[0].slope_y - alone[1].slope_y) * FRONT > 300
    )
    assert (clear & apart & first).any()
    assert (clear & apart & ~first).any()
    for name in ("side", "slope_x", "slope_y", "x", "y", "z", "energy", "hits"):
        expected = np.where(first, getattr(alone[0], name), getattr(alone[1], name))
        np.testing.assert_allclose(getattr(both, name)[clear & apart], expected[clear & apart], rtol=1e-6, err_msg=name)


def test_events_without_hits_or_energy_are_not_found_and_leave_the_next_untouched() -> None:
    events = showers(2)
    dark = loose([0, 3], energy=0.0)
    found = find_regions(
        Events.concatenate([Events({"hits": events.hits}), dark, Events({"hits": events.hits})]), STANDARD, AT_FRONT
    )
    assert found.found.tolist() == [True, True, False, False, True, True]
    for values in vars(found).values():
        assert not values[2:4].any()
        np.testing.assert_array_equal(values[:2], values[4:])
    assert len(find_regions(loose([]), STANDARD, AT_FRONT).x) == 0


def test_faint_hits_move_neither_axis_nor_centre_unless_there_are_no_others() -> None:
    energy = np.array([20.0, 10.0, 0.01, 0.01])
    far = (FRONT + 900) / FRONT
    place = {"x": np.array([900.0, 902.0, 915 * far, 918 * far]), "z": FRONT * np.array([1, 1, far, far])}
    both = find_regions(loose([4], energy=energy, **place), RegionSettings(), AT_FRONT)
    clean = find_regions(
        loose([2], energy=energy[:2], **{name: values[:2] for name, values in place.items()}),
        RegionSettings(),
        AT_FRONT,
    )
    assert (both.x[0], both.z[0], both.slope_x[0]) == (clean.x[0], clean.z[0], clean.slope_x[0])
    assert both.energy[0] == pytest.approx(30.02)
    assert find_regions(loose([2], x=900.0, energy=energy[2:]), RegionSettings(), AT_FRONT).found[0]


def test_the_log_weighted_centre_beats_the_plain_mean() -> None:
    """An exponential profile in one layer, known in every cell: linear weights are drawn to the cells' centres."""
    random, number = np.random.default_rng(3), 200
    true = random.uniform(-5, 5, (number, 2)) + np.array([1200.0, 300.0])
    q, r = (grid.ravel() for grid in np.meshgrid(np.arange(-5, 6), np.arange(-5, 6)))
    near = HONEYCOMB.position(HONEYCOMB.cell_in(np.zeros(number, int), *true.T, np.ones(number)))[:, None, :2]
    point = near + 10.0 * np.stack([q + r / 2, np.sqrt(0.75) * r], 1)  # (N, 121, 2)
    cell = HONEYCOMB.cell_in(np.zeros(point.shape[:2], int), point[..., 0], point[..., 1], np.ones(point.shape[:2]))
    energy = 100 * np.exp(-np.linalg.norm(point - true[:, None], axis=2) / 2.0)
    events = from_cells(np.full(number, 121), cell.ravel(), energy.ravel())
    found = find_regions(events, RegionSettings(log_floor=4.0, min_mip=0), AT_FRONT)
    plain = (energy[..., None] * point).sum(1) / energy.sum(1)[:, None]
    log = np.linalg.norm(np.stack([found.x, found.y], 1) - true, axis=1).mean()
    assert log < 0.6 * np.linalg.norm(plain - true, axis=1).mean()


@given(st.floats(-300, 300), st.floats(-300, 300))
@options(max_examples=20)
def test_moving_all_hits_of_one_plane_moves_the_centre(x: float, y: float) -> None:
    random = np.random.default_rng(4)
    place, energy = random.normal(0, 6, (2, 80)) + np.array([[900.0], [-400.0]]), random.exponential(1.0, 80)
    first = find_regions(loose([80], x=place[0], y=place[1], energy=energy), STANDARD, AT_FRONT)
    moved = find_regions(loose([80], x=place[0] + x, y=place[1] + y, energy=energy), STANDARD, AT_FRONT)
    assert moved.x[0] - first.x[0] == pytest.approx(x, abs=1e-2)
    assert moved.y[0] - first.y[0] == pytest.approx(y, abs=1e-2)
    assert (moved.slope_x[0] - first.slope_x[0]) * FRONT == pytest.approx(x, abs=1e-2)
    assert moved.energy[0] == pytest.approx(first.energy[0])


def test_only_hits_near_the_axis_count() -> None:
    events = loose([3], x=np.array([1000.0, 1100.0, 1200.0]), energy=np.array([10.0, 1.0, 2.0]))
    for radius, energy, hits in ((50, 10, 1), (150, 11, 2), (250, 13, 3)):
        found = find_regions(events, RegionSettings(radius=radius), AT_FRONT)
        assert (found.energy[0], found.hits[0]) == (energy, hits)
        assert found.x[0] == pytest.approx(1000.0)


def test_a_shower_on_the_z_axis_needs_its_energy_as_seed() -> None:
    x = np.array([0.0, 0.1, 0.0, 900.0])  # an isolated hit of little energy and far more transverse energy
    events = loose([4], x=x, y=np.array([0.0, 0.0, 0.1, 0.0]), energy=np.array([20.0, 3.0, 2.0, 1.0]))
    found = [find_regions(events, RegionSettings(seed=seed), AT_FRONT) for seed in ("transverse", "energy")]
    assert [float(region.energy[0]) for region in found] == [1.0, 25.0]


def test_hits_close_to_the_origin_are_no_reason_to_fail() -> None:
    found = find_regions(loose([2], x=np.array([1.0, 5e5]), z=np.array([0.0, 1e-3])), STANDARD, AT_FRONT)
    assert all(np.isfinite(values.astype(float)).all() for values in vars(found).values())


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("x", np.nan, "hits.x must be finite"), ("energy", np.inf, "hits.energy must be finite"),
     ("layer", -1, "hits.layer must be from 0"), ("layer", 2**30, "hits.layer must be from 0")],
)  # fmt: skip
def test_hits_that_are_nowhere_are_refused_with_their_event(column: str, value: float, message: str) -> None:
    values = np.zeros(4)
    values[2] = value
    with pytest.raises(DataError, match=f"{message}.*event 1"):
        find_regions(loose([2, 2], **{column: values}), STANDARD, AT_FRONT)


def test_a_size_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="radius"):
        RegionSettings.read({"radius": 0}, where="test")
