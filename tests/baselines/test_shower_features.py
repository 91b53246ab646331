"""What is told of a cluster of hits, against small cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines._shower_features import NAMES, ClusteredHits, shower_features


def points(rows: list[tuple[int, float, float, int, float]]) -> ClusteredHits:
    """Hits of (event, u, v, layer, energy)."""
    event, u, v, layer, energy = (np.array(column) for column in zip(*rows, strict=True))
    ones = np.full(len(rows), 0.01)
    return ClusteredHits(np.arange(len(rows)), event, u, v, u, v, layer, energy.astype(float), ones)


HITS = points([
    (0, 0.0, 0.0, 2, 1.0), (0, 8.0, 0.0, 4, 3.0),  # shower 0
    (0, 46.0, 0.0, 1, 1.0),  # shower 1, 40 mm from it
    (0, 6.0, 20.0, 3, 0.5),  # of none
    (2, 100.0, 0.0, 11, 0.04),  # shower 2
])  # fmt: skip
LABEL = np.array([0, 0, 1, -1, 2])


def told(hits: ClusteredHits = HITS, label: np.ndarray = LABEL, showers: int = 3) -> dict[str, np.ndarray]:
    return dict(zip(NAMES, shower_features(hits, label, showers, 12).T, strict=True))


def test_energy_depth_and_width() -> None:
    one = {name: column[0] for name, column in told().items()}
    assert one["log_energy"] == pytest.approx(np.log(4.0))
    assert one["log_hits"] == pytest.approx(np.log(2))
    assert one["hottest_share"] == one["widest_layer_share"] == 0.75
    assert (one["depth"], one["first_layer"], one["last_layer"], one["widest_layer"]) == (3.5, 2, 4, 4)
    assert one["depth_width"] == pytest.approx(np.sqrt(0.25 * 1.5**2 + 0.75 * 0.5**2))
    assert one["depth_skewness"] == pytest.approx((-0.25 * 1.5**3 + 0.75 * 0.5**3) / one["depth_width"] ** 3)
    assert one["width_major"] == pytest.approx(np.sqrt(0.25 * 6**2 + 0.75 * 2**2))
    assert one["width_minor"] == 0
    assert one["radius"] == 6
    assert one["log_mips"] == pytest.approx(np.log(400))
    assert (one["above_5_mip"], one["above_10_mip"], one["below_3_mip_share"]) == (1, 1, 0)
    assert sum(one[f"layers_{i}_share"] for i in range(10)) == pytest.approx(1)
    assert told()["above_5_mip"][2] == 0


def test_surroundings() -> None:
    all_ = told()
    assert all_["within_10"].tolist() == [1, 1, 1]
    assert all_["others_within_10"].tolist() == [0, 0, 0]
    assert all_["others_within_25"].tolist() == [0.125, 0, 0]  # the hit of none
    assert all_["others_within_50"].tolist() == pytest.approx(
        [1.5 / 4, 4.5, 0]
    )  # and the other shower, not that of event 2
    assert all_["showers"].tolist() == [2, 2, 1]
    assert all_["rank"].tolist() == [0, 1, 0]
    assert all_["energy_share"].tolist() == pytest.approx([0.8, 0.2, 1])
    assert all_["nearest"].tolist() == [40, 40, 1e4]
    assert all_["nearest_energy"].tolist() == [0.25, 4, 0]


def test_events_alone_give_the_same_and_nothing_gives_nothing() -> None:
    alone = points([(0, 100.0, 0.0, 11, 0.04)])
    single = told(alone, np.array([0]), 1)
    assert {name: column[2] for name, column in told().items()} == {name: c[0] for name, c in single.items()}
    assert shower_features(HITS, np.full(5, -1), 0, 12).shape == (0, len(NAMES))
