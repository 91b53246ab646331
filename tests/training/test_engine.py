"""Each engine that a recipe can name exists and keeps the contract."""

from __future__ import annotations

import importlib
from typing import get_args

import pytest

from hitforge.training.config import TrainingConfig
from hitforge.training.engine import ENGINES, Engine


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
