"""The target of a recipe: said once, read by all, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.recipe.recipe import Recipe, resolve

TRACKS: dict[str, Any] = {
    "detector": {"name": "silicon_barrel_endcap"},
    "source": {"name": "fatras", "process": "gun", "train": 2, "validation": 1, "test": 1},
    "target": {
        "name": "track",
        "min_pt": 0.9,
        "max_eta": 2.0,
        "min_hits": 8,
        "min_track_hits": 6,
        "subsystems": "pixel",
    },
    "representation": {"name": "track_graph"},
    "model": {"name": "interaction_network"},
    "task": {"name": "classify_edges"},
    "training": {"batch_size": 1},
    "evaluation": {"baselines": ["combinatorial_kalman_filter"]},
}
SHOWERS: dict[str, Any] = {
    "detector": {"name": "hgcal"},
    "source": {"name": "multi_shower_gun", "train": 2, "validation": 1, "test": 1},
    "target": {"name": "shower", "min_deposited": 5.0},
    "representation": {"name": "shower_hits"},
    "model": {"name": "hit_transformer"},
    "task": {"name": "condense_showers"},
    "training": {"batch_size": 1},
    "evaluation": {"baselines": ["clue"]},
}


def read(base: dict[str, Any], **changes: Any) -> Recipe:
    raw = {key: value for key, value in {**base, **changes}.items() if value is not None}
    return resolve(raw, "test", Path())


def test_all_parts_of_a_search_for_tracks_read_the_target() -> None:
    recipe = read(TRACKS)
    asked = recipe.target
    assert asked is not None
    assert recipe.representation is not None
    assert recipe.representation.target is recipe.task.object_kind is asked
    assert recipe.representation.subsystems == (7, 8, 9)
    assert recipe.representation.builder.config.cuts(asked) == (0.8, 2.1, 8)  # type: ignore[attr-defined]
    assert recipe.task.min_track_hits == 6  # type: ignore[attr-defined]
    (filter_,) = recipe.baselines
    assert (filter_.settings.min_pt, filter_.settings.max_eta) == (0.7, 2.2)  # type: ignore[attr-defined]
    assert filter_.settings.min_measurements == 6  # type: ignore[attr-defined]
    assert all(metric.target is asked.config for metric in recipe.metrics)
    assert recipe.resolved["target"] == {"name": "track", **asked.config.model_dump()}


def test_all_parts_of_a_search_for_showers_read_the_target() -> None:
    recipe = read(SHOWERS)
    assert recipe.target is not None
    assert recipe.representation is not None
    assert (
        recipe.representation.target is recipe.task.object_kind is recipe.baselines[0].task.object_kind is recipe.target
    )
    assert {metric.target.min_deposited for metric in recipe.metrics} == {5.0}


def test_what_is_asked_for_is_part_of_what_a_network_is() -> None:
    one, other = read(TRACKS), read(TRACKS, target={**TRACKS["target"], "min_pt": 1.5})
    assert one.hash("target", "representation", "model", "task", "training") != other.hash(
        "target", "representation", "model", "task", "training"
    )


def test_without_a_name_or_a_block_it_is_the_kind_of_the_task() -> None:
    assert read(TRACKS, target=None).target.config.min_hits == 9  # type: ignore[union-attr]
    assert read(TRACKS, target={"min_pt": 2}).target.config.min_pt == 2  # type: ignore[union-attr]
    assert read(SHOWERS, target="shower").target.config.min_deposited == 3.0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        (TRACKS, {"target": {"name": "shower"}}, "one kind.*target: shower; task 'classify_edges': track"),
        (TRACKS, {"evaluation": {"metrics": ["average_precision"]}}, "one kind.*metrics 'average_precision'"),
        (SHOWERS, {"evaluation": {"baselines": ["combinatorial_kalman_filter"]}}, "one kind of object"),
        (TRACKS, {"target": {"name": "trak"}}, "no plug-in 'trak' in objects.*track"),
        (TRACKS, {"target": {"min_momentum": 1}}, "unknown key 'min_momentum'.*min_pt"),
        (TRACKS, {"representation": {"name": "track_graph", "min_pt": 1.0}}, r"'min_pt' has another.*'target\.min_pt'"),
        (TRACKS, {"task": {"name": "classify_edges", "min_hits": 5}}, r"'target\.min_track_hits'"),
        (
            TRACKS, {"evaluation": {"metrics": [{"name": "tracking_efficiency", "max_eta": 2}]}}, r"'target\.max_eta'",
        ),
        (
            TRACKS, {"representation": {"name": "track_graph", "edges": {"name": "geometric", "min_pt": 0.9}}},
            "'pt_margin'",
        ),
        (SHOWERS, {"task": {"name": "condense_showers", "visible": 2}}, r"'target\.min_deposited'"),
        (SHOWERS, {"representation": {"name": "shower_hits", "min_energy": 2}}, r"'target\.min_deposited'"),
        (SHOWERS, {"representation": {"name": "shower_hits", "plane": 3000}}, "'plane of the detector'"),
        (SHOWERS, {"evaluation": {"baselines": [{"name": "clue", "visible": 2}]}}, r"'target\.min_deposited'"),
        (SHOWERS, {"evaluation": {"metrics": [{"name": "shower_efficiency", "least": 2}]}}, r"'target\.min_deposited'"),
        (TRACKS, {"evaluation": {"sweep": {"target.min_pt": [1, 2]}}}, "a sweep may only change representation, model"),
    ],
)  # fmt: skip
def test_half_roads_and_other_kinds_are_refused(base: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(base, **changes)


def test_recipes_of_events_need_no_target() -> None:
    events = {
        "detector": {"name": "hgcal"},
        "source": {"name": "shower_gun", "window": 110, "train": 2, "validation": 1, "test": 1},
        "task": {"name": "shower"},
        "evaluation": {"baselines": ["weighted_sum"]},
    }
    assert read(events).target is None
    with pytest.raises(ConfigError, match="a 'target' needs a task that finds objects"):
        read(events, target={"name": "shower"})
