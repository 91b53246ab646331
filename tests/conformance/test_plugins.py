"""Every registered plug-in, found by itself: it has a text, typed settings, and does what its room promises."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hitforge
from hitforge.core.config import Config
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS, Detector, GridDetector, LayeredDetector, TrackerDetector
from hitforge.events import Events
from hitforge.models import MODELS
from hitforge.recipe.catalogue import REGISTRIES, settings_of, summary
from hitforge.representations import REPRESENTATIONS
from hitforge.representations._showers import ShowerRepresentation
from hitforge.representations._tracks import TrackRepresentation
from tests.layered import HONEYCOMB, showers
from tests.many_showers import many_showers
from tests.toy_tracker import ToyTracker, helices

ALL = [(room, name) for room, registry in REGISTRIES.items() for name in registry.names()]
ROOT = Path(hitforge.__file__).parent


@pytest.mark.parametrize(("room", "name"), ALL)
def test_plugin_is_described_and_typed(room: str, name: str) -> None:
    cls = REGISTRIES[room].get(name)
    assert summary(REGISTRIES[room], name).endswith(".")
    assert cls.__doc__
    assert issubclass(cls.Config, Config)
    assert cls.Config.model_config["frozen"]
    for key, _, _, meaning in settings_of(REGISTRIES[room], name):
        assert meaning, f"{room}/{name}: the setting '{key}' must have a description"


@pytest.mark.parametrize(("room", "name"), ALL)
def test_plugin_refuses_an_unknown_setting_by_name(room: str, name: str) -> None:
    with pytest.raises(ConfigError, match="no_such_setting"):
        REGISTRIES[room].configure({"name": name, "no_such_setting": 1}, where="here")


@pytest.mark.parametrize(("room", "name"), ALL)
def test_plugin_file_holds_one_plugin(room: str, name: str) -> None:
    file = REGISTRIES[room].file(name)
    assert file is not None
    tree = ast.parse(file.read_text(encoding="utf-8"))
    public = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    base = REGISTRIES[room].base
    module = sys.modules[REGISTRIES[room].get(name).__module__]
    assert sum(issubclass(getattr(module, item), base) for item in public) == 1


def test_every_plugin_name_is_unique_among_sources() -> None:
    assert not set(REGISTRIES["simulation"].names()) & set(REGISTRIES["readers"].names())


def test_unknown_plugin_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'residual'"):
        MODELS.get("residal")


_HITS: dict[str, tuple[int, ...]] = {"nodes": (8,), "place": (4,), "layer": (), "event": (), "kind": ()}
_EDGES: dict[str, tuple[int, ...]] = {"edges": (5,), "source": (), "destination": ()}
_MODEL_INPUTS: tuple[dict[str, tuple[int, ...]], ...] = (
    {"image": (32, 32, 2)},
    {"volume": (10, 16, 16, 1)},
    {"points": (24, 6), "position": (24, 3), "mask": (24, 1), "neighbours": (24, 4)},
    _HITS,
    {**_HITS, **_EDGES},
    {**_HITS, **{f"{name}{i}": shape for i in ("", "_1") for name, shape in _EDGES.items()}},
)


def _inputs_that_fit(name: str, length: int) -> dict[str, tuple[int, ...]]:
    """The inputs that a model takes, and a summary of so many numbers; none where it takes hits of a calorimeter."""
    model = MODELS.build(name, where="test")
    for shapes in () if model.per == "object" else _MODEL_INPUTS:
        inputs = {**shapes, "summary": (length,)} if length else shapes
        try:
            model.check(inputs)
        except ConfigError:
            continue
        return inputs
    return {}


def _model_batch(inputs: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Five events as the engine brings them; of 24 points the last 4, 8, ... are padding."""
    import torch

    real = (torch.arange(24) < torch.tensor([24, 20, 16, 12, 8])[:, None])[..., None]  # (B, P, 1)
    batch: dict[str, Any] = {}
    for key, shape in inputs.items():
        value = torch.randn(5, *shape)
        if key in ("image", "volume"):
            value = value.movedim(-1, 1)
        elif key in ("points", "position"):
            value = torch.where(real, value, 0.0)
        elif key == "mask":
            value = real.float()
        elif key == "neighbours":
            value = torch.where(real, torch.randint(0, 8, value.shape), 0).int()
        batch[key] = value
    return batch


