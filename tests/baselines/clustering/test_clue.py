"""CLUE against reference outputs of the first program, and against every pair of points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.baselines.clustering import clue
from hitforge.core.errors import ConfigError, DataError

# The names of the reference outputs hold dc, the outliers' distance, the seeds' distance and the critical density.
REFERENCES = {
    "out_sissa_4000_20_20_80_80.csv": (20.0, 20.0, 80.0, 80.0),
    "out_toyDetector_10000_5_10_5_8.csv": (5.0, 10.0, 5.0, 8.0),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_reference_outputs_come_out_exactly(public_data, name):
    path = public_data / "clue" / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    table = np.genfromtxt(path, delimiter=",", names=True)
    source = path.with_name(name[len("out_") :].split("0_")[0] + "0.csv")  # x, y, layer, weight without a header
    x, y, layer, weight = np.loadtxt(source, delimiter=",").T
    np.testing.assert_array_equal(x, table["x"])
    dc, outlier, seed, rhoc = REFERENCES[name]
    found = clue(
        x, y, weight, dc, rhoc, group=layer.astype(int), seed_factor=seed / dc, outlier_factor=outlier / dc, share=1.0
    )
    np.testing.assert_array_equal(found.density, table["rho"])
    np.testing.assert_array_equal(found.nearest, table["nh"])
    written = [float(f"{value:.6g}") for value in np.where(np.isinf(found.distance), 999, found.distance)]
    np.testing.assert_array_equal(written, table["delta"])
    np.testing.assert_array_equal(found.seed, table["isSeed"] == 1)
    np.testing.assert_array_equal(found.label, table["clusterId"])
    assert found.count == table["clusterId"].max() + 1


def every_pair(x, y, z, weight, group, dc, rhoc, seed_factor, outlier_factor, share, reach, gaussian):
    """The same from the definitions, one point after the other."""
    x, y, z = (np.asarray(values, np.float32) for values in (x, y, z))
    number = len(x)
    near, seed, outlier = (np.float32(dc * factor) for factor in (1.0, seed_factor, outlier_factor))
    density, distance = np.zeros(number, np.float32), np.full(number, np.inf, np.float32)
    nearest, index = np.full(number, -1), np.arange(number)

    def away(i):
        dx, dy, dz = x[i] - x, y[i] - y, z[i] - z
        return dx * dx + dy * dy + dz * dz, (group == group[i]) & (np.abs(dz) <= reach)

    for i in range(number):
        square, seen = away(i)
        counted = seen & (np.sqrt(square) <= near) & (index != i)
        kernel = np.exp(-2.0 * square.astype(float) / float(near) ** 2) if gaussian else np.ones(number)
        density[i] = weight[i] + share * (weight * kernel)[counted].sum()
    for i in range(number):
        square, seen = away(i)
        denser = (density > density[i]) | ((density == density[i]) & (index > i))
        allowed = np.flatnonzero(seen & denser & (np.sqrt(square) <= max(seed, outlier)))
        if len(allowed):
            best = allowed[np.lexsort((-allowed, -density[allowed], square[allowed]))[0]]
            nearest[i], distance[i] = best, np.sqrt(square[best])
    is_seed = (density >= rhoc) & (distance > seed)
    label = np.full(number, -1)
    label[is_seed] = np.arange(is_seed.sum())
    for i in np.lexsort((-index, -density)):  # the denser ones first
        if not is_seed[i] and not (density[i] < rhoc[i] and distance[i] > outlier):
            label[i] = label[nearest[i]]
    return density, distance, nearest, is_seed, label


@settings(max_examples=150)
@given(st.data())
def test_every_pair_says_the_same(data):
    # Places on a lattice, so that many distances and densities are equal; weights that sum without rounding.
    number = data.draw(st.integers(1, 60))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    pitch = data.draw(st.sampled_from([1.0, 0.7, 13.3]))
    wide = data.draw(st.integers(1, 40))
    x, y = (random.integers(0, wide, (2, number)) * pitch).astype(np.float32)
    z = random.integers(0, 4, number) * data.draw(st.sampled_from([0.0, 0.7]))
    weight, group = random.integers(0, 9, number) / 8.0, random.integers(0, 3, number)
    dc = pitch * data.draw(st.sampled_from([1.0, 1.5, 3.0]))
    factors = [data.draw(st.sampled_from([0.5, 1.0, 2.0, 3.5])) for _ in range(2)]
    gaussian, share = data.draw(st.booleans()), data.draw(st.sampled_from([0.5, 1.0]))
    reach = data.draw(st.sampled_from([np.inf, 1.0]))
    rhoc = random.integers(0, 17, number) / 8.0
    found = clue(
        x, y, weight, dc, rhoc, group=group, depth=z, reach=reach, seed_factor=factors[0], outlier_factor=factors[1],
        kernel="gaussian" if gaussian else "flat", share=share,
    )  # fmt: skip
    wanted = every_pair(x, y, z, weight, group, dc, rhoc, *factors, share, reach, gaussian)
    if gaussian:  # the last bit of a sum depends on its order, and what is nearest on the last bit
        np.testing.assert_allclose(found.density, wanted[0], rtol=1e-5)
        return
    for ours, other in zip(vars(found).values(), wanted, strict=True):
        np.testing.assert_array_equal(ours, other)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_groups_are_clustered_alone_and_order_does_not_matter(seed):
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, 30, (2, 300))
    weight, group = random.exponential(1.0, 300), random.integers(0, 4, 300)
    found = clue(x, y, weight, 2.0, 1.5, group=group)
    for one in range(4):
        alone = clue(x[group == one], y[group == one], weight[group == one], 2.0, 1.5)
        np.testing.assert_array_equal(alone.density, found.density[group == one])
        np.testing.assert_array_equal(alone.seed, found.seed[group == one])
    order = random.permutation(300)
    other = clue(x[order], y[order], weight[order], 2.0, 1.5, group=group[order])
    np.testing.assert_array_equal(other.seed, found.seed[order])
    inside = found.label[order] >= 0
    np.testing.assert_array_equal(other.label >= 0, inside)
    assert len(np.unique(np.stack([other.label, found.label[order]]), axis=1).T) == found.count + (~inside).any()


def test_of_equal_points_the_last_is_the_seed():
    found = clue(np.zeros(3), np.zeros(3), np.ones(3), 1.0, 1.0)
    np.testing.assert_array_equal(found.seed, [False, False, True])
    np.testing.assert_array_equal(found.nearest, [2, 2, -1])
    np.testing.assert_array_equal(found.density, [2.0, 2.0, 2.0])


def test_a_limit_counts_as_near_in_single_precision():
    apart = np.array([0.1, 0.1 + 5.0], np.float32)
    assert clue(apart, np.zeros(2), np.ones(2), 5.0, 1.0, share=1.0).density[0] == 2.0
    beyond = np.array([0.0, np.nextafter(np.float32(5), np.float32(6))])
    assert clue(beyond, np.zeros(2), np.ones(2), 5.0, 1.0, share=1.0).density[0] == 1.0


def test_no_points_give_no_clusters_and_wrong_ones_are_refused():
    none = np.zeros(0)
    assert clue(none, none, none, 1.0, 1.0).count == 0
    one = np.ones(2)
    for wrong in ({"dc": 0.0}, {"seed_factor": -1.0}, {"outlier_factor": np.inf}, {"kernel": "cone"}, {"share": -1.0}):
        with pytest.raises(ConfigError, match=r"must be|share and reach"):
            clue(**{"x": one, "y": one, "weight": one, "dc": 1.0, "rhoc": 1.0, **wrong})
    for wrong in (
        {"x": np.array([1.0, np.nan])}, {"y": np.ones(3)}, {"group": np.array([-1, 0])}, {"rhoc": np.ones(3)},
        {"rhoc": np.array([np.nan, 1.0])},
    ):  # fmt: skip
        with pytest.raises(DataError, match=r"must be|must have"):
            clue(**{"x": one, "y": one, "weight": one, "dc": 1.0, "rhoc": 1.0, **wrong})
