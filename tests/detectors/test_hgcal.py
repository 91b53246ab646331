import math

import awkward
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS, _hexagons
from hitforge.detectors.hgcal import HGCAL

BOTH = HGCAL(HGCAL.Config())
CLOSED = HGCAL(HGCAL.Config(dead_gaps=False))
detectors, layers = st.sampled_from([BOTH, CLOSED]), st.integers(0, 49)
radii, angles, sides = st.floats(200.0, 2700.0), st.floats(-math.pi, math.pi), st.sampled_from([-1, 1])


def cell_in(detector, layer, x, y, side):
    return detector.cell_in(np.array([layer]), np.array([x]), np.array([y]), np.array([side]))


def some_cells(number=30_000, layer=None):
    random = np.random.default_rng(8)
    layer = random.integers(0, 50, number) if layer is None else np.full(number, layer)
    r, phi = random.uniform(250, 2600, number), random.uniform(-math.pi, math.pi, number)
    x, y, side = r * np.cos(phi), r * np.sin(phi), random.choice([-1, 1], number)
    cell = BOTH.cell_in(layer, x, y, side)
    return cell[cell >= 0], np.stack([x, y], axis=-1)[cell >= 0]


def test_numbers_of_the_stack():
    stack = BOTH.layers
    assert len(stack) == 50
    assert stack.z[[0, 1, 27, 28, 35, 36, 39, 40, 49]] / 10 == pytest.approx(
        [322.103, 323.047, 361.657, 367.699, 405.849, 411.299, 427.649, 436.199, 513.149], abs=1e-3
    )
    assert np.bincount(stack.section).tolist() == [28, 8, 14]
    assert stack.radiation_lengths[:28].sum() == pytest.approx(25, abs=1)
    assert 9 < stack.interaction_lengths.sum() < 10.5
    assert stack.interaction_lengths[:28].sum() == pytest.approx(1.5, abs=0.2)
    assert (stack.mip == stack.mip[0]).all()
    assert stack.mip[0] == pytest.approx(84e-6, rel=0.02)
    assert BOTH.front < stack.z[0]
    for name in stack.__dataclass_fields__:
        values = np.asarray(getattr(stack, name))
        assert values.shape == (50,)
        assert np.isfinite(values).all()


@settings(max_examples=300)
@given(detectors, layers, radii, angles, sides)
def test_a_point_lies_in_its_cell_and_the_cell_at_its_place(detector, layer, radius, angle, side):
    x, y = radius * math.cos(angle), radius * math.sin(angle)
    cell = cell_in(detector, layer, x, y, side)
    assert detector.is_cell(cell).tolist() == (cell >= 0).tolist()
    if cell[0] < 0:
        return
    assert detector.layer(cell).tolist() == [layer]
    assert detector.side(cell).tolist() == [side]
    place = detector.position(cell)
    kind = int(detector.kind(cell)[0])
    reach = radius * 0.025 if kind == _hexagons.TILE else 10.0
    assert math.hypot(*(place[0, :2] - [x, y])) < reach
    assert abs(abs(place[0, 2]) - detector.layers.z[layer]) == pytest.approx(2.0 if kind == _hexagons.TILE else 0.0)
    assert np.sign(place[0, 2]) == side
    assert detector.cell_at(place).tolist() == cell.tolist()
    mirrored = cell_in(detector, layer, -x, y, -side)
    assert detector.position(mirrored) == pytest.approx(place * [-1, 1, -1])


def test_outlines_hold_their_points_and_their_centres():
    cell, points = some_cells()
    corners = BOTH.corners(cell)
    edge = np.roll(corners, -1, axis=1) - corners
    silicon = BOTH.kind(cell) != _hexagons.TILE
    for inside, which in [(points, silicon), (BOTH.position(cell)[:, :2], np.ones(len(cell), bool))]:
        offset = inside[:, None] - corners
        left = edge[..., 0] * offset[..., 1] - edge[..., 1] * offset[..., 0] >= -1e-6
        assert left.all(axis=1)[which].all()
    x, y = corners[..., 0], corners[..., 1]
    area = 0.5 * (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)
    radius = np.hypot(*BOTH.position(cell)[:, :2].T)
    tile = radius**2 * math.radians(1.25) * 0.023 / 1.0115
    assert area[~silicon] == pytest.approx(tile[~silicon], rel=1e-3)
    pitch = np.where(BOTH.kind(cell) == _hexagons.FINE, 8.056, 12.084)
    assert (area / (pitch**2 * math.sqrt(0.75)))[silicon].mean() == pytest.approx(1, abs=0.01)