def _track_batch(inputs: dict[str, tuple[int, ...]], event: int, first: int, hits: int, edges: int) -> dict[str, Any]:
    """One event of a tracker, of which the hits begin at the number ``first``."""
    import torch

    batch: dict[str, Any] = {"event": torch.full((hits,), event, dtype=torch.int32)}
    batch["layer"], batch["kind"] = torch.randint(0, 48, (hits,)).int(), torch.arange(hits).int() % 2
    for key, shape in inputs.items():
        if key.startswith(("source", "destination")):
            batch[key] = first + torch.randint(0, hits, (edges,)).int()
        elif key not in batch:
            batch[key] = torch.randn(hits if key in ("nodes", "place") else edges, *shape)
    return batch


def _runs_on_tracks(network: Any, per: str, inputs: dict[str, tuple[int, ...]]) -> None:
    """An answer for each hit or edge, that depends neither on other events nor on the order of hits and edges."""
    import torch

    inputs = {key: shape for key, shape in inputs.items() if key != "summary"}
    parts = [_track_batch(inputs, 0, 0, 40, 90), _track_batch(inputs, 1, 40, 25, 60)]
    batch = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    outputs = network(**batch)
    rows, before = {"hit": (65, 40), "edge": (150, 90)}[per]
    assert outputs.shape == (rows, 3)
    alone = {key: value - (40 if key.startswith(("source", "dest")) else 0) for key, value in parts[1].items()}
    alone["event"] = alone["event"] - 1
    torch.testing.assert_close(network(**alone), outputs[before:], rtol=1e-3, atol=1e-4)
    outputs.square().sum().backward()
    assert not [key for key, value in network.named_parameters() if value.requires_grad and value.grad is None]
    hits, edges = torch.randperm(65), torch.randperm(150)
    place, turned = hits.argsort().int(), {}
    for key, value in batch.items():
        turned[key] = value[hits if len(value) == 65 else edges]
        if key.startswith(("source", "dest")):
            turned[key] = place[turned[key].long()]
    torch.testing.assert_close(network(**turned), outputs[hits if per == "hit" else edges], rtol=1e-3, atol=1e-4)


def _runs_on_showers(model: Any) -> None:
    """Answers for the hits and objects of each event, which do not depend on other events, and reach all weights."""
    import torch

    for block in ({"name": "shower_hits"}, {"name": "shower_voxels", "merge": 1}, {"name": "shower_projections"}):
        representation = REPRESENTATIONS.build(block, HONEYCOMB, where="test")
        try:
            model.check(representation.shapes())
            break
        except ConfigError:
            continue
    else:
        raise AssertionError(f"{model.name} takes nothing that a representation gives")
    network = model.torch(representation.shapes(), 9).eval()
    prepared = representation.prepare(many_showers([3, 2], spots=100))

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
            assert (len(value), rows) == (own, hits)
        else:
            assert rows in (len(value), 2 * len(value))  # the same for all events, such as anchors; or of each event
        torch.testing.assert_close(both[name][-len(value) :], value, rtol=1e-3, atol=1e-3)
    sum(value.float().square().sum() for value in answer([0, 1])[0].values() if value.requires_grad).backward()
    assert not [key for key, value in network.named_parameters() if value.requires_grad and value.grad is None]


