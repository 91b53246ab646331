"""Quality of graphs against what a toy's truth says."""

from __future__ import annotations

import numpy as np

from hitforge.core.progress import Progress
from hitforge.representations.graph.track_graph import TrackGraph
from tests.targets import target
from tests.toy_tracker import ToyTracker, helices


def test_numbers_and_tables_count_what_edges_hold() -> None:
    graph = TrackGraph(TrackGraph.Config(), ToyTracker(), target("track", min_pt=1.0, min_hits=4, max_eta=1.0))
    graph.fit(lambda: [helices([40] * 20, seed=11)], Progress())
    prepared = graph.prepare(helices([40, 50]))
    quality, particles = graph.quality(prepared), prepared.tables["particles"]
    truth = graph.truth(prepared, np.array([0, 1]), "edge")
    assert quality["events"] == 2
    assert quality["edges"] == len(truth) / 2
    assert quality["purity"] == truth[:, 0].mean()
    reconstructable = particles["reconstructable"]
    assert 0 < reconstructable.sum() < particles.rows
    assert quality["particles"] == reconstructable.sum()
    assert (
        quality["efficiency"] == particles["found"][reconstructable].sum() / particles["pairs"][reconstructable].sum()
    )
    assert quality["efficiency"] > 0.95
    assert quality["ceiling"] == (2 * particles["largest"][reconstructable] > particles["hits"][reconstructable]).mean()
    for name in ("pt", "eta"):
        table = quality[name]
        assert len({len(column) for column in table.values()}) == 1
        for low, high, count, efficiency in zip(
            table["low"], table["high"], table["particles"], table["efficiency"], strict=True
        ):
            assert (efficiency is None) == (count == 0)
            assert low < high
    assert sum(quality["eta"]["particles"]) == reconstructable.sum()
    assert sum(quality["pt"]["particles"]) > reconstructable.sum()


def test_a_graph_without_edges_finds_nothing() -> None:
    graph = TrackGraph(TrackGraph.Config(), ToyTracker())
    graph.fit(lambda: [helices([40] * 5, seed=11)], Progress())
    assert graph.builder.windows is not None  # type: ignore[attr-defined]
    graph.builder.windows.high[:] = graph.builder.windows.low[:]  # type: ignore[attr-defined]
    quality = graph.quality(graph.prepare(helices([20])))
    assert quality["efficiency"] == quality["ceiling"] == quality["edges"] == 0
    assert quality["purity"] is None
