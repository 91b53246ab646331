"""Events of a batch do not mix: two in a batch are answered for, and punished, as the two by themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.events import Collection, Events
from hitforge.models import MODELS
from hitforge.representations import REPRESENTATIONS, Prepared, Representation
from hitforge.representations._showers import ShowerRepresentation
from hitforge.representations._tracks import TrackRepresentation
from hitforge.tasks import TASKS, Task
from tests.layered import HONEYCOMB
from tests.many_showers import many_showers
from tests.toy_tracker import ToyTracker, helices

ACROSS = [name for name in TASKS.names() if TASKS.get(name).per != "event"]  # tasks that see single hits
SMALL: dict[str, list[dict[str, Any]]] = {  # further settings of networks that look across hits
    "window_transformer": [{"block": 8, "reach": 4, "pairs": 4}],
    "hit_transformer": [{"cell": [0.1, 0.1, 0.1], "block": 16, "reach": 8, "pool": 4}],
    "mask_transformer": [{"cell": [0.1, 0.1, 0.1], "block": 16, "reach": 8, "pool": 4, "queries": 6}],
}
SETS = "track_graph with three sets of edges"  # a representation as networks over several sets need it
SAMPLED = ("detect_regions",)
"""Losses over anchors and regions that are drawn at random: means over those of the whole batch, not over events."""


@cache
def prepared_of(name: str) -> tuple[Representation, Prepared]:
    """A representation with two events: the second is the mirror image of the first where it is one of showers."""
    if name == SETS or issubclass(REPRESENTATIONS.get(name), TrackRepresentation):
        asked = {"name": "track_graph", "also": ["module_map", "geometric"]} if name == SETS else name
        representation, events = REPRESENTATIONS.build(asked, ToyTracker(), where="test"), helices([12, 7])
    else:
        block = {"name": name, "merge": 1} if name == "shower_voxels" else {"name": name}
        representation, one = REPRESENTATIONS.build(block, HONEYCOMB, where="test"), many_showers([3], spots=100)
        events = Events.concatenate([one, mirrored(one)])
    representation.fit(lambda: [events], Progress())
    return representation, representation.prepare(events)


def mirrored(events: Events) -> Events:
    """Swap the sides of x: as many hits, particles and energies at other places."""
    tables = dict(events.collections)
    for name, columns in (("hits", ("x",)), ("particles", ("px", "vx"))):
        table = events.collections[name]
        turned = {key: -value if key in columns else value for key, value in table.columns.items()}
        tables[name] = Collection(table.offsets, turned)
    return Events(tables)


def roads() -> list[Any]:
    """Every task that sees single hits, with all representations and networks that go with it."""
    found = []
    for task_name in ACROSS:
        task = TASKS.build(task_name, where="test")
        base = ShowerRepresentation if getattr(task, "kind", "") == "shower" else TrackRepresentation
        for name in (*REPRESENTATIONS.names(), SETS):
            if not issubclass(REPRESENTATIONS.get("track_graph" if name == SETS else name), base):
                continue
            for model_name in MODELS.names():
                for settings in ({}, *SMALL.get(model_name, [])):
                    model = MODELS.build({"name": model_name, **settings}, where="test")
                    if model.per == task.per and fits(model, task, prepared_of(name)[0]):
                        found.append(
                            pytest.param(task, name, model, id=f"{task_name}-{name}-{model_name}{len(settings)}")
                        )
    return found


def fits(model: Any, task: Task, representation: Representation) -> bool:
    """Whether the network takes what the representation gives, and answers for what the task asks."""
    pairs = {"detect_showers": ("one_stage_detector",), "mask_showers": ("mask_transformer",)}
    pairs["detect_regions"] = ("two_stage_detector", "mask_rcnn")
    if task.per == "object" and model.name not in pairs[task.name]:
        return False
    try:
        model.check(representation.shapes())
    except ConfigError:
        return False
    return True


def answered(network: Any, task: Task, name: str, index: list[int]) -> tuple[Any, Any]:
    """Outputs for events, as arrays by name, and their loss."""
    representation, prepared = prepared_of(name)
    chosen = np.array(index)
    inputs = {key: torch.from_numpy(value) for key, value in representation.batch(prepared, chosen).items()}
    inputs = {key: value.movedim(-1, 1) if value.ndim > 3 else value for key, value in inputs.items()}
    truth = representation.truth(prepared, chosen, task.per)
    several = isinstance(truth, dict)
    target = {k: torch.from_numpy(v) for k, v in truth.items()} if several else torch.from_numpy(truth)
    with torch.no_grad():
        outputs = network(**inputs)
        loss = task.torch_loss(outputs, target)
    return (outputs if isinstance(outputs, dict) else {"rows": outputs}), float(loss)


ROADS = roads()


@pytest.mark.parametrize(("task", "name", "model"), ROADS)
def test_two_events_in_a_batch_are_as_the_two_apart(task: Task, name: str, model: Any) -> None:
    torch.manual_seed(2)
    network = model.torch(prepared_of(name)[0].shapes(), task.outputs).eval()
    both, loss = answered(network, task, name, [0, 1])
    (first, loss_0), (second, loss_1) = (answered(network, task, name, [i]) for i in (0, 1))
    for key, value in both.items():
        if len(value) == len(first[key]) == len(second[key]):  # the same for all events, such as anchors
            torch.testing.assert_close(value, first[key])
        else:
            apart = torch.cat([first[key], second[key]])
            if len(first[key]) * 2 == len(value) and key not in ("rows", "masks", "objects", "heat", "pixels"):
                continue  # views and events in one dimension: see test_plugins.py
            torch.testing.assert_close(value, apart, rtol=1e-3, atol=1e-3)
    assert loss_0 != loss_1
    if task.name not in SAMPLED:
        edges = task.per == "edge"  # a mean over edges, each by itself: the larger graph counts more
        assert min(loss_0, loss_1) <= loss <= max(loss_0, loss_1)
        assert edges or loss == pytest.approx((loss_0 + loss_1) / 2, rel=2e-4)


def test_every_task_and_network_on_single_hits_is_tried() -> None:
    assert {road.values[0].name for road in ROADS} == set(ACROSS)
    of_hits = {name for name in MODELS.names() if MODELS.build(name, where="test").per != "event"}
    assert of_hits == {road.values[2].name for road in ROADS}


@pytest.mark.parametrize("name", [name for name in ACROSS if TASKS.get(name).per == "hit" and "showers" not in name])
def test_a_score_of_a_batch_is_the_mean_over_its_events(name: str) -> None:
    task = TASKS.build(name, where="test")
    representation, prepared = prepared_of("track_hits")
    random = np.random.default_rng(4)
    parts = []
    for i in (0, 1):
        truth = representation.truth(prepared, np.array([i]), "hit")
        near = random.normal(size=(50, task.outputs))[truth[:, 0].astype(int)]  # the same place for hits of a particle
        parts.append((np.float32(near + random.normal(0, 0.05, (len(truth), task.outputs))), truth))
    both = task.score(
        np.concatenate([outputs for outputs, _ in parts]), representation.truth(prepared, np.array([0, 1]), "hit")
    )
    apart = [task.score(*part) for part in parts]
    assert set(both) == set(task.scores)
    for key, value in both.items():
        assert value == pytest.approx(np.nanmean([one[key] for one in apart]), rel=1e-6)
