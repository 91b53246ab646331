"""Hits of a tracker as a graph: nodes, and edges between hits that may follow each other on a track."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, RunError
from hitforge.core.files import write_arrays
from hitforge.core.progress import Progress
from hitforge.core.random import stream
from hitforge.detectors import Detector
from hitforge.events import Collection, Events
from hitforge.representations import Network, Per, Prepared, Representation, Shapes, Target
from hitforge.representations._tracks import TrackRepresentation, TrackSettings
from hitforge.representations.graph._graph_quality import quality
from hitforge.representations.graph.edges import EDGES, EdgeBuilder, Hits
from hitforge.representations.graph.edges._features import EDGE_FEATURES, edge_features, pack, unpack
from hitforge.representations.graph.edges._pairs import PairWindows, learn, quantities, true_pairs
from hitforge.representations.graph.edges._triplets import (
    TRIPLET_FEATURES,
    best_chi,
    spreads,
    triplet_features,
    true_triplets,
)
from hitforge.representations.graph.edges._truth import label

MEASURED_GRAPHS = 50
"""Events, at most, whose graphs are measured."""
_FILE = "representation.npz"
_KEPT = ("x", "y", "features", "layer", "kind", "index", "particle", "rank")
_TRUE, _SOFT = 2, 1  # grades of true edges


class TrackGraph(TrackRepresentation):
    """Nodes (H, F) and edges (E, G) of each event, flat over a batch, with ``source`` and ``destination`` (E,) int32.

    Node features are those of ``track_hits`` without the azimuth: nothing here changes when an event is turned about
    the beam line. Edge features, clipped to +-8 (see ``edges._features``): dphi, dphi/dr, z0 and deta of the two hits
    in units of the window that true pairs of their layers fill, z0, dr, dz, dphi/dr and polar angle as such; with
    ``triplets`` six more that say how well other edges continue this one on either side (see ``edges._triplets``).
    Edges that nothing continues are dropped (``max_chi``), which takes most of the false ones; a track then needs three
    hits. The six features speak of the graph before.

    An edge is true if its two hits follow each other on a particle's way: they are on consecutive layers of it, and
    where modules overlap each pair of their hits counts. Hits along a particle are ordered by their distance from its
    production vertex. Truth is (label, weight); true edges of particles below ``soft_pt`` weigh ``soft_weight``.

    With ``also``, further builders give further sets of edges over the same hits, ``edges_1`` with ``source_1`` and
    ``destination_1`` and so on, for networks that send messages along them, too. They come as their builder gives them,
    with the nine features alone, and have no truth. A network that a builder of such a set needs has its number behind
    the name: ``embedding_1``.

    Augmentation: each event is mirrored in phi at random, which turns the sign of dphi and dphi/dr, as exchanging the
    charges does; ``wedges`` takes a random part of it.

    Edges and their features are made once, in ``prepare``: 9 + 2 G bytes an edge (39 with triplets, 26 in a further
    set), 51 a hit.
    """

    class Config(TrackSettings):
        """Hits, edges and features."""

        edges: dict[str, Any] | str = Field(
            "geometric",
            description="edge builder, by name or as a block",
            json_schema_extra={"plugins": "representations.graph.edges"},
        )
        also: tuple[dict[str, Any] | str, ...] = Field(
            (),
            description="builders of further sets of edges over the same hits, for networks that take several",
            json_schema_extra={"plugins": "representations.graph.edges"},
        )
        triplets: bool = Field(True, description="add how well other edges continue each edge")
        max_chi: float | None = Field(
            20.0,
            gt=0,
            le=49,
            description="edges that no other continues with a chi below this, on either side, are dropped; null: none",
        )
        fit_events: int = Field(300, ge=1, le=100_000, description="training events that windows are learned from")
        miss: float = Field(
            0.0,
            ge=0,
            lt=0.5,
            description="share of hits left out where windows are learned, so that they reach over a missed layer, too",
        )
        fit_pt: float = Field(0.8, ge=0, le=100, description="scales of features are learned above this pT [GeV]")

    def __init__(self, config: Config, detector: Detector, target: Any = None) -> None:
        super().__init__(config, detector, target)
        blocks = [("edges", config.edges), *(("also", block) for block in config.also)]
        self.builders: tuple[EdgeBuilder, ...] = tuple(
            EDGES.build(
                dict(block) if isinstance(block, Mapping) else block,
                self.tracker,
                target,
                where=f"representation.{key}",
            )
            for key, block in blocks
        )
        self.builder = self.builders[0]
        self._windows: PairWindows | None = None
        self._spread = np.zeros((0, 2), np.float32)

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Networks of other runs that the edge builders use; those of further sets end in the set's number."""
        return tuple(self._networks())

    def _networks(self) -> dict[str, tuple[EdgeBuilder, str]]:
        """Name of each network -> the builder that uses it, and what it calls it."""
        each = zip(self._suffixes, self.builders, strict=True)
        return {need + suffix: (builder, need) for suffix, builder in each for need in builder.depends_on}

    @property
    def _suffixes(self) -> list[str]:
        """What stands behind the names of each set of edges."""
        return [f"_{i}" if i else "" for i in range(len(self.builders))]

    def provide(self, name: str, network: Network, representation: Representation) -> None:
        """Hand a network of another run to the edge builder that uses it.

        Raises:
            ConfigError: No edge builder uses a network of this name.
        """
        builder, need = self._networks().get(name, (self.builder, name))
        builder.provide(need, network, representation)

    def shapes(self) -> Shapes:
        """Return the shapes of the arrays; all are flat over the hits or edges of a batch."""
        shapes, labels = super().shapes(), self.labels()
        for i in self._suffixes:
            shapes |= {f"edges{i}": (len(labels[f"edges{i}"]),), f"source{i}": (), f"destination{i}": ()}
        return shapes

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the node and edge features."""
        labels = super().labels()
        for i in self._suffixes:
            names = [*EDGE_FEATURES, *(TRIPLET_FEATURES if self.config.triplets and not i else ())]
            labels |= {f"edges{i}": names, f"source{i}": ["source"], f"destination{i}": ["destination"]}
        return labels

    def fit(self, train: Callable[[], Iterable[Events]], progress: Progress) -> None:
        """Learn windows and spreads from at most ``fit_events`` training events.

        Raises:
            DataError: The events have no links or particles, or no particle that can be learned from.
        """
        settings, layers = self.config, self._layers
        pairs: list[tuple[Array, Array]] = []
        triplets: list[tuple[Array, Array]] = []
        random = stream(0, "missed hits")

        def sample(step: Any) -> Iterator[Hits]:
            left = settings.fit_events
            for events in train():
                some = events if len(events) <= left else events.take(np.arange(left))
                left -= len(some)
                for hits, _, _ in self.each(some, random.random(some.hits.rows) < settings.miss):
                    source, destination, key = true_pairs(hits, layers, settings.fit_pt, 10.0, 3)
                    pairs.append((key, quantities(hits.r, hits.phi, hits.z, hits.eta, source, destination)))
                    triplets.append(true_triplets(hits, layers, settings.fit_pt, 10.0, 3))
                    step.advance()
                    yield hits
                if not left:
                    return

        with progress.step("fit the graph", settings.fit_events, "events") as step:
            every = sample(step)
            _fit_all(self.builders, every)
            for _ in every:  # what no builder has asked for
                pass
        self._windows = learn(pairs, layers, 0.001, 1.1, 3.0, 0.0)
        self._spread = spreads(triplets, layers)

    def save(self, folder: Path) -> None:
        """Write windows, spreads and the builders' states to ``representation.npz``."""
        windows = self._fitted()
        arrays = {f"windows.{name}": values for name, values in windows._asdict().items()}
        rows = np.flatnonzero(self._spread[:, 0] > 0)
        arrays |= {"spread.row": rows, "spread.values": self._spread[rows]}
        for i, builder in zip(self._suffixes, self.builders, strict=True):
            arrays |= {f"edges{i}.{name}": values for name, values in builder.state().items()}
        write_arrays(folder / _FILE, arrays)

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            RunError: The file is absent or belongs to something else.
        """
        path = folder / _FILE
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            self._windows = PairWindows(*(arrays[f"windows.{name}"] for name in PairWindows._fields))
            self._spread = np.zeros((self._layers**3, 2), np.float32)
            self._spread[arrays["spread.row"]] = arrays["spread.values"]
            for i, builder in zip(self._suffixes, self.builders, strict=True):
                start = f"edges{i}."
                builder.set_state({n.removeprefix(start): v for n, v in arrays.items() if n.startswith(start)})
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise RunError("the windows of the graph must be readable", came=error, where=path) from None

    def _fitted(self) -> PairWindows:
        if self._windows is None:
            raise RunError("the representation 'track_graph' must be fitted first", do="call fit, or load a fitted one")
        return self._windows

    def prepare(self, events: Events) -> Prepared:
        """Return nodes, edges with their features, and with truth labels and particles.

        Tables: ``edges`` (``source``, ``destination``, ``features``, ``label``), those of further sets (without
        ``label``), ``particles`` (see ``select``; with ``pairs``, ``found`` and ``largest`` of ``edges._truth.label``).
        Array: ``seconds`` (N,) for edges and features.

        Raises:
            RunError: Nothing was fitted yet.
            DataError: See ``select``.
        """
        windows = self._fitted()
        nodes, particles, seconds = [], [], []
        edges: dict[str, list[Collection]] = {f"edges{i}": [] for i in self._suffixes}
        for hits, node, known in self.each(events):
            start = perf_counter()
            columns = self._edges_of(hits, windows)
            further = [self._further_of(builder, hits, windows) for builder in self.builders[1:]]
            seconds.append(perf_counter() - start)
            if hits.truth is not None:
                truth = hits.truth
                grade = np.where(truth.pt < self.config.soft_pt, _SOFT, _TRUE).astype(np.uint8)
                columns["label"], have, found, largest = label(
                    columns["source"], columns["destination"], truth.source, truth.destination, truth.particle, grade,
                    len(hits), len(grade),
                )  # fmt: skip
                table = known["particles"]
                more = {"pairs": have, "found": found, "largest": largest}
                particles.append(Collection(table.offsets, table.columns | more))
            for table_of, made in zip(edges.values(), [columns, *further], strict=True):
                table_of.append(Collection(np.array([0, len(made["source"])]), made))
            nodes.append(Collection(node.offsets, {name: node[name] for name in _KEPT if name in node.columns}))
        if not nodes:
            raise DataError("at least one event must be given", came="none")
        tables = {name: Collection.concatenate(parts) for name, parts in edges.items()}
        if particles:
            tables["particles"] = Collection.concatenate(particles)
        return Prepared(Collection.concatenate(nodes), {"seconds": np.array(seconds)}, tables)

    def _edges_of(self, hits: Hits, windows: PairWindows) -> dict[str, Array]:
        """Edges of one event with their features."""
        source, destination = self.builder.build(hits)
        more, largest = np.zeros((len(source), 0), np.float32), self.config.max_chi
        if self.config.triplets or largest is not None:
            more = triplet_features(
                hits.r, hits.phi, hits.z, hits.layer, self._layers, source, destination, self._spread
            )
        if largest is not None:
            keep = best_chi(more) < largest
            source, destination, more = source[keep], destination[keep], more[keep]
        features = edge_features(
            hits.r, hits.phi, hits.z, hits.eta, hits.layer, self._layers, source, destination, *windows[:3]
        )
        packed = pack(features, more if self.config.triplets else more[:, :0])
        return {"source": source, "destination": destination, "features": packed}

    def _further_of(self, builder: EdgeBuilder, hits: Hits, windows: PairWindows) -> dict[str, Array]:
        """Edges of a further set of one event with their features."""
        source, destination = builder.build(hits)
        features = edge_features(
            hits.r, hits.phi, hits.z, hits.eta, hits.layer, self._layers, source, destination, *windows[:3]
        )
        return {"source": source, "destination": destination, "features": pack(features, features[:, :0])}

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return nodes and edges of the events ``index``, flat; indices of nodes run through the batch."""
        nodes, index, mirrored, keep = self._taken(prepared, index, random)
        batch = {name: values[keep] for name, values in self._node_batch(nodes).items()}
        place = (np.cumsum(keep) - 1).astype(np.int32)
        for i in self._suffixes:
            table = prepared.tables[f"edges{i}"]
            edges = _rows(table, nodes, index, keep)
            batch |= {
                f"edges{i}": unpack(table["features"], edges["row"], mirrored[edges["event"]]),
                f"source{i}": place[edges["source"]],
                f"destination{i}": place[edges["destination"]],
            }
        return batch

    def _taken(
        self, prepared: Prepared, index: Array, random: np.random.Generator | None
    ) -> tuple[Collection, Array, Array, Array]:
        """Return the nodes of a batch, its events, which of them are mirrored, and which nodes stay."""
        assert prepared.ragged is not None  # prepare always gives it
        index = np.asarray(index, np.int64)
        nodes = prepared.ragged.take(index)
        return nodes, index, *self._draw(nodes, index, random)

    def truth(self, prepared: Prepared, index: Array, per: Per, random: np.random.Generator | None = None) -> Target:
        """Return (label, weight) of each edge, (E, 2), or the truth of each hit, (H, 9); float32.

        Raises:
            DataError: The events came without links or particles.
        """
        if per != "edge":
            return super().truth(prepared, index, per, random)
        self._known(prepared, "particles")
        nodes, index, _, keep = self._taken(prepared, index, random)
        edges = prepared.tables["edges"]
        grade = edges["label"][_rows(edges, nodes, index, keep)["row"]]
        weight = np.where(grade == _SOFT, self.config.soft_weight, 1)
        return np.stack([grade > 0, weight], axis=1).astype(np.float32)

    def sample_quality(self, events: Iterable[Events]) -> dict[str, Any] | None:
        """Return how much of the true tracks the edges hold, in the first ``MEASURED_GRAPHS`` events at most.

        See ``quality``; ``events`` of it tells how many they were.
        """
        parts: list[Prepared] = []
        missing = MEASURED_GRAPHS
        for shard in events:
            parts.append(_lean(self.prepare(shard.take(np.arange(min(missing, len(shard)))))))
            missing -= len(parts[-1])
            if not missing:
                break
        return self.quality(Prepared.concatenate(parts))

    def quality(self, prepared: Prepared) -> dict[str, Any]:
        """Return how good the graph is: numbers, and tables against pT and eta; see ``_graph_quality``.

        Raises:
            DataError: The events came without links or particles.
        """
        return quality(prepared, self._known(prepared, "particles"))