def test_neighbours_are_mutual_near_and_of_one_family():
    cell, _ = some_cells()
    around = BOTH.neighbours(cell)
    assert around.shape == (len(cell), 9)
    assert (around != cell[:, None]).all()
    centre, pitch = BOTH.position(cell), np.array([8.056, 12.084, 0.0])
    for beside in around.T:
        one, other = cell[beside >= 0], beside[beside >= 0]
        assert BOTH.is_cell(other).all()
        assert (BOTH.layer(one) == BOTH.layer(other)).all()
        assert ((BOTH.kind(one) == _hexagons.TILE) == (BOTH.kind(other) == _hexagons.TILE)).all()
        assert (BOTH.neighbours(other) == one[:, None]).any(axis=1).all()
        far = np.hypot(*(BOTH.position(other) - centre[beside >= 0])[:, :2].T)
        silicon = BOTH.kind(one) != _hexagons.TILE
        assert (far <= (pitch[BOTH.kind(one)] + pitch[BOTH.kind(other)]) / 2 * 1.4 + 1)[silicon].all()
    count = (around >= 0).sum(axis=1)
    assert np.median(count[BOTH.kind(cell) == _hexagons.TILE]) == 4
    assert np.median(count[BOTH.kind(cell) != _hexagons.TILE]) == 6
    assert count.max() <= 8


def test_fine_and_coarse_wafers_are_neighbours_across_their_border():
    cell, _ = some_cells(200_000, layer=10)
    around = BOTH.neighbours(np.unique(cell[BOTH.kind(cell) == _hexagons.COARSE]))
    fine = (around >= 0) & (BOTH.kind(around) == _hexagons.FINE)
    assert fine.any()
    assert (around >= 0).sum(axis=1).max() >= 7


def test_tiles_go_round():
    cell = cell_in(BOTH, 40, -1800.0, 5.0, 1)
    around = BOTH.neighbours(cell)[0]
    sectors = BOTH.indices(around[around >= 0])[:, 1]
    ring, sector = BOTH.indices(cell)[0, :2]
    assert sorted(sectors) == sorted([sector, sector, (sector + 1) % 288, (sector - 1) % 288])
    assert (BOTH.indices(around[around >= 0])[:, 0] - ring).tolist().count(0) == 2


@pytest.mark.parametrize(
    ("layer", "x", "y", "side"),
    [
        *[(-1, 800.0, 0.0, 1), (50, 800.0, 0.0, 1), (10**9, 800.0, 0.0, 1), (5, 800.0, 0.0, 0)],
        *[(5, 100.0, 0.0, 1), (5, 1700.0, 0.0, -1), (45, 300.0, 0.0, 1), (45, 2700.0, 0.0, 1), (5, math.nan, 0.0, 1)],
        (5, 589.54, 0.0, 1),  # the gap between two wafers
    ],
)
def test_no_cell_there(layer, x, y, side):
    assert cell_in(BOTH, layer, x, y, side).tolist() == [-1]


def test_gaps_belong_to_cells_if_they_are_not_dead():
    assert cell_in(CLOSED, 5, 589.54, 0.0, 1)[0] >= 0
    random = np.random.default_rng(1)
    r, phi = random.uniform(400, 1400, 20_000), random.uniform(-math.pi, math.pi, 20_000)
    place = (np.full(20_000, 3), r * np.cos(phi), r * np.sin(phi), np.ones(20_000))
    assert (CLOSED.cell_in(*place) >= 0).all()
    assert (BOTH.cell_in(*place) < 0).mean() == pytest.approx(1 - (_hexagons.SENSOR / _hexagons.WAFER) ** 2, abs=0.003)


@pytest.mark.parametrize("z", [0.0, 3210.0, 5142.0, -5142.0, math.nan, math.inf])
def test_no_cell_before_and_behind(z):
    assert BOTH.cell_at(np.array([[800.0, 0.0, z]])).tolist() == [-1]