@pytest.mark.parametrize("length", [0, 7])
@pytest.mark.parametrize("name", MODELS.names())
def test_model_runs_forward_and_backward_and_keeps_events_apart(name: str, length: int) -> None:
    import torch

    torch.manual_seed(1)
    model = MODELS.build(name, where="test")
    inputs = _inputs_that_fit(name, length)
    if not inputs:
        if length:
            pytest.skip(f"{name} takes no summary")
        _runs_on_showers(model)
        return
    if "torch" not in model.engines():
        pytest.skip(f"{name} has no PyTorch network")
    network = model.torch(inputs, 3).eval()
    if "nodes" in inputs:
        _runs_on_tracks(network, model.per, inputs)
        return
    batch = _model_batch(inputs)
    outputs = network(**batch)
    assert model.per == "event"
    assert outputs.shape == (5, 3)
    alone = network(**{key: value[2:3] for key, value in batch.items()})
    np.testing.assert_allclose(outputs[2].detach(), alone[0].detach(), rtol=1e-3, atol=1e-4)
    outputs.square().sum().backward()
    without = [key for key, value in network.named_parameters() if value.requires_grad and value.grad is None]
    assert not without
    if "points" not in inputs:
        return
    cut = {key: value[2:3, :16] if value.ndim == 3 else value[2:3] for key, value in batch.items()}  # without padding
    torch.testing.assert_close(network(**cut)[0], outputs[2], rtol=1e-3, atol=1e-4)
    order = torch.randperm(24)
    turned = {key: value[:, order] if value.ndim == 3 else value for key, value in batch.items()}
    turned["neighbours"] = order.argsort().int()[turned["neighbours"].long()]
    torch.testing.assert_close(network(**turned), outputs, rtol=1e-3, atol=1e-4)


OF_TRACKS = [name for name in REPRESENTATIONS.names() if issubclass(REPRESENTATIONS.get(name), TrackRepresentation)]


@pytest.mark.parametrize("name", OF_TRACKS)
def test_representation_of_tracks_gives_flat_rows(name: str) -> None:
    events = helices([12, 5, 9, 7])
    representation = REPRESENTATIONS.build(name, ToyTracker(), where="test")
    representation.fit(lambda: [events], Progress())
    seen = Events({key: events.collections[key] for key in ("hits", "clusters") if key in events.collections})
    prepared, blind = representation.prepare(events), representation.prepare(seen)
    index = np.array([3, 0])
    batch, shapes = representation.batch(prepared, index), representation.shapes()
    labels = representation.labels()
    assert batch.keys() == shapes.keys() == labels.keys()
    hits = len(batch["nodes"])
    assert hits == events.hits.counts[index].sum() == len(representation.hit_index(prepared, index))
    for key, value in batch.items():
        of_edges = key.startswith(("edges", "source", "destination"))
        assert value.shape == (len(batch["source"]) if of_edges else hits, *shapes[key])
        assert value.dtype == (np.float32 if shapes[key] else np.int32)
        assert np.isfinite(value).all()
        np.testing.assert_array_equal(value, representation.batch(blind, index)[key])  # truth is not used
    assert representation.truth(prepared, index, "hit").shape == (hits, 9)
    if "source" in batch:
        truth = representation.truth(prepared, index, "edge")
        assert truth.shape == (len(batch["source"]), 2)
        assert 0 < truth[:, 0].mean() <= 1


OF_SHOWERS = [name for name in REPRESENTATIONS.names() if issubclass(REPRESENTATIONS.get(name), ShowerRepresentation)]