def _rows(table: Collection, nodes: Collection, index: Array, keep: Array) -> dict[str, Array]:
    """Find the edges of a batch.

    Args:
        table: Edges of all events.
        nodes: Nodes of the batch, (H,).
        index: Its events, (B,).
        keep: Which nodes stay, (H,) bool.

    Returns:
        Of the edges between nodes that stay ``row`` in the table, ``event`` in the batch, ``source`` and
        ``destination`` among the nodes.
    """
    first = nodes.offsets[:-1].astype(np.int32)
    counts = table.counts[index]
    event = np.repeat(np.arange(len(index)), counts)
    row = np.arange(len(event)) + np.repeat(table.offsets[:-1][index] - (np.cumsum(counts) - counts), counts)
    edges = {"row": row, "event": event}
    edges |= {name: table[name][row] + first[event] for name in ("source", "destination")}
    if not keep.all():
        stays = keep[edges["source"]] & keep[edges["destination"]]
        edges = {name: values[stays] for name, values in edges.items()}
    return edges


def _fit_all(builders: tuple[EdgeBuilder, ...], sample: Iterable[Hits]) -> None:
    """Fit all builders on one pass over a sample, which is never held: several of them read it in step, in threads."""
    if len(builders) == 1:
        builders[0].fit(sample)
        return

    def learned(builder: EdgeBuilder, line: Queue[Hits | None]) -> None:
        hits: Iterator[Any] = iter(line.get, None)
        try:
            builder.fit(hits)
        finally:
            for _ in hits:  # what it has not asked for, so that nobody waits for it
                pass

    lines: list[Queue[Hits | None]] = [Queue(1) for _ in builders]
    with ThreadPoolExecutor(len(builders), thread_name_prefix="edges") as pool:
        work = [pool.submit(learned, builder, line) for builder, line in zip(builders, lines, strict=True)]
        try:
            for hits in sample:
                for line in lines:
                    line.put(hits)
        finally:
            for line in lines:
                line.put(None)
    for one in work:
        one.result()


def _lean(prepared: Prepared) -> Prepared:
    """Leave out what says nothing about the quality of a graph: features of its hits and edges take much memory."""
    assert prepared.ragged is not None  # graphs have nodes
    nodes, edges = prepared.ragged, prepared.tables["edges"]
    kept = {"edges": Collection(edges.offsets, {name: edges[name] for name in edges.columns if name == "label"})}
    kept |= {name: table for name, table in prepared.tables.items() if name == "particles"}
    return Prepared(Collection(nodes.offsets, {"layer": nodes["layer"]}), prepared.dense, kept)
