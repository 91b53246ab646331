"""What the representations of tracks share: which hits become nodes, their features, and their truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.detectors import Detector, require_tracker
from hitforge.events import Collection, Events
from hitforge.representations import Per, Prepared, Representation, Shapes, Target
from hitforge.representations.graph.edges import Hits, Truth
from hitforge.representations.graph.edges._truth import along, pairs
from hitforge.representations.hits import TRACK_SCALES
from hitforge.representations.truth import HitTruth

_EXACT = 2**24  # numbers up to here are exact in float32


class TrackSettings(config.Config):
    """Features of the hits that are nodes, and weights of true ones."""

    renamed: ClassVar[dict[str, str]] = {
        name: f"target.{name}" for name in ("subsystems", "min_pt", "max_eta", "min_hits")
    }

    clusters: bool = Field(False, description="add the size and charge of each hit's cluster to the node features")
    soft_pt: float = Field(0.5, ge=0, le=1000, description="below this pT true hits and edges weigh less [GeV]")
    soft_weight: float = Field(0.3, ge=0, le=1, description="weight in the loss of what is true but soft")
    wedges: int = Field(
        1, ge=1, le=256, description="in training an event is a random wedge of 1 / wedges of it in azimuth"
    )
    wedge_margin: float = Field(0.03, ge=0, le=1, description="added to a wedge on either side [rad]")


class TrackRepresentation(Representation):
    """Base of ``track_hits`` and ``track_graph``: nodes and their truth."""

    kind: ClassVar[str | None] = "track"
    reads: ClassVar[frozenset[str]] = frozenset({"hits", "clusters", "particles", "links"})

    def __init__(self, config: Any, detector: Detector, target: Any = None) -> None:
        super().__init__(config, detector, target)
        self.tracker = require_tracker(detector, f"the representation '{self.name}'")
        self._layers = self.tracker.layers

    @property
    def subsystems(self) -> tuple[int, ...] | None:
        """Volumes whose hits are nodes; None for all."""
        return self.tracker.pixel_volumes if self._pixels else None

    @property
    def _pixels(self) -> bool:
        return self.target is not None and self.target.config.subsystems == "pixel"

    def shapes(self) -> Shapes:
        """Return the shapes of the nodes' arrays; all are flat over the hits of a batch."""
        return {"nodes": (len(self.labels()["nodes"]),), "layer": (), "event": (), "kind": ()}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the node features."""
        more = ["size_u", "size_v", "charge"] if self.config.clusters else []
        return {"nodes": ["r", "z", "eta", *more], "layer": ["layer"], "event": ["event"], "kind": ["kind"]}

    def select(self, events: Events, lost: Array | None = None) -> tuple[Collection, dict[str, Collection]]:
        """Return the nodes of each event, and what is known about them.

        Args:
            events: With hits.
            lost: Hits that are treated as if they were not there, (hits,) bool.

        Returns:
            Nodes with the columns ``x``, ``y``, ``z``, ``features``, ``layer``, ``kind``, ``cell``, ``index`` (hit of
            its event), and with truth ``particle`` (-1 for noise) and ``rank``. With truth also the tables
            ``particles`` (``pt``, ``eta``, ``phi``, ``hits``, ``reconstructable``) and ``along`` (see
            ``edges._truth``).

        Raises:
            DataError: There are no hits, a hit has no layer of the detector, or the clusters are absent that are used.
        """
        hits = events.hits
        layer = hits["layer"]
        if hits.rows and (int(layer.min()) < 0 or int(layer.max()) >= self._layers):
            bad = int(np.flatnonzero((layer < 0) | (layer >= self._layers))[0])
            raise DataError(
                f"hits.layer must be 0 to {self._layers - 1}, the layers of '{self.detector.name}'",
                came=int(layer[bad]),
                where=f"event {int(hits.event[bad])}",
            )
        if self.config.clusters and "clusters" not in events.collections:
            raise DataError(
                "the node features 'clusters' need the collection clusters",
                came=f"only {', '.join(events.collections)}",
                do="set clusters: false in the representation",
            )
        strip = ~np.isin(hits["subsystem"], self.tracker.pixel_volumes)
        keep = ~strip if self._pixels else np.ones(hits.rows, bool)
        if lost is not None:
            keep = keep & ~lost
        local = np.arange(hits.rows) - hits.offsets[hits.event]
        columns = {name: hits[name] for name in ("x", "y", "z", "layer", "cell")}
        columns |= {"kind": strip.astype(np.int8), "index": local.astype(np.int32)}
        columns["features"] = self._features(events)  # (hits, F)
        whole = Collection(hits.offsets, columns)
        nodes = whole.select_rows(keep)
        if not {"links", "particles"} <= events.collections.keys():
            return nodes, {}
        before = np.cumsum(keep) - 1
        place = before - nodes.offsets[hits.event] if hits.rows else before
        base = {name: hits[name] for name in ("x", "y", "z", "layer")}
        chain, _ = along(
            Collection(hits.offsets, base | {"node": np.where(keep, place, -1)}), events.links, events.particles
        )
        particles = self._particles(events.particles, chain)
        nodes.columns.update(_owners(nodes, chain))
        return nodes, {"particles": particles, "along": chain}

    def _features(self, events: Events) -> Array:
        hits = events.hits
        x, y, z = (hits[name].astype(np.float64) for name in ("x", "y", "z"))
        r = kinematics.pt(x, y)
        columns = [r / TRACK_SCALES[0], z / TRACK_SCALES[1], np.arcsinh(z / np.maximum(r, 1e-3)) / 2]
        if self.config.clusters:
            clusters = events.clusters
            columns += [np.log1p(np.maximum(clusters[name], 0)) for name in ("size_u", "size_v")]
            columns.append(np.log1p(np.maximum(clusters["charge"], 0).astype(np.float64)))
        return np.clip(np.stack(columns, axis=1), -8, 8).astype(np.float32)

    def _particles(self, particles: Collection, chain: Collection) -> Collection:
        """Momentum, direction and number of hits of each particle, and whether it is one to be found."""
        px, py, pz = (particles[name].astype(np.float64) for name in ("px", "py", "pz"))
        pt = kinematics.pt(px, py)
        owner = particles.offsets[chain.event] + chain["particle"]
        count = np.bincount(owner, minlength=particles.rows)
        eta = kinematics.eta(px, py, pz)
        charged = particles["charge"] != 0
        reconstructable = charged & (count > 0)
        if self.target is not None:
            radius = kinematics.pt(particles["vx"], particles["vy"])
            told = {"pt": pt, "eta": eta, "charge": particles["charge"], "radius": radius, "hits": count}
            reconstructable = reconstructable & self.target.config.reconstructable(told)
        columns = {
            "pt": pt.astype(np.float32),
            "eta": np.clip(eta, -20, 20).astype(np.float32),
            "phi": kinematics.phi(px, py).astype(np.float32),
            "hits": np.where(charged, count, 0).astype(np.int32),
            "reconstructable": reconstructable,
        }
        return Collection(particles.offsets, columns)

    def each(
        self, events: Events, lost: Array | None = None
    ) -> Iterator[tuple[Hits, Collection, dict[str, Collection]]]:
        """Yield the nodes of one event after the other as ``Hits``, with their tables; see ``select``."""
        nodes, known = self.select(events, lost)
        for i in range(len(events)):
            one, tables = nodes.slice(i, i + 1), {name: table.slice(i, i + 1) for name, table in known.items()}
            x, y, z = (one[name].astype(np.float64) for name in ("x", "y", "z"))
            r = kinematics.pt(x, y)
            truth = None
            if tables:
                particles, chain = tables["particles"], tables["along"]
                source, destination, owner = pairs(chain["node"], chain["particle"], chain["rank"])
                truth = Truth(source, destination, owner, particles["pt"], particles["eta"], particles["hits"])
            yield (
                Hits(
                    x, y, z, r, kinematics.phi(x, y), np.arcsinh(z / np.maximum(r, 1e-3)), one["layer"],
                    one["kind"].astype(np.int32), one["cell"], one["index"].astype(np.int64),
                    events.take(np.array([i])), truth,
                ),
                one,
                tables,
            )  # fmt: skip

    def _draw(self, nodes: Collection, index: Array, random: np.random.Generator | None) -> tuple[Array, Array]:
        """Draw which events are mirrored, (B,) bool, and which rows of the nodes of a batch stay, (H,) bool."""
        settings = self.config
        if random is None:
            return np.zeros(len(index), bool), np.ones(nodes.rows, bool)
        mirrored, middle = random.random(len(index)) < 0.5, random.uniform(-np.pi, np.pi, len(index))
        if settings.wedges == 1:
            return mirrored, np.ones(nodes.rows, bool)
        away = np.abs(kinematics.phi(nodes["x"], nodes["y"]) - middle[nodes.event])
        away = np.minimum(away, 2 * np.pi - away)
        return mirrored, away < np.pi / settings.wedges + settings.wedge_margin

    def _node_batch(self, nodes: Collection) -> dict[str, Array]:
        """Features, layer, event and kind of the nodes of a batch."""
        return {
            "nodes": nodes["features"],
            "layer": nodes["layer"].astype(np.int32),
            "event": nodes.event.astype(np.int32),
            "kind": nodes["kind"].astype(np.int32),
        }

    def _hit_truth(self, prepared: Prepared, nodes: Collection, index: Array, keep: Array) -> Array:
        """Truth of each hit of a batch, (H, 9) float32; see ``Representation.truth``."""
        particles = self._known(prepared, "particles").take(index)
        if particles.rows >= _EXACT:
            raise DataError(
                f"the events of a batch must have fewer than {_EXACT} particles, so that float32 tells them apart",
                came=particles.rows,
                do="give a smaller training.batch_size",
            )
        settings, owner = self.config, nodes["particle"]
        real = owner >= 0
        row = np.where(real, particles.offsets[nodes.event] + owner, 0)
        out = np.zeros((nodes.rows, len(HitTruth._fields) + 1), np.float32)
        columns, out[:, -1] = HitTruth(*out.T[:-1]), nodes.event  # views
        columns.particle[:], columns.rank[:], columns.weight[:] = np.where(real, row, -1), nodes["rank"], 1
        if particles.rows:
            for name in ("pt", "eta", "phi", "hits", "reconstructable"):
                getattr(columns, name)[:] = np.where(real, particles[name][row], 0)
            columns.weight[:] = np.where(real & (columns.pt < settings.soft_pt), settings.soft_weight, 1)
        return out[keep]

    def _known(self, prepared: Prepared, name: str) -> Collection:
        if name not in prepared.tables:
            raise DataError("truth must come with the events", came="events without links or particles")
        return prepared.tables[name]

    def truth(self, prepared: Prepared, index: Array, per: Per, random: np.random.Generator | None = None) -> Target:
        """Return the truth of the hits of a batch, (H, 9) float32, as ``Representation.truth`` says.

        A hit that several particles share belongs to the one with the largest weight.

        Raises:
            DataError: The events came without links or particles.
            ConfigError: ``per`` is not ``hit``.
        """
        if per != "hit":
            return super().truth(prepared, index, per, random)
        assert prepared.ragged is not None  # prepare always gives it
        nodes = prepared.ragged.take(np.asarray(index, np.int64))
        self._known(prepared, "particles")
        return self._hit_truth(prepared, nodes, index, self._draw(nodes, index, random)[1])

    def hit_index(self, prepared: Prepared, index: Array) -> Array:
        """Return the index in its event of each hit of a batch without augmentation, (H,) int64."""
        assert prepared.ragged is not None  # prepare always gives it
        return prepared.ragged.take(np.asarray(index, np.int64))["index"].astype(np.int64)


def _owners(nodes: Collection, chain: Collection) -> dict[str, Array]:
    """The particle with the largest share of each node, and the node's rank on it; -1 for noise."""
    row = nodes.offsets[chain.event] + chain["node"]
    order = np.lexsort((-chain["particle"], chain["weight"], row))  # the best comes last and stays
    particle, rank = np.full(nodes.rows, -1, np.int32), np.full(nodes.rows, -1, np.int32)
    particle[row[order]], rank[row[order]] = chain["particle"][order], chain["rank"][order]
    return {"particle": particle, "rank": rank}
