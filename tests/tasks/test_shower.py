from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events, FieldInfo
from hitforge.representations.region import find_regions
from hitforge.tasks import TASKS
from hitforge.tasks.shower import MeasureShower

ALL = ("energy", "barycentre", "direction")
FIELDS = (
    "energy", "barycentre_x", "barycentre_y", "barycentre_z", "direction_x", "direction_y", "direction_z",
)  # fmt: skip


HGCAL = DETECTORS.build("hgcal", where="test")


def build(**values: object) -> MeasureShower:
    return MeasureShower(MeasureShower.Config.read({"quantities": ALL, **values}, where="test"), HGCAL)


def make_events(number: int = 6, seed: int = 1, empty: tuple[int, ...] = ()) -> Events:
    """A few layers of hits around a line from the origin; the events ``empty`` have no hits."""
    random = np.random.default_rng(seed)
    energy = random.uniform(5, 300, number)
    side = random.choice([-1.0, 1.0], number)
    slope = random.uniform(-0.5, 0.5, (number, 2))
    depth = np.linspace(3230, 3600, 8)
    z = np.repeat(side[:, None] * depth, 9, axis=1)  # (N, hits)
    spread = np.tile(np.array([(i, j) for i in (-8, 0, 8) for j in (-8, 0, 8)]), (8, 1))
    x = slope[:, :1] * np.abs(z) + spread[:, 0]
    y = slope[:, 1:] * np.abs(z) + spread[:, 1]
    share = random.dirichlet(np.ones(z.shape[1]), number) * 0.9
    counts = np.where(np.isin(np.arange(number), empty), 0, z.shape[1])
    keep = np.repeat(counts > 0, z.shape[1])
    columns = {
        "x": x, "y": y, "z": z, "energy": share * energy[:, None], "time": 0 * x, "cell": np.zeros(x.shape, np.int64),
        "layer": np.tile(np.repeat(np.arange(8), 9), (number, 1)), "subsystem": np.zeros(x.shape, np.int32),
    }  # fmt: skip
    direction = np.column_stack([slope, side]) / np.sqrt(1 + (slope**2).sum(1))[:, None]
    centre = np.column_stack([slope * 3400, side * 3400]) + random.normal(0, 5, (number, 3))
    fields = dict(zip(FIELDS, np.column_stack([energy, centre, direction]).T, strict=True))
    return Events(
        {"hits": Collection.from_counts(counts, {name: value.ravel()[keep] for name, value in columns.items()})},
        fields,
        {name: FieldInfo("float32", "", "truth") for name in FIELDS},
    )


def test_outputs_are_counted_in_a_fixed_order() -> None:
    task = TASKS.build({"name": "shower", "quantities": ["direction", "energy"]}, where="test")
    assert isinstance(task, MeasureShower)
    assert task.quantities == ("energy", "direction")
    assert (task.outputs, build().outputs) == (3, 6)
    target = build().target(make_events())
    assert (target.shape, target.dtype) == ((6, 14), np.float32)


@given(st.integers(0, 1000), st.sampled_from([ALL, ("energy",), ("barycentre",), ("direction", "barycentre")]))
def test_the_right_outputs_decode_to_the_truth(seed: int, quantities: tuple[str, ...]) -> None:
    task, events = build(quantities=quantities), make_events(20, seed)
    target = task.target(events)
    columns = task.decode(target[:, : task.outputs], target)
    names = [name for name in FIELDS if name.partition("_")[0] in quantities]
    assert list(columns) == [f"{kind}_{name}" for name in names for kind in ("true", "predicted")]
    for name in names:
        np.testing.assert_array_equal(columns[f"predicted_{name}"], columns[f"true_{name}"])
        np.testing.assert_allclose(columns[f"true_{name}"], events.field(name), rtol=2e-6, atol=1e-6)


def test_outputs_of_zero_are_the_region_itself() -> None:
    task, events = build(), make_events(10)
    regions = find_regions(events, task.region, HGCAL)
    columns = task.decode(np.zeros((10, 6), np.float32), task.target(events))
    np.testing.assert_allclose(columns["predicted_energy"], regions.energy, rtol=1e-6)
    np.testing.assert_allclose(columns["predicted_barycentre_z"], regions.z, rtol=1e-6)
    slope = columns["predicted_direction_x"] / np.abs(columns["predicted_direction_z"])
    np.testing.assert_allclose(slope, regions.slope_x, rtol=1e-5)
    length = sum(columns[f"predicted_direction_{c}"].astype(float) ** 2 for c in "xyz")
    np.testing.assert_allclose(length, 1, rtol=1e-6)


def test_a_prediction_never_depends_on_the_truth() -> None:
    task, first = build(), make_events(10)
    fields = {name: values[::-1].copy() for name, values in first.fields.items()}
    second = Events(first.collections, fields, first.info)
    outputs = np.random.default_rng(1).normal(size=(10, 6)).astype(np.float32)
    one, two = (task.decode(outputs, task.target(events)) for events in (first, second))
    for name in FIELDS:
        np.testing.assert_array_equal(one[f"predicted_{name}"], two[f"predicted_{name}"])
        assert not np.array_equal(one[f"true_{name}"], two[f"true_{name}"])


def test_truth_survives_a_region_on_the_wrong_side() -> None:
    events = make_events(8)
    events.hits["z"][:] *= -1
    task = build()
    target = task.target(events)
    columns = task.decode(np.zeros((8, 6), np.float32), target)
    for name in FIELDS:
        np.testing.assert_allclose(columns[f"true_{name}"], events.field(name), rtol=1e-5, atol=1e-5)
    assert (columns["true_direction_z"] * columns["predicted_direction_z"] < 0).all()