@pytest.mark.parametrize("name", OF_SHOWERS)
def test_representation_of_showers_gives_flat_rows_and_truth_by_name(name: str) -> None:
    representation, events = REPRESENTATIONS.build(name, HONEYCOMB, where="test"), many_showers([2, 4, 0, 3])
    prepared, blind = representation.prepare(events), representation.prepare(Events({"hits": events.hits}))
    index = np.array([3, 0])
    batch, shapes = representation.batch(prepared, index), representation.shapes()
    assert batch.keys() == shapes.keys() == representation.labels().keys()
    hits = len(batch["nodes"])
    assert 0 < hits == len(representation.hit_index(prepared, index))
    for key, value in batch.items():
        assert value.shape == (2 if key in ("volume", "image") else hits, *shapes[key])
        assert value.dtype == (np.int32 if key in ("layer", "event", "kind") else np.float32)
        assert np.isfinite(value).all()
        np.testing.assert_array_equal(value, representation.batch(blind, index)[key])  # truth is not used
    for per in ("hit", "object"):
        truth = representation.truth(prepared, index, per)
        assert truth["fraction"].shape == (hits, 3)
        assert truth["objects"].shape == (2, 3, 14)
        for key in ("energy", "event", "place"):
            np.testing.assert_array_equal(truth[key], batch[key])


@pytest.mark.parametrize("name", [name for name in REPRESENTATIONS.names() if name not in OF_TRACKS + OF_SHOWERS])
def test_representation_gives_the_shapes_it_promises(name: str, gun_events: Events, barrel: Detector) -> None:
    try:
        representation, events = REPRESENTATIONS.build(name, barrel, where="test"), gun_events
    except ConfigError:  # it needs a calorimeter of layers
        representation, events = REPRESENTATIONS.build(name, HONEYCOMB, where="test"), showers(8)
    prepared = representation.prepare(events)
    index = np.array([3, 0, 5])
    batch, shapes = representation.batch(prepared, index), representation.shapes()
    labels = representation.labels()
    assert batch.keys() == shapes.keys()
    for key, value in batch.items():
        promised, got = shapes[key], value.shape[1:]
        if "mask" in batch and key != "summary":  # points: padded to the fullest event of the batch
            assert 0 < got[0] <= promised[0]
            assert got[0] == batch["mask"].shape[1]
            promised, got = promised[1:], got[1:]
        assert got == promised
        assert value.dtype == (np.int32 if key == "neighbours" else np.float32)
        assert len(value) == 3
        assert key == "neighbours" or value.shape[-1] == len(labels[key])
        assert np.isfinite(value).all()
    again = representation.batch(prepared, index[::-1])
    for key in batch:
        np.testing.assert_array_equal(batch[key], again[key][::-1])


@pytest.mark.parametrize("name", DETECTORS.names())
def test_detector_finds_every_cell_again(name: str) -> None:
    detector = DETECTORS.build(name, where="test")
    if isinstance(detector, GridDetector):
        cell = np.unique(np.linspace(0, detector.cells - 1, 500).astype(np.int64))
        row, column = detector.grid(cell)
        assert ((row >= 0) & (row < detector.grid_shape[0]) & (column >= 0) & (column < detector.grid_shape[1])).all()
        np.testing.assert_array_equal(detector.cell_of(row, column), cell)
    elif isinstance(detector, LayeredDetector):
        random = np.random.default_rng(3)
        layer = random.integers(0, len(detector.layers), 4000)
        x, y = random.uniform(-2800, 2800, (2, 4000))
        cell = detector.cell_in(layer, x, y, random.choice([-1, 1], 4000))
        np.testing.assert_array_equal(detector.layer(cell[cell >= 0]), layer[cell >= 0])
        cell = np.unique(cell[cell >= 0])
        assert set(detector.layer(cell)) == set(range(len(detector.layers)))
    elif isinstance(detector, TrackerDetector):
        cell = np.unique(detector.modules.number[:: max(len(detector.modules) // 4000, 1)])
    else:  # no lattice
        assert detector.is_cell(np.array([-1, 0])).tolist() == [False, True]
        return
    assert detector.is_cell(cell).all()
    assert not detector.is_cell(np.array([-1, np.iinfo(np.int64).max])).any()
    np.testing.assert_array_equal(detector.cell_at(detector.position(cell)), cell)
    around = detector.neighbours(cell)
    for beside in around.T:
        here = beside >= 0
        assert detector.is_cell(beside[here]).all()
        assert (detector.neighbours(beside[here]) == cell[here, None]).any(axis=1).all()
