"""The tracker: against TrackML's own file of the detector, and its cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv

from hitforge.acts.field import coil_field
from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS, Detector, TrackerDetector, acts_geometry, require_tracker
from hitforge.detectors.silicon_barrel_endcap import _PITCHES, SiliconBarrelEndcap

DETECTOR = SiliconBarrelEndcap(SiliconBarrelEndcap.Config())
MODULES = DETECTOR.modules


@pytest.fixture(scope="module")
def trackml(public_data: Path) -> dict[str, np.ndarray]:
    path = public_data / "trackml" / "detectors.csv.gz"
    if not path.exists():
        pytest.skip(f"needs {path}")
    table = csv.read_csv(path)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def test_every_module_of_trackml_is_there_under_its_name(trackml: dict[str, np.ndarray]) -> None:
    number = DETECTOR.number_of(trackml["volume_id"], trackml["layer_id"], trackml["module_id"])
    row = DETECTOR.row(number)
    np.testing.assert_array_equal(np.sort(row), np.arange(len(MODULES)))
    # Numbers of the file are rounded at six digits.
    centre = np.stack([trackml[f"c{axis}"] for axis in "xyz"], 1)
    np.testing.assert_allclose(MODULES.centre[row], centre, atol=0.006)
    turn = np.stack([np.stack([trackml[f"rot_{axis}{local}"] for axis in "xyz"], 1) for local in "uvw"], 1)
    np.testing.assert_allclose(MODULES.axes[row], turn, atol=1e-5)
    for column, name in (
        ("half_u_low", "module_minhu"), ("half_u_high", "module_maxhu"), ("half_v", "module_hv"),
        ("pitch_u", "pitch_u"), ("pitch_v", "pitch_v"), ("thickness", "module_t"),
    ):  # fmt: skip
        np.testing.assert_allclose(getattr(MODULES, column)[row], trackml[name], atol=1e-6, err_msg=name)
    for ours, name in zip(DETECTOR.names_of(number), ("volume_id", "layer_id", "module_id"), strict=True):
        np.testing.assert_array_equal(ours, trackml[name])


def test_layers_are_counted_through_the_volumes() -> None:
    assert len(MODULES) == 18_728
    assert DETECTOR.layers == 48
    volume = [int(np.unique(MODULES.volume[MODULES.layer == layer]).item()) for layer in range(48)]
    counts = {7: 7, 8: 4, 9: 7, 12: 6, 13: 4, 14: 6, 16: 6, 17: 2, 18: 6}
    assert volume == [number for number, count in counts.items() for _ in range(count)]


def test_axes_are_right_handed_unit_vectors() -> None:
    product = np.einsum("mij,mkj->mik", MODULES.axes, MODULES.axes)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(MODULES.axes), 1, atol=1e-12)


def test_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        MODULES.centre[0] = 0


@given(st.integers(0, len(MODULES) - 1), st.floats(-0.99, 0.99), st.floats(-0.99, 0.99), st.floats(-0.05, 0.05))
def test_point_on_a_module_projects_to_it_or_to_one_as_near(row: int, u: float, v: float, w: float) -> None:
    width = MODULES.half_u_low[row] + (v + 1) / 2 * (MODULES.half_u_high[row] - MODULES.half_u_low[row])
    local = np.array([u * width, v * MODULES.half_v[row], w])
    point = MODULES.centre[row] + local @ MODULES.axes[row]
    found = DETECTOR.row(DETECTOR.cell_at(point[None]))
    assert found[0] >= 0
    assert abs((point - MODULES.centre[found[0]]) @ MODULES.axes[found[0], 2]) <= abs(w) + 1e-9
    assert MODULES.layer[found[0]] == MODULES.layer[row]


def test_no_module_is_found_far_away() -> None:
    points = [[0, 0, 0], [1e5, 0, 0], [0, 0, 4000], [np.nan, 0, 0], [0, 20, -1500], [33.0, 0.0, 550.0]]
    assert (DETECTOR.cell_at(np.array(points)) == -1).all()
    assert DETECTOR.cell_at(np.zeros((0, 3))).shape == (0,)


def test_barrel_module_has_its_neighbours_around() -> None:
    row = int(np.flatnonzero(MODULES.volume == 8)[100])  # within the first layer
    around = DETECTOR.row(DETECTOR.neighbours(MODULES.number[[row]])[0])
    around = around[around >= 0]
    assert len(around) == 8
    assert (MODULES.layer[around] == MODULES.layer[row]).all()
    assert np.linalg.norm(MODULES.centre[around] - MODULES.centre[row], axis=1).max() < 80
    assert (DETECTOR.neighbours(np.array([-1, 5])) == -1).all()


def test_number_outside_is_no_cell() -> None:
    wrong = DETECTOR.number_of(np.array([8, 8, 10, 8]), np.array([2, 3, 2, 2]), np.array([0, 1, 1, 5000]))
    assert not DETECTOR.is_cell(wrong).any()
    assert not DETECTOR.is_cell(np.array([-1, 0])).any()


def test_parts_of_a_number_never_reach_into_others() -> None:
    """Volume 264 is not volume 8; volumes above 127 are themselves."""
    volume, layer, module = (
        np.array(part) for part in ([264, 8, 8, -248, 8], [2, 4098, 2, 2, -1], [1, 1, 2**20, 1, 1])
    )
    assert DETECTOR.number_of(volume, layer, module).tolist() == [-1] * 5
    high = DETECTOR.number_of(np.array([130]), np.array([2]), np.array([7]))
    assert [part.tolist() for part in DETECTOR.names_of(high)] == [[130], [2], [7]]
    assert DETECTOR.row(high).tolist() == [-1]


def test_to_global_puts_points_on_the_plane() -> None:
    random = np.random.default_rng(1)
    row = random.integers(0, len(MODULES), 100)
    u, v = random.uniform(-5, 5, (2, 100))
    away = DETECTOR.to_global(MODULES.number[row], u, v) - MODULES.centre[row]
    found = np.einsum("nij,nj->in", MODULES.axes[row], away)
    np.testing.assert_allclose(found, [u, v, 0 * u], atol=1e-9)


def test_it_is_a_tracker_and_a_calorimeter_is_not(barrel: Detector) -> None:
    detector = DETECTORS.build({"name": "silicon_barrel_endcap", "field": 3.8}, where="test")
    assert isinstance(detector, TrackerDetector)
    assert require_tracker(detector, "a test").field == 3.8
    with pytest.raises(ConfigError, match="silicon_barrel_endcap"):
        require_tracker(barrel, "a test")


@pytest.mark.parametrize("middle", [None, -150.0])
def test_acts_has_the_field_of_the_coil_all_round(middle: float | None) -> None:
    acts = pytest.importorskip("acts")
    place = [] if middle is None else [middle]
    block = {"name": "silicon_barrel_endcap", "field": 2.0, "coil": [1300, 5250, *place]}
    flat, coil = (DETECTORS.build(b, where="test") for b in ("silicon_barrel_endcap", block))
    assert isinstance(flat, SiliconBarrelEndcap)
    assert isinstance(coil, SiliconBarrelEndcap)

    def at(detector: SiliconBarrelEndcap, *place: float) -> list[float]:
        field = detector.magnetic_field
        found = field.getField(acts.Vector3(*place), field.makeCache(acts.MagneticFieldContext()))
        return [found[i] / acts.UnitConstants.T for i in range(3)]

    for r, z in ((10.0, 0.0), (310.0, -1510.0), (310.0, 1510.0), (900.0, 2610.0), (900.0, -2610.0)):
        radial, axial = (
            2.0 * float(part) for part in coil_field(np.array(r), np.array(z - sum(place)), 1300.0, 5250.0)
        )
        assert at(flat, r, 0, z) == pytest.approx([0, 0, 2])
        assert at(coil, r, 0, z) == pytest.approx([radial, 0, axial], abs=2e-3)
        assert at(coil, 0, -r, z) == pytest.approx([0, -radial, axial], abs=2e-3)


@pytest.mark.parametrize("coil", [[900, 5000], [1300, 100]])
def test_coil_that_would_stand_in_the_detector_is_refused(coil: list[float]) -> None:
    with pytest.raises(ConfigError, match="radius of 1200 to 5000"):
        DETECTORS.build({"name": "silicon_barrel_endcap", "coil": coil}, where="test")


def test_coil_far_from_the_detector_is_refused() -> None:
    with pytest.raises(ConfigError, match="middle of the coil must lie within 1000 mm"):
        DETECTORS.build({"name": "silicon_barrel_endcap", "coil": [1300, 5000, -1500]}, where="test")


def test_acts_has_the_field_of_the_detector() -> None:
    acts = pytest.importorskip("acts")
    weak = DETECTORS.build({"name": "silicon_barrel_endcap", "field": 1.0}, where="test")
    _, field = acts_geometry(weak)
    context = acts.MagneticFieldContext()
    strength = field.getField(acts.Vector3(0, 0, 0), field.makeCache(context))
    assert strength[2] == pytest.approx(acts.UnitConstants.T)


def test_a_detector_that_acts_does_not_know_says_so() -> None:
    for name in ("pixel_grid", "point_cloud"):
        with pytest.raises(ConfigError, match=rf"ACTS must know the detector.*{name}.*silicon_barrel_endcap"):
            acts_geometry(DETECTORS.build(name, where="test"))


def test_pitches_follow_the_volumes() -> None:
    modules = DETECTOR.modules
    for volume, (u, v) in _PITCHES.items():
        mine = modules.volume == volume
        assert mine.any()
        assert (modules.pitch_u[mine] == u).all()
        assert (modules.pitch_v[mine] == v).all()
    for column in vars(modules).values():
        assert not column.flags.writeable