def test_events_without_hits_keep_their_truth_and_get_no_answer() -> None:
    task, events = build(), make_events(6, empty=(2, 5))
    target = task.target(events)
    assert np.isfinite(target).all()
    assert not target[[2, 5], 6:13].any()
    columns = task.decode(np.ones((6, 6), np.float32), target)
    for name in FIELDS:
        np.testing.assert_allclose(columns[f"true_{name}"], events.field(name), rtol=2e-6)
        np.testing.assert_array_equal(columns[f"predicted_{name}"][[2, 5]], 0)
    loss = task.torch_loss(torch.full((6, 6), 50.0), torch.from_numpy(target))
    kept = np.delete(np.arange(6), [2, 5])
    assert loss.item() == pytest.approx(
        task.torch_loss(torch.full((4, 6), 50.0), torch.from_numpy(target[kept])).item()
    )
    only = torch.from_numpy(target[[2, 5]])
    assert task.torch_loss(torch.ones(2, 6), only) == 0
    assert task.score(np.ones((2, 6), np.float32), target[[2, 5]]) == {}


@pytest.mark.parametrize("loss", ["huber", "mse", "mae"])
def test_loss_is_the_weighted_mean_over_the_quantities(loss: str) -> None:
    task = build(loss=loss, delta=0.7, weights={"energy": 3.0})
    target = task.target(make_events(30))
    outputs = np.random.default_rng(2).normal(0, 2, (30, 6)).astype(np.float32)
    size = np.abs(outputs - target[:, :6]).astype(float)
    size = {"mse": size**2, "mae": size, "huber": np.where(size < 0.7, 0.5 * size**2, 0.7 * (size - 0.35))}[loss]
    expected = (3 * size[:, 0] + size[:, 1:4].mean(1) + size[:, 4:].mean(1)).mean() / 5
    assert task.torch_loss(torch.from_numpy(outputs), torch.from_numpy(target)).item() == pytest.approx(expected, 1e-5)


@pytest.mark.parametrize("loss", ["huber", "mse", "mae"])
def test_keras_loss_equals_torch_loss(loss: str) -> None:
    pytest.importorskip("keras")
    task = build(loss=loss, weights={"direction": 0.5})
    target = task.target(make_events(30, empty=(4,)))
    outputs = np.random.default_rng(2).normal(0, 2, (30, 6)).astype(np.float32)
    expected = task.torch_loss(torch.from_numpy(outputs), torch.from_numpy(target)).item()
    assert float(task.keras_loss()(target, outputs)) == pytest.approx(expected, rel=1e-5)


def test_score_gives_errors_in_their_units() -> None:
    task, events = build(), make_events(50)
    target = task.target(events)
    outputs = target[:, :6].copy()
    assert task.score(outputs, target) == {"energy_error": 0, "barycentre_error": 0, "direction_error": 0}
    outputs[:, 0] += np.log(1.1) / task.config.energy_scale
    outputs[:, 1] += 4 / task.config.position_scale
    score = task.score(outputs, target)
    assert score["energy_error"] == pytest.approx(0.1, rel=1e-4)
    assert score["barycentre_error"] == pytest.approx(2.0, rel=1e-3)
    straight = make_events(50)
    for name, value in (("direction_x", 0.0), ("direction_y", 0.0), ("direction_z", 1.0)):
        straight.fields[name][:] = value
    target = task.target(straight)
    outputs = target[:, :6].copy()
    outputs[:, 4] += 0.003 / task.config.slope_scale
    angle = task.score(outputs, target)["direction_error"]
    wrong = target[:, 12] < 0  # such a region points the other way, which is pi
    assert angle == pytest.approx(np.where(wrong, 1e3 * np.pi, 3.0).mean(), rel=1e-3)


def test_huge_outputs_stay_finite() -> None:
    task = build()
    target = task.target(make_events(4))
    for value in (1e8, -1e8):
        columns = task.decode(np.full((4, 6), value, np.float32), target)
        assert all(np.isfinite(column).all() for column in columns.values())


@pytest.mark.parametrize(
    ("outputs", "message"),
    [(np.zeros((3, 6)), r"\(N, 6\)"), (np.zeros((6, 5)), r"\(N, 6\)"), (np.full((6, 6), np.nan), "finite")],
)
def test_wrong_outputs_are_refused(outputs: np.ndarray, message: str) -> None:
    task = build()
    with pytest.raises(DataError, match=message):
        task.decode(outputs, task.target(make_events()))


def test_wrong_truth_is_refused_with_its_event() -> None:
    events = make_events()
    events.fields["energy"][3] = 0
    with pytest.raises(DataError, match=r"'energy' must be above 0 GeV.*event 3"):
        build().target(events)
    events = make_events()
    events.fields["barycentre_y"][2] = np.nan
    with pytest.raises(DataError, match=r"'barycentre_y' must be finite.*event 2"):
        build().target(events)
    events.fields["direction_z"][1] = 0
    with pytest.raises(DataError, match=r"'direction_z' must be other than 0.*event 1"):
        build(quantities=("direction",)).target(events)
    del events.fields["energy"]
    with pytest.raises(DataError, match="must have the field 'energy'"):
        build().target(events)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"quantities": []}, "quantities"),
        ({"quantities": ["energy", "energy"]}, "must differ from each other"),
        ({"quantities": ["mass"]}, "quantities"),
        ({"weights": {"energy": 0}}, "weights.energy"),
        ({"loss": "l3"}, "loss"),
        ({"region": {"radius": -1}}, "region.radius"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**values)
