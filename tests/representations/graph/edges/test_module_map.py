"""The map of modules against loops."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.representations.graph.edges._pairs import quantities
from hitforge.representations.graph.edges._triplets import directions
from hitforge.representations.graph.edges.module_map import ModuleMap
from tests.toy_tracker import ToyTracker, helices, hits_of, true_set

DETECTOR = ToyTracker()
SAMPLE = hits_of(helices([60] * 30, seed=8))


def _doublets(builder: ModuleMap) -> tuple[set[tuple[int, int]], list[tuple[int, int, int]]]:
    (hits,) = hits_of(helices([40], seed=4))
    state, modules = builder.state(), len(DETECTOR.modules)
    row = DETECTOR.row(hits.cell)
    source, destination = (part.ravel() for part in np.meshgrid(*[np.arange(len(hits))] * 2, indexing="ij"))
    key = row[source] * modules + row[destination]
    which = np.searchsorted(state["doublet"], key).clip(max=len(state["doublet"]) - 1)
    values = quantities(hits.r, hits.phi, hits.z, hits.eta, source, destination)[:, :4]
    inside = (state["doublet"][which] == key) & (values >= state["low"][which]).all(1)
    inside &= (values <= state["high"][which]).all(1)
    edges = [
        (int(s), int(d), int(k)) for s, d, k in zip(source[inside], destination[inside], which[inside], strict=True)
    ]
    return {(s, d) for s, d, _ in edges}, edges


def test_doublets_and_triplets_are_those_of_a_loop() -> None:
    builder = ModuleMap(ModuleMap.Config(triplets=False), DETECTOR)
    builder.fit(SAMPLE)
    (hits,) = hits_of(helices([40], seed=4))
    every, edges = _doublets(builder)
    assert {*zip(*(part.tolist() for part in builder.build(hits)), strict=True)} == every
    strict = ModuleMap(ModuleMap.Config(), DETECTOR)
    strict.set_state(builder.state())
    state = builder.state()
    angle, slope = directions(
        hits.r, hits.phi, hits.z, np.array([e[0] for e in edges]), np.array([e[1] for e in edges])
    )
    keep = set()
    for e, first in enumerate(edges):
        for f, second in enumerate(edges):
            t = np.flatnonzero(state["triplet"] == first[2] * len(state["doublet"]) + second[2])
            bend = np.array([angle[f] - angle[e], slope[f] - slope[e]])
            if first[1] != second[0] or not len(t):
                continue
            if (bend >= state["bend_low"][t[0]]).all() and (bend <= state["bend_high"][t[0]]).all():
                keep |= {first[:2], second[:2]}
    found = {*zip(*(part.tolist() for part in strict.build(hits)), strict=True)}
    assert found == keep
    assert 0 < len(found) < len(every)


def test_map_holds_the_tracks_it_was_made_from() -> None:
    builder = ModuleMap(ModuleMap.Config(triplets=False), DETECTOR)
    builder.fit(SAMPLE)
    for hits in SAMPLE[:3]:
        assert hits.truth is not None
        assert true_set(hits.truth) <= {*zip(*(part.tolist() for part in builder.build(hits)), strict=True)}


def test_hit_on_no_module_is_refused() -> None:
    builder = ModuleMap(ModuleMap.Config(), DETECTOR)
    builder.fit(SAMPLE)
    events = helices([3])
    events.hits["cell"][1] = 7
    (hits,) = hits_of(events)
    with pytest.raises(DataError, match="on a module"):
        builder.build(hits)
