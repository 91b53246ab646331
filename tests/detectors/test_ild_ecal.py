import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.detectors.ild_ecal import ILDEcal

ECAL = ILDEcal(ILDEcal.Config())
layers, places = st.integers(0, 29), st.floats(-999.9, 999.9)


def cell_in(layer, x, y, side=1):
    return ECAL.cell_in(np.array([layer]), np.array([x]), np.array([y]), np.array([side]))


def test_numbers_of_the_stack():
    stack = ECAL.layers
    assert len(stack) == 30
    assert np.diff(stack.z)[:4] == pytest.approx([3.13, 9.34, 3.13, 9.34])
    assert np.diff(stack.z)[18:] == pytest.approx([3.13, 11.44] + [5.23, 11.44] * 4 + [5.23])
    assert stack.radiation_lengths.sum() == pytest.approx(24.6, abs=0.5)
    assert stack.interaction_lengths.sum() == pytest.approx(1.0, abs=0.1)
    assert stack.z[0] > ECAL.front
    for name in stack.__dataclass_fields__:
        assert np.shape(getattr(stack, name)) == (30,)


@given(layers, places, places)
def test_a_point_lies_in_its_cell_and_the_cell_at_its_place(layer, x, y):
    cell = cell_in(layer, x, y)
    assert ECAL.is_cell(cell).all()
    assert ECAL.layer(cell).tolist() == [layer]
    place = ECAL.position(cell)
    assert np.abs(place[0, :2] - [x, y]).max() <= 2.5 + 1e-9
    assert place[0, 2] == ECAL.layers.z[layer]
    assert ECAL.cell_at(place).tolist() == cell.tolist()


@given(layers, st.integers(-150, 149), st.integers(-150, 149))
def test_corners_are_a_square_and_neighbours_share_them(layer, column, row):
    cell = cell_in(layer, 5 * column + 2.5, 5 * row + 2.5)
    corners = ECAL.corners(cell)[0]
    x, y = corners.T
    assert 0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() == pytest.approx(25)  # counter-clockwise
    around = ECAL.neighbours(cell)[0]
    assert len(set(around)) == 8
    assert (ECAL.neighbours(around) == cell).any(axis=1).all()
    assert np.abs(ECAL.position(around)[:, :2] - ECAL.position(cell)[0, :2]).max() == pytest.approx(5)


@pytest.mark.parametrize(
    ("layer", "x", "y", "side"),
    [
        (-1, 0, 0, 1),
        (30, 0, 0, 1),
        (0, 1000.1, 0, 1),
        (0, 0, -1001, 1),
        (3, 0, 0, -1),
        (3, np.nan, 0, 1),
        (3, 1e99, 0, 1),
    ],
)
def test_no_cell_beside_the_planes(layer, x, y, side):
    assert cell_in(layer, x, y, side).tolist() == [-1]


@pytest.mark.parametrize("z", [1804.9, -1811.6, 2016.0, np.nan])
def test_no_cell_before_and_behind(z):
    assert ECAL.cell_at(np.array([[1.0, 1.0, z]])).tolist() == [-1]


def test_corner_cells_have_three_neighbours_and_no_cell_has_none():
    assert (ECAL.neighbours(cell_in(0, -999, -999)) >= 0).sum() == 3
    assert (ECAL.neighbours(np.array([-1])) == -1).all()
    assert np.isnan(ECAL.position(np.array([-1]))).all()


def test_impossible_dimensions_are_refused():
    with pytest.raises(ConfigError, match="pitch"):
        DETECTORS.build({"name": "ild_ecal", "pitch": 0}, where="test")


def test_geant4_showers_lie_in_our_layers_and_weigh_what_the_photons_had(public_data):
    path = public_data / "ild_showers" / "mini_data_sample_50GeV.hdf5"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    with h5py.File(path) as file:
        for shower in file["events"][:]:
            _, depth, _, energy = shower[:, shower[3] > 0]  # the file's depth is y
            place = np.stack([0 * depth, 0 * depth, depth], axis=-1)
            layer = ECAL.layer(ECAL.cell_at(place))
            assert np.abs(ECAL.layers.z[layer] - depth).max() < 0.01
            assert (energy * ECAL.layers.weight[layer]).sum() == pytest.approx(50, rel=0.05)
