"""True particles of a CMS ntuple: who they are, which hits they made, and what was lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._cms_truth import ClusterTruth, refuse_unlinked, truth_of
from hitforge.readers._root import Tree

PATH = Path("a.root")
EVENT = np.array([0, 0, 0, 1, 1, 1])  # of each hit


class Ntuple(Tree):
    """Two events: clusters at +z and -z that share a hit, then one cluster, of three hits each."""

    def __init__(self, **changed: Any) -> None:
        self.path, self.first, self.last = PATH, 10, 12
        self.lists = {
            "simcluster_eta": ([2.0, -1.8, 2.5], [2, 1]),
            "simcluster_phi": ([0.1, 3.1, -3.1], [2, 1]),
            "simcluster_pt": ([10.0, 5.0, 2.0], [2, 1]),
            "simcluster_energy": ([40.0, 50.0, 12.0], [2, 1]),
            "rechit_energy": ([1.0] * 6, [3, 3]),
            "genpart_pid": ([-11, 211, 22, 13], [2, 2]),
            "genpart_eta": ([2.02, -1.79, 2.9, 2.49], [2, 2]),
            "genpart_phi": ([0.1, -3.13, -3.1, 3.15], [2, 2]),
        }
        self.deep = {
            "simcluster_hits_indices": ([0, 1, 1, -1, 2], [2, 2, 1]),
            "simcluster_fractions": ([1.0, 0.75, 0.75, 1.0, 0.5], [2, 2, 1]),
        }
        for name, values in changed.items():
            if values is None:
                del self.lists[name]
            else:
                (self.deep if name in self.deep else self.lists)[name] = values

    def __contains__(self, branch: str) -> bool:
        return branch in self.lists or branch.startswith("vtx_")

    def flat(self, branch: str) -> tuple[np.ndarray, np.ndarray]:
        values, counts = self.lists[branch]
        return np.array(values), np.array(counts)

    def nested(self, branch: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, rows = self.deep[branch]
        return np.array(values), np.array(rows), np.array([2, 1])

    def scalar(self, branch: str) -> np.ndarray:
        return np.array([0.1, 0.2])


def read(**changed: Any) -> ClusterTruth:
    return truth_of(Ntuple(**changed), PATH, 10)


def test_clusters_are_the_generated_particles_near_to_them() -> None:
    truth = read()
    assert truth.counts.tolist() == [2, 1]
    assert truth.columns["pdg"].tolist() == [-11, 211, 13]  # across the cut of phi too
    assert truth.columns["charge"].tolist() == [1, 1, -1]
    np.testing.assert_allclose(truth.columns["pz"], np.array([10, 5, 2]) * np.sinh([2.0, -1.8, 2.5]))
    np.testing.assert_allclose(truth.columns["vx"], [1.0, 1.0, 2.0])  # cm in the file
    assert read(genpart_pid=None).columns["pdg"].tolist() == [0, 0, 0]
    far = read(genpart_eta=([2.2, -1.79, 2.9, 2.49], [2, 2]))
    assert far.columns["pdg"].tolist() == [0, 211, 13]
    _, fields = far.collections(np.array([0, 1, 2, 0, 1, 2]), EVENT)
    assert fields["unidentified_particles"][0].tolist() == [1, 0]


def test_charges_are_those_of_the_table_of_particles() -> None:
    """Gluons and Z bosons have none, quarks thirds, nuclei several; one that no table has is counted."""
    for pdg, charge in (((21, 23, 221), (0, 0, 0)), ((1, 2, -24), (-1 / 3, 2 / 3, -1)), ((421, -411, 511), (0, -1, 0))):
        columns = read(genpart_pid=([*pdg[:2], 22, pdg[2]], [2, 2])).columns
        assert columns["charge"].tolist() == pytest.approx(list(charge))
    truth = read(genpart_pid=([1000020040, 99, 22, 13], [2, 2]))
    assert truth.columns["charge"].tolist() == [2, 0, -1]
    _, fields = truth.collections(np.array([0, 1, 2, 0, 1, 2]), EVENT)
    assert fields["unknown_charges"][0].tolist() == [1, 0]


def test_truth_without_a_single_hit_is_refused() -> None:
    refuse_unlinked(read(), PATH)
    with pytest.raises(DataError, match=r"must have a hit; got: none of 5 in the first 2 events.*a\.root"):
        refuse_unlinked(read(simcluster_hits_indices=([-1] * 5, [2, 2, 1])), PATH)


def test_shares_of_a_hit_sum_to_one_at_most_and_lost_deposits_are_counted() -> None:
    truth = read()
    collections, fields = truth.collections(np.array([0, 1, 2, 0, 1, 2]), EVENT)
    links = collections["links"]
    assert links.counts.tolist() == [3, 1]
    assert links["hit"].tolist() == [0, 1, 1, 2]
    assert links["particle"].tolist() == [0, 0, 1, 0]
    np.testing.assert_allclose(links["weight"], [1.0, 0.5, 0.5, 0.5])
    assert fields["unlinked_deposits"][0].tolist() == [1, 0]  # the hit -1
    assert fields["scaled_hits"][0].tolist() == [1, 0]  # 0.75 of it twice
    assert fields["primary_pdg"][0].tolist() == [211, 13]
    assert fields["energy"][0].tolist() == [50.0, 12.0]
    np.testing.assert_allclose(fields["eta"][0], [-1.8, 2.5])
    left_out, fields = truth.collections(np.array([0, -1, 1, 0, 1, -1]), EVENT)
    assert left_out["links"]["hit"].tolist() == [0]
    assert fields["unlinked_deposits"][0].tolist() == [3, 1]


def test_each_side_is_an_event_of_its_own() -> None:
    split = read().split()
    assert split.counts.tolist() == [1, 1, 1, 0]
    assert split.columns["pdg"].tolist() == [-11, 211, 13]
    assert split.link_cluster.tolist() == [0, 0, 1, 1, 2]
    swapped = read(simcluster_eta=([-2.0, 1.8, 2.5], [2, 1])).split()
    assert swapped.columns["energy"].tolist() == [50.0, 40.0, 12.0]
    assert swapped.link_cluster.tolist() == [1, 1, 0, 0, 2]


def test_a_hit_on_the_other_side_is_no_hit_of_the_cluster_where_sides_are_events() -> None:
    """Hits 0 and 1 are on one side, hit 2 of the first event on the other; its cluster at -z has hits 1 and -1."""
    collections, fields = read().split().collections(np.array([0, 1, 0, 0, 1, 2]), np.array([0, 0, 1, 2, 2, 2]))
    links = collections["links"]
    assert links.counts.tolist() == [2, 0, 1, 0]
    assert (links["hit"].tolist(), links["particle"].tolist()) == ([0, 1, 2], [0, 0, 0])
    assert fields["unlinked_deposits"][0].tolist() == [0, 2, 0, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"simcluster_fractions": ([1.0] * 4, [2, 1, 1])},
            "a fraction for each of its hits; got: 2 indices, 1 fractions.*event 10",
        ),
        ({"simcluster_hits_indices": ([0, 1, 3, -1, 2], [2, 2, 1])}, "got: hit 3 of 3, share 0.75.*event 10"),
        ({"simcluster_hits_indices": ([0, 1, 1, -1, -2], [2, 2, 1])}, "got: hit -2 of 3.*event 11"),
        ({"simcluster_fractions": ([1.0, -0.1, 0.75, 1.0, 0.5], [2, 2, 1])}, "share -0.1.*event 10"),
        ({"simcluster_fractions": ([1.0, np.nan, 0.75, 1.0, 0.5], [2, 2, 1])}, "share nan"),
        ({"simcluster_fractions": ([1.0, 0.5, 1.5, 1.0, 0.5], [2, 2, 1])}, "share 1.5.*event 10"),
        (
            {"simcluster_hits_indices": ([0, 1, 0.5, -1, 2], [2, 2, 1])},
            "'simcluster_hits_indices' must hold whole numbers",
        ),
        ({"simcluster_pt": ([10.0, 5.0, 2.0], [1, 2])}, "2 values of 'simcluster_eta', 1 of 'simcluster_pt'.*event 10"),
        ({"simcluster_eta": ([2.0, -1.8], [1, 1])}, "1 values of 'simcluster_eta', 2 of 'simcluster_phi'.*event 10"),
        (
            {"genpart_phi": ([0.1, -3.13, -3.1, 3.15], [1, 3])},
            "2 values of 'genpart_pid', 1 of 'genpart_phi'.*event 10",
        ),
        ({"genpart_pid": ([-11, 211.5, 22, 13], [2, 2])}, "'genpart_pid' must hold whole numbers"),
    ],
)
def test_indices_and_shares_that_do_not_fit_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(**changed)
