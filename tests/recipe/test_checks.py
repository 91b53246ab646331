"""The parts of a recipe must fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.recipe.recipe import resolve
from tests.recipe.of_images import changed


@pytest.mark.parametrize(
    ("sweep", "message"),
    [({"source.seed": [1, 2]}, "a sweep may only change"), ({"model": []}, "at least 1")],
)
def test_sweep_keeps_the_sample_and_is_not_empty(sweep: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(changed(evaluation={"sweep": sweep}), "test", Path())


def test_labels_of_a_sweep_must_differ_from_the_others() -> None:
    evaluation = {"sweep": {"training.lr": [0.1]}, "compare": [{"label": "0.1", "set": {"training.lr": 0.2}}]}
    with pytest.raises(ConfigError, match="must differ"):
        resolve(changed(evaluation=evaluation), "test", Path())


TRACKS: dict[str, Any] = {
    "detector": {"name": "silicon_barrel_endcap"},
    "source": {"name": "fatras"},
    "representation": {"name": "track_graph"},
    "model": {"name": "interaction_network"},
    "task": {"name": "classify_edges"},
    "training": {"monitor": "edge_auc", "batch_size": 1},
}


def test_the_networks_that_are_named_must_be_those_of_the_representation() -> None:
    with pytest.raises(ConfigError, match="'depends_on' must name a recipe for each of: filter"):
        resolve({**TRACKS, "representation": {"name": "track_graph", "edges": "filtered"}}, "test", Path())
    with pytest.raises(ConfigError, match="no network; got: filter"):
        resolve({**TRACKS, "depends_on": {"filter": "filter.yaml"}}, "test", Path())


def test_a_network_must_answer_for_the_rows_of_the_task() -> None:
    with pytest.raises(ConfigError, match="answers for each edge"):
        resolve({**TRACKS, "model": {"name": "interaction_network", "readout": "hit"}}, "test", Path())


@pytest.mark.parametrize("task", ["classify_edges", "condense_hits", "find_tracks", "embed_hits"])
def test_the_events_in_a_step_must_be_meant_where_hits_are_asked_for(task: str) -> None:
    raw = {**TRACKS, "task": {"name": task}, "training": {}}
    with pytest.raises(ConfigError, match=f"must be set for the task '{task}'.*training.batch_size"):
        resolve(raw, "test", Path(), network=False)
    resolve({**raw, "training": {"batch_size": 256}}, "test", Path(), network=False)
    resolve(changed(training={}), "test", Path(), network=False)  # images are small: the usual number will do