def test_one_endcap_alone():
    cell, _ = some_cells(2000)
    for name, side in [("positive", 1), ("negative", -1)]:
        half = HGCAL(HGCAL.Config(endcaps=name))
        assert half.is_cell(cell).tolist() == (BOTH.side(cell) == side).tolist()
        assert ((half.cell_at(BOTH.position(cell)) >= 0) == (BOTH.side(cell) == side)).all()


def test_numbers_that_are_no_cells():
    cell, _ = some_cells(2000)
    wrong = np.concatenate([cell + (1 << 29), cell | 24 << 5, cell | 3 << 20, [-1, 2**62]])
    assert not BOTH.is_cell(wrong).any()
    assert np.isnan(BOTH.position(np.array([-1]))).all()
    assert (BOTH.neighbours(np.array([-1])) == -1).all()


def test_some_six_million_cells():
    area = 0.0
    for layer in range(50):
        random = np.random.default_rng(layer)
        x, y = random.uniform(-2600, 2600, (2, 4000))
        cell = BOTH.cell_in(np.full(4000, layer), x, y, np.ones(4000))
        kind, (ring, _, _, _) = BOTH.kind(cell), BOTH.indices(cell).T
        tile = (_hexagons.RINGS_BEGIN * 1.023**ring) ** 2 * 0.0233 * math.radians(1.25)
        full = np.choose(kind % 3, [8.056**2 * math.sqrt(0.75), 12.084**2 * math.sqrt(0.75), tile])
        area += 2 * 5200**2 * np.mean(np.where(cell >= 0, 1 / full, 0))
    assert 5e6 < area < 7e6


def test_unknown_endcap_is_refused():
    with pytest.raises(ConfigError, match="endcaps"):
        DETECTORS.build({"name": "hgcal", "endcaps": "left"}, where="test")


def test_real_hits_of_ten_endcaps_lie_at_our_cells(public_data):
    path = public_data / "hgcal" / "hgcalml_np_feat.parquet"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    table = pq.read_table(path)
    place = np.stack([table[f"recHit{c}"].to_numpy() * 10.0 for c in "XYZ"], axis=-1)  # (N, 3)
    layer = np.abs(np.abs(place[:, 2:]) - BOTH.layers.z).argmin(axis=1)
    silicon = np.abs(np.abs(place[:, 2]) - BOTH.layers.z[layer]) < 0.1
    cell = BOTH.cell_at(place)
    assert (cell >= 0).mean() > 0.9999
    assert (BOTH.layer(cell) == layer)[cell >= 0].all()
    off = np.hypot(*(BOTH.position(cell) - place)[:, :2].T)
    assert (off[silicon] < 0.06).mean() > 0.99
    assert (BOTH.kind(cell)[silicon] < _hexagons.TILE).mean() > 0.999
    assert (BOTH.kind(cell)[~silicon & (cell >= 0)] == _hexagons.TILE).all()
    assert np.nanmedian(off[~silicon]) < 3


def test_real_hits_have_our_wafers_and_cells(public_data):
    path = public_data / "hgcal" / "partGun_PDGid13_x2_E35.0To35.0_NTUP_1.root"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    names = ["x", "y", "z", "layer", "thickness", "wafer_u", "wafer_v", "cell_u", "cell_v"]
    with uproot.open(path) as file:
        tree = file["ana/hgc"]
        hits = {name: awkward.to_numpy(awkward.flatten(tree[f"rechit_{name}"].array())) for name in names}
    theirs = np.stack([hits[name] for name in names[5:]], axis=-1)
    for kind, thin in [
        (_hexagons.FINE, hits["thickness"] == 120),
        (_hexagons.COARSE, np.isin(hits["thickness"], [200, 300])),
    ]:
        x, y, z = (hits[name][thin].astype(float) * 10 for name in "xyz")
        fine = np.array([10**6 if kind == _hexagons.FINE else -1])
        tables = (fine, np.zeros(1), np.full(1, 3000.0), np.ones(1, np.int64), np.zeros(1, np.int64))
        cell = _hexagons.cell_in(np.zeros(len(x), np.int64), x, y, np.sign(z), tables, _hexagons.SENSOR)
        assert len(cell) > 250
        assert np.hypot(*(_hexagons.centres(cell).T - [x, y])).max() < 0.001
        np.testing.assert_array_equal(BOTH.indices(cell), theirs[thin])
