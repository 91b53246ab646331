"""How much of the true tracks the graphs hold that a network is given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hitforge.core.files import write_text
from hitforge.events import Collection, Dataset
from hitforge.methods.truth import has_truth
from hitforge.representations import Prepared, Representation
from hitforge.representations.track_graph import TrackGraph

GRAPHS = 50
"""Test events, at most, whose graphs are judged."""


def graph_quality(representation: Representation, dataset: Dataset, folder: Path) -> None:
    """Write ``graph.json``: how much of the true tracks the edges hold, in the first ``GRAPHS`` test events at most.

    ``events`` of it tells how many they were. Without truth nothing is written.
    """
    if not isinstance(representation, TrackGraph) or not has_truth(dataset):
        return
    parts: list[Prepared] = []
    missing = GRAPHS
    for events in dataset.read("test"):
        parts.append(_judged(representation.prepare(events.take(np.arange(min(missing, len(events)))))))
        missing -= len(parts[-1])
        if not missing:
            break
    write_text(folder / "graph.json", json.dumps(representation.quality(Prepared.concatenate(parts))))


def _judged(prepared: Prepared) -> Prepared:
    """Leave out what says nothing about the quality of a graph: features of its hits and edges take much memory."""
    assert prepared.ragged is not None  # graphs have nodes
    nodes, edges = prepared.ragged, prepared.tables["edges"]
    kept = {"edges": Collection(edges.offsets, {name: edges[name] for name in edges.columns if name == "label"})}
    kept |= {name: table for name, table in prepared.tables.items() if name == "particles"}
    return Prepared(Collection(nodes.offsets, {"layer": nodes["layer"]}), prepared.dense, kept)
