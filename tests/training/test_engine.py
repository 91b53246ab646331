"""Each engine that a recipe can name exists and keeps the contract."""

from __future__ import annotations

import importlib
from typing import get_args

import pytest

from hitforge.core.errors import MissingExtraError, RunError
from hitforge.training.config import TrainingConfig
from hitforge.training.engine import ENGINES, Engine, require_engine


def test_recipes_can_name_exactly_the_engines_there_are() -> None:
    assert set(get_args(TrainingConfig.model_fields["engine"].annotation)) == set(ENGINES)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_whole(name: str) -> None:
    module, _, cls = ENGINES[name].partition(":")
    engine = getattr(importlib.import_module(module), cls)
    assert issubclass(engine, Engine)
    assert not engine.__abstractmethods__
    assert engine.framework == name


def test_the_contract_itself_cannot_be_used() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Engine(None, None, TrainingConfig(), {}, None)  # type: ignore[abstract, arg-type]


def test_what_the_machine_does_not_have_is_refused_before_a_network_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    require_engine(TrainingConfig(device="cpu", precision="fp32", devices=3))  # processes of a CPU are free
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RunError, match="PyTorch sees no GPU"):
        require_engine(TrainingConfig(device="cuda"))
    for name, value in (("is_available", True), ("device_count", 1), ("current_device", 0)):
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    with pytest.raises(RunError, match=r"training\.devices is 2.*got: 1"):
        require_engine(TrainingConfig(device="cuda", precision="fp32", devices=2))


def test_an_engine_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "no_such_backend")
    with pytest.raises(MissingExtraError, match=r"hitforge\[keras\]"):
        require_engine(TrainingConfig(engine="keras"))
