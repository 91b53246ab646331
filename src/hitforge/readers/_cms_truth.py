"""True particles of a CMS ntuple: simulated clusters, what they gave to which hits, and who they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.particles import charges
from hitforge.events import Collection, FieldInfo
from hitforge.readers._root import ROUNDING, SCALED, Tree, particles, whole
from hitforge.readers.files import sums

_HITS, _SHARES = "simcluster_hits_indices", "simcluster_fractions"
_UNKNOWN = FieldInfo("int32", "", "simulated clusters with no generated particle near: their PDG number is 0", "sum")
_UNCHARGED = FieldInfo("int32", "", "simulated clusters of a kind that is in no table: their charge is 0", "sum")
_MM = 10.0  # the files are in cm
_CONE = 0.1  # a generated particle this near in eta and phi to a cluster is its origin


@dataclass(frozen=True)
class ClusterTruth:
    """Simulated clusters and their shares of hits.

    Attributes:
        counts: Clusters of each event, (n,).
        columns: Columns of the particles, (clusters,).
        link_hit: Row of the hit among all hits of these events, (links,); -1 where the deposit made no hit.
        link_cluster: Row of the cluster, (links,).
        link_share: (links,).
    """

    counts: Array
    columns: dict[str, Array]
    link_hit: Array
    link_cluster: Array
    link_share: Array

    def split(self) -> ClusterTruth:
        """Return the same with one event for each side, +z first."""
        event = np.repeat(np.arange(len(self.counts)), self.counts)
        event = 2 * event + (self.columns["pz"] < 0)
        order = np.argsort(event, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        columns = {name: values[order] for name, values in self.columns.items()}
        counts = np.bincount(event, minlength=2 * len(self.counts))
        return replace(self, counts=counts, columns=columns, link_cluster=place[self.link_cluster])

    def collections(self, place: Array, event_of: Array) -> tuple[dict[str, Collection], dict[str, Any]]:
        """Return particles, links and event fields.

        Args:
            place: Index of each hit of the file within its event, (rows,); -1 where it was left out.
            event_of: Event of each hit of the file, (rows,); where each side is an event, a cluster may have hits in
                the other one.
        """
        owner = np.repeat(np.arange(len(self.counts)), self.counts)  # event of a cluster
        offset = np.cumsum(self.counts) - self.counts
        found = self.link_hit >= 0
        found[found] = place[self.link_hit[found]] >= 0
        found[found] = event_of[self.link_hit[found]] == owner[self.link_cluster[found]]
        hit, cluster, share = self.link_hit[found], self.link_cluster[found], self.link_share[found]
        total = np.bincount(hit, share, len(place)) if len(hit) else np.zeros(len(place))
        share = share / np.maximum(total[hit], 1.0)
        order = np.argsort(owner[cluster], kind="stable")
        hit, cluster, share = hit[order], cluster[order], share[order]
        event = owner[cluster]
        count = len(self.counts)
        links = {"hit": place[hit], "particle": cluster - offset[event], "weight": share}
        lost = sums(owner[self.link_cluster[~found]], None, count)
        fields = self._primary(owner, count)
        over = np.flatnonzero(total > ROUNDING)
        unknown = owner[self.columns["pdg"] == 0]
        fields["unidentified_particles"] = sums(unknown, None, count), _UNKNOWN
        unsure = owner[np.isnan(charges(self.columns["pdg"], np.nan))]
        fields["unknown_charges"] = sums(unsure, None, count), _UNCHARGED
        fields["scaled_hits"] = sums(event_of[over], None, count), SCALED
        fields["unlinked_deposits"] = lost, FieldInfo("int32", "", "true deposits whose hit is not in the event", "sum")
        collection = Collection.from_counts(np.bincount(event, minlength=count), links)
        return {"particles": particles(self.counts, self.columns), "links": collection}, fields

    def _primary(self, owner: Array, count: int) -> dict[str, Any]:
        """Fields of the most energetic cluster of each event; 0 where there is none."""
        best = np.lexsort((self.columns["energy"], owner))
        some = self.counts > 0
        row = best[np.cumsum(self.counts)[some] - 1]
        described = {
            "pdg": ("primary_pdg", FieldInfo("int32", "", "PDG number of the most energetic simulated cluster")),
            "energy": ("energy", FieldInfo("float32", "GeV", "its true energy")),
            "eta": ("eta", FieldInfo("float32", "", "its pseudorapidity")),
            "phi": ("phi", FieldInfo("float32", "rad", "its azimuth")),
        }
        p = np.stack([self.columns[name][row] for name in ("px", "py", "pz")])  # (3, n)
        values = {"pdg": self.columns["pdg"][row], "energy": self.columns["energy"][row]}
        values |= {"eta": kinematics.eta(*p), "phi": kinematics.phi(p[0], p[1])}
        result: dict[str, Any] = {}
        for key, (name, info) in described.items():
            full = np.zeros(count)
            full[some] = values[key]
            result[name] = full, info
        return result


def truth_of(tree: Tree, path: Path, first: int) -> ClusterTruth:
    """Read the simulated clusters of a part of the ntuple.

    Raises:
        DataError: Indices of hits and shares do not fit together, or point outside their event.
    """
    found, counts = tree.columns(*(f"simcluster_{name}" for name in ("eta", "phi", "pt", "energy")))
    column = {name.removeprefix("simcluster_"): values.astype(np.float64) for name, values in found.items()}
    index, sizes, lists = tree.nested(_HITS)
    share, check, others = tree.nested(_SHARES)
    tree.same({"simcluster_eta": counts, _HITS: lists, _SHARES: others})
    owner = np.repeat(np.arange(len(counts)), counts)
    differ = np.flatnonzero(sizes != check)
    if len(differ):
        one = int(differ[0])
        came = f"{sizes[one]} indices, {check[one]} fractions, and so on in {len(differ) - 1} more clusters"
        must = "each simulated cluster must have a fraction for each of its hits"
        raise DataError(must, came=came, where=tree.at(owner[one]))
    rechits = tree.flat("rechit_energy")[1]
    cluster = np.repeat(np.arange(len(owner)), sizes)
    event = owner[cluster]
    index = whole(index, _HITS, path)
    wrong = np.flatnonzero((index < -1) | (index >= rechits[event]) | ~((share >= 0) & (share <= ROUNDING)))
    if len(wrong):
        came = f"hit {index[wrong[0]]} of {rechits[event[wrong[0]]]}, share {share[wrong[0]]:.6g}"
        must = "a simulated cluster's hits must be in its event, with shares from 0 to 1"
        raise DataError(must, came=came, where=f"{path}, event {first + int(event[wrong[0]])}")
    start = np.cumsum(rechits) - rechits
    pdg = _identity(tree, column["eta"], column["phi"], owner)
    columns = {
        "pdg": pdg,
        "charge": charges(pdg, 0.0),
        "px": column["pt"] * np.cos(column["phi"]),
        "py": column["pt"] * np.sin(column["phi"]),
        "pz": column["pt"] * np.sinh(column["eta"]),
        "energy": column["energy"],
        **{f"v{name}": (tree.scalar(f"vtx_{name}") * _MM)[owner] for name in "xyz" if f"vtx_{name}" in tree},
    }
    hit = np.where(index >= 0, index + start[event], -1)
    return ClusterTruth(counts, columns, hit, cluster, share.astype(np.float64))


def refuse_unlinked(truth: ClusterTruth, where: object) -> None:
    """Refuse a file in whose first events no deposit of a simulated cluster has a hit.

    Raises:
        DataError: There are deposits, and none has.
    """
    if len(truth.link_hit) and not (truth.link_hit >= 0).any():
        raise DataError(
            "a deposit of simulated clusters must have a hit",
            came=f"none of {len(truth.link_hit)} in the first {len(truth.counts)} events: '{_HITS}' is -1 everywhere",
            where=where,
            do=f"write the ntuple with the hits' indices, or without '{_HITS}' if there is no truth",
        )


def _identity(tree: Tree, eta: Array, phi: Array, owner: Array) -> Array:
    """PDG number of the generated particle next to each cluster, 0 where none is near, (clusters,)."""
    if "genpart_pid" not in tree:
        return np.zeros(len(eta), np.int64)
    found, counts = tree.columns("genpart_pid", "genpart_eta", "genpart_phi")
    pid = whole(found["genpart_pid"], "genpart_pid", tree.path)
    gen_eta, gen_phi = (found[f"genpart_{name}"].astype(np.float64) for name in ("eta", "phi"))
    start = np.cumsum(counts) - counts
    number = counts[owner]  # candidates of each cluster
    cluster = np.repeat(np.arange(len(owner)), number)
    row = np.arange(len(cluster)) - np.repeat(np.cumsum(number) - number, number) + np.repeat(start[owner], number)
    turn = kinematics.wrap_phi(gen_phi[row] - phi[cluster])
    distance = np.hypot(gen_eta[row] - eta[cluster], turn)
    order = np.lexsort((-distance, cluster))  # the nearest is written last and stays
    near = order[distance[order] < _CONE]
    result = np.zeros(len(eta), np.int64)
    result[cluster[near]] = pid[row[near]]
    return result
