"""Checks of models: a network answers each event by itself, whatever stands beside it, and learns with all weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.core.errors import ConfigError
from hitforge.core.registry import Registry
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.models import Model
from hitforge.representations import REPRESENTATIONS, Shapes
from hitforge.testing._samples import sample

_HITS: Shapes = {"nodes": (8,), "place": (4,), "layer": (), "event": (), "kind": ()}
_EDGES: Shapes = {"edges": (5,), "source": (), "destination": ()}
_INPUTS: tuple[Shapes, ...] = (
    {"image": (32, 32, 2)},
    {"volume": (10, 16, 16, 1)},
    {"features": (7,)},
    {"points": (24, 6), "position": (24, 3), "mask": (24, 1), "neighbours": (24, 4)},
    {"points": (24, 6), "position": (24, 3), "mask": (24, 1), "momentum": (24, 4)},
    _HITS,
    {**_HITS, **_EDGES},
    {**_HITS, **{f"{name}{i}": shape for i in ("", "_1") for name, shape in _EDGES.items()}},
)
_OF_SHOWERS: tuple[dict[str, Any], ...] = (
    {"name": "shower_hits"},
    {"name": "shower_voxels", "merge": 1},
    {"name": "shower_projections"},
)


def check_model(
    registry: Registry[Any],
    block: dict[str, Any],
    inputs: Shapes | None = None,
    detector: Detector | None = None,
    events: Events | None = None,
) -> None:
    """Run its PyTorch network forward and backward, with and without numbers about the whole event beside the input.

    Args:
        registry: Its room.
        block: Name and settings.
        inputs: Shapes by name that it takes; absent: the first of the usual ones that it accepts.
        detector: For networks on the hits of many showers: where ``events`` lie.
        events: Two of them at least.
    """
    import torch

    model: Model = registry.build(block, where="settings")
    if "torch" not in model.engines():
        assert model.engines(), "a model must have a network"
        return
    tried = 0
    for length in (0, 7) if inputs is None else (0,):
        fitting = _fitting(model, length) if inputs is None else dict(inputs)
        if not fitting:
            continue
        tried += 1
        model.check(fitting)
        torch.manual_seed(1)
        network = model.torch(fitting, 3).eval()
        (_runs_on_rows if "nodes" in fitting else _runs_on_events)(network, model, fitting)
    if not tried:
        _runs_on_showers(model, *(sample("many showers") if detector is None or events is None else (detector, events)))


def _fitting(model: Model, length: int) -> Shapes:
    """The inputs that a model takes, and a summary of so many numbers; none where it takes hits of a calorimeter."""
    for shapes in () if model.per == "object" else _INPUTS:
        inputs = {**shapes, "summary": (length,)} if length else shapes
        try:
            model.check(inputs)
        except ConfigError:
            continue
        return inputs
    return {}


def _learns(network: Any, answers: list[Any]) -> None:
    """All weights that can learn get a gradient."""
    sum(value.float().square().sum() for value in answers if value.requires_grad).backward()
    without = [key for key, value in network.named_parameters() if value.requires_grad and value.grad is None]
    assert not without, f"the loss must reach every weight, and not leave out {', '.join(without)}"


def _runs_on_events(network: Any, model: Model, inputs: Shapes) -> None:
    """An answer an event, the same without the others; of points also without padding and in another order."""
    import torch

    assert model.per == "event", "a network on images, volumes and points answers for events"
    batch = _batch(inputs)
    outputs = network(**batch)
    assert outputs.shape == (5, 3), f"outputs must be (events, outputs), here (5, 3), and not {tuple(outputs.shape)}"
    alone = network(**{key: value[2:3] for key, value in batch.items()})
    must = "an event must not see the others of its batch"
    np.testing.assert_allclose(outputs[2].detach(), alone[0].detach(), rtol=1e-3, atol=1e-4, err_msg=must)
    _learns(network, [outputs])
    if "points" not in inputs:
        return
    cut = {key: value[2:3, :16] if value.ndim == 3 else value[2:3] for key, value in batch.items()}  # without padding
    torch.testing.assert_close(network(**cut)[0], outputs[2], rtol=1e-3, atol=1e-4)
    order = torch.randperm(24)
    turned = {key: value[:, order] if value.ndim == 3 else value for key, value in batch.items()}
    if "neighbours" in inputs:
        turned["neighbours"] = order.argsort().int()[turned["neighbours"].long()]
    torch.testing.assert_close(network(**turned), outputs, rtol=1e-3, atol=1e-4)


def _batch(inputs: Shapes) -> dict[str, Any]:
    """Five events as the engine brings them; of 24 points the last 4, 8, ... are padding."""
    import torch

    real = (torch.arange(24) < torch.tensor([24, 20, 16, 12, 8])[:, None])[..., None]  # (B, P, 1)
    batch: dict[str, Any] = {}
    for key, shape in inputs.items():
        value = torch.randn(5, *shape)
        if len(shape) >= 3:
            value = value.movedim(-1, 1)
        elif key in ("points", "position"):
            value = torch.where(real, value, 0.0)
        elif key == "momentum":  # with an energy above it
            value = torch.cat([value[..., :3], value[..., :3].norm(dim=2, keepdim=True) + 0.1], dim=2) * real
        elif key == "mask":
            value = real.float()
        elif key == "neighbours":
            value = torch.where(real, torch.randint(0, 8, value.shape), 0).int()
        batch[key] = value
    return batch


def _runs_on_rows(network: Any, model: Model, inputs: Shapes) -> None:
    """An answer for each hit or edge, that depends neither on other events nor on the order of hits and edges."""
    import torch

    inputs = {key: shape for key, shape in inputs.items() if key != "summary"}
    parts = [_event(inputs, 0, 0, 40, 90), _event(inputs, 1, 40, 25, 60)]
    batch = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    outputs = network(**batch)
    assert model.per in ("hit", "edge"), "a network on hits and edges answers for hits or edges"
    rows, before = {"hit": (65, 40), "edge": (150, 90)}[model.per]
    assert outputs.shape == (rows, 3), f"outputs must have a row a {model.per}, and not be {tuple(outputs.shape)}"
    alone = {key: value - (40 if key.startswith(("source", "dest")) else 0) for key, value in parts[1].items()}
    alone["event"] = alone["event"] - 1
    torch.testing.assert_close(network(**alone), outputs[before:], rtol=1e-3, atol=1e-4)
    _learns(network, [outputs])
    hits, edges = torch.randperm(65), torch.randperm(150)
    place, turned = hits.argsort().int(), {}
    for key, value in batch.items():
        turned[key] = value[hits if len(value) == 65 else edges]
        if key.startswith(("source", "dest")):
            turned[key] = place[turned[key].long()]
    order = hits if model.per == "hit" else edges
    torch.testing.assert_close(network(**turned), outputs[order], rtol=1e-3, atol=1e-4)


def _event(inputs: Shapes, event: int, first: int, hits: int, edges: int) -> dict[str, Any]:
    """One event of a tracker, of which the hits begin at the number ``first``."""
    import torch

    batch: dict[str, Any] = {"event": torch.full((hits,), event, dtype=torch.int32)}
    whole = {"layer": torch.randint(0, 48, (hits,)).int(), "kind": torch.arange(hits).int() % 2}
    for key, shape in inputs.items():
        if key.startswith(("source", "destination")):
            batch[key] = first + torch.randint(0, hits, (edges,)).int()
        elif key in whole:
            batch[key] = whole[key]
        elif key not in batch:
            batch[key] = torch.randn(edges if key.startswith("edges") else hits, *shape)
    return batch


def _runs_on_showers(model: Model, detector: Detector, events: Events) -> None:
    """Answers for the hits and objects of each event, which do not depend on other events, and reach all weights."""
    import torch

    for block in _OF_SHOWERS:
        representation = REPRESENTATIONS.build(block, detector, where=model.name)
        try:
            model.check(representation.shapes())
            break
        except ConfigError:
            continue
    else:
        raise AssertionError(f"{model.name} takes nothing that a representation gives: give its 'inputs'")
    torch.manual_seed(1)
    network = model.torch(representation.shapes(), 9).eval()
    prepared = representation.prepare(events)

    def answer(index: list[int]) -> tuple[dict[str, Any], int]:
        batch = {key: torch.from_numpy(value) for key, value in representation.batch(prepared, np.array(index)).items()}
        batch = {key: value.movedim(-1, 1) if value.ndim > 3 else value for key, value in batch.items()}
        outputs = network(**batch)
        return outputs if isinstance(outputs, dict) else {"rows": outputs}, len(batch["nodes"])

    with torch.no_grad():
        (both, hits), (alone, own) = answer([0, 1]), answer([1])
    for name, value in alone.items():
        rows = len(both[name])
        if model.per == "hit" or len(value) == own:
            assert (len(value), rows) == (own, hits), f"'{name}' must have a row a hit"
        else:  # the same for all events, such as anchors; or of each event
            assert rows in (len(value), 2 * len(value)), f"'{name}' must have as many rows for each event"
        torch.testing.assert_close(both[name][-len(value) :], value, rtol=1e-3, atol=1e-3)
    _learns(network, list(answer([0, 1])[0].values()))
