"""Every registered plug-in, found by itself: it has a text, typed settings, and does what its room promises."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hitforge
from hitforge.core.config import Config
from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.models import MODELS
from hitforge.representations import REPRESENTATIONS
from hitforge.training.catalogue import REGISTRIES, settings_of, summary

ALL = [(room, name) for room, registry in REGISTRIES.items() for name in registry.names()]
ROOT = Path(hitforge.__file__).parent
TORCH_ROOMS = {"models", "tasks", "training", "tuning", "deploy"}


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
    tree = ast.parse((ROOT.joinpath(*room.split(".")) / f"{name}.py").read_text(encoding="utf-8"))
    public = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    base = REGISTRIES[room].base
    assert sum(issubclass(getattr(sys.modules[f"hitforge.{room}.{name}"], item), base) for item in public) == 1


def test_every_plugin_name_is_unique_among_sources() -> None:
    assert not set(REGISTRIES["simulation"].names()) & set(REGISTRIES["readers"].names())


def test_unknown_plugin_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'residual'"):
        MODELS.get("residal")


def test_only_these_rooms_import_a_framework_at_module_level() -> None:
    for path in ROOT.rglob("*.py"):
        room = path.relative_to(ROOT).parts[0]
        if room in TORCH_ROOMS:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            assert not re.search(r"\b(torch|keras|tensorflow|lightning)\b", ast.unparse(node)) or not isinstance(
                node, ast.Import | ast.ImportFrom
            ), path


def test_import_and_listing_load_no_framework() -> None:
    code = (
        "import sys, hitforge.cli\n"
        "from hitforge.training.catalogue import REGISTRIES, summary\n"
        "[summary(r, n) for r in REGISTRIES.values() for n in r.names()]\n"
        "print(sorted({'torch', 'keras', 'tensorflow', 'lightning', 'matplotlib', 'acts'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_files_are_small() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in ROOT.rglob("*.py")}
    assert not {str(path): count for path, count in lengths.items() if count > 500}


@pytest.mark.parametrize("name", MODELS.names())
def test_model_runs_forward_and_backward_and_keeps_events_apart(name: str) -> None:
    import torch

    torch.manual_seed(1)
    model = MODELS.build(name, where="test")
    inputs = {"image": (32, 32, 2)}
    model.check(inputs)
    if "torch" not in model.engines():
        pytest.skip(f"{name} has no PyTorch network")
    network = model.torch(inputs, 3).eval()
    image = torch.randn(5, 2, 32, 32).contiguous(memory_format=torch.channels_last)
    outputs = network(image=image)
    assert outputs.shape == (5, 3)
    alone = network(image=image[2:3])
    np.testing.assert_allclose(outputs[2].detach(), alone[0].detach(), rtol=1e-3, atol=1e-4)
    outputs.square().sum().backward()
    without = [key for key, value in network.named_parameters() if value.requires_grad and value.grad is None]
    assert not without


@pytest.mark.parametrize("name", REPRESENTATIONS.names())
def test_representation_gives_the_shapes_it_promises(name: str, gun_events: object, barrel: object) -> None:
    representation = REPRESENTATIONS.build(name, barrel, where="test")
    prepared = representation.prepare(gun_events)  # type: ignore[arg-type]
    index = np.array([3, 0, 5])
    batch = representation.batch(prepared, index)
    assert {key: value.shape[1:] for key, value in batch.items()} == representation.shapes()
    labels = representation.labels()
    for key, value in batch.items():
        assert value.dtype == np.float32
        assert len(value) == 3
        assert value.shape[-1] == len(labels[key])
        assert np.isfinite(value).all()
    again = representation.batch(prepared, index[::-1])
    for key in batch:
        np.testing.assert_array_equal(batch[key], again[key][::-1])


@pytest.mark.parametrize("name", DETECTORS.names())
def test_detector_finds_every_cell_again(name: str) -> None:
    detector = DETECTORS.build(name, where="test")
    cell = np.unique(np.linspace(0, detector.cells - 1, 500).astype(np.int64))
    row, column = detector.grid(cell)
    assert ((row >= 0) & (row < detector.grid_shape[0]) & (column >= 0) & (column < detector.grid_shape[1])).all()
    np.testing.assert_array_equal(detector.cell_of(row, column), cell)
    np.testing.assert_array_equal(detector.cell_at(detector.position(cell)), cell)
    around = detector.neighbours(cell)
    back = detector.neighbours(np.maximum(around[:, 0], 0))
    assert ((back == cell[:, None]).any(1) | (around[:, 0] < 0)).all()
