"""N-subjettiness against clustering written out, and against FastJet."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.events import Collection
from hitforge.representations.features._subjets import subjettiness


def jets(number: int, seed: int = 1) -> Collection:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 40, number)
    pt, eta, phi = (
        rng.exponential(5, counts.sum()) + 0.1,
        rng.normal(1, 0.4, counts.sum()),
        rng.normal(3, 0.4, counts.sum()),
    )
    momentum = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta)}
    return Collection.from_counts(counts, {**momentum, "energy": np.hypot(pt * np.cosh(eta), 0.1396)})


def place(four: np.ndarray) -> np.ndarray:
    return np.array([np.arctanh(four[2] / four[3]), np.arctan2(four[1], four[0])])


def apart(a: np.ndarray, b: np.ndarray) -> float:
    turn = (a[1] - b[1] + np.pi) % (2 * np.pi) - np.pi
    return float(np.hypot(a[0] - b[0], turn))


def test_it_is_that_of_clustering_written_out() -> None:
    parts = jets(30)
    found = subjettiness(parts, 4)
    for jet in range(30):
        rows = slice(parts.offsets[jet], parts.offsets[jet + 1])
        all_four = np.stack([parts[name][rows] for name in ("px", "py", "pz", "energy")], axis=1)
        left = list(all_four)
        for number in (4, 3, 2, 1):
            while len(left) > number:
                pairs = [
                    (min(np.hypot(*a[:2]), np.hypot(*b[:2])) * apart(place(a), place(b)), i, j)
                    for i, a in enumerate(left)
                    for j, b in enumerate(left[:i])
                ]
                _, i, j = min(pairs)
                left[j] = left[j] + left[i]
                del left[i]
            pt = np.hypot(all_four[:, 0], all_four[:, 1])
            away = [min(apart(place(one), place(axis)) for axis in left) for one in all_four]
            expected = (pt * away).sum() / pt.sum() if len(all_four) >= number else 0.0
            assert found[jet, number - 1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings("ignore:dcut and exclusive jets")  # it says so of kt, too
def test_axes_are_those_of_fastjet() -> None:
    fastjet = pytest.importorskip("fastjet", reason="the comparison needs the extra 'gen'")
    import awkward as ak

    parts = jets(50, seed=2)
    rows = ak.unflatten(
        ak.zip({theirs: parts[ours] for ours, theirs in (("px", "px"), ("py", "py"), ("pz", "pz"), ("energy", "E"))}),
        parts.counts,
    )
    many = rows[ak.num(rows.px) >= 3]
    sequence = fastjet.ClusterSequence(many, fastjet.JetDefinition(fastjet.kt_algorithm, 100.0))
    axes = sequence.exclusive_jets(n_jets=3)
    found = subjettiness(parts, 3)[parts.counts >= 3, 2]
    for jet in range(len(many)):
        four = np.stack([many[name][jet].to_numpy() for name in ("px", "py", "pz", "E")], axis=1)
        ends = [np.array([axis.px, axis.py, axis.pz, axis.E]) for axis in axes[jet]]
        pt = np.hypot(four[:, 0], four[:, 1])
        away = [min(apart(place(one), place(end)) for end in ends) for one in four]
        assert found[jet] == pytest.approx((pt * away).sum() / pt.sum(), abs=1e-5)


def test_a_jet_of_three_prongs_needs_three_axes() -> None:
    pt, eta, phi = np.repeat([100.0, 90, 80], 5), np.repeat([0.0, 0.5, 0.1], 5), np.repeat([0.0, 0.1, 0.6], 5)
    eta = eta + np.random.default_rng(1).normal(0, 0.01, 15)
    columns = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta), "energy": pt * np.cosh(eta)}
    one, two, three, _ = subjettiness(Collection.from_counts(np.array([15]), columns), 4)[0]
    assert two > 0.3 * one
    assert three < 0.1 * two
    assert not subjettiness(Collection.from_counts(np.zeros(2, int), {name: np.zeros(0) for name in columns}), 4).any()
