"""The training block: bounds, what does not fit together, and a text for each setting."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hitforge.core.errors import ConfigError
from hitforge.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"engine": "jax"}, "'torch' or 'keras'"),
        ({"epochs": 0}, "'epochs'.*but got 0"),
        ({"engine": "keras", "devices": 2}, "are PyTorch's: with engine 'keras' leave them out"),
        ({"engine": "keras", "strategy": "ddp"}, "are PyTorch's"),
        ({"devices": 2, "nodes": 2, "batch_size": 3}, "'batch_size' must be at least 4"),
        ({"batch_size": 0}, "'batch_size'"),
        ({"lr": 0}, "'lr'"),
        ({"warmup": 1}, "'warmup'"),
        ({"average": 1.0}, "'average'"),
        ({"window": 0}, "'window'"),
        ({"seed": -1}, "'seed'"),
        ({"batchsize": 8}, "did you mean 'batch_size'"),
        ({"mode": "min"}, "the key 'mode' has another name or place now: 'monitor"),
    ],
)
def test_wrong_settings_say_what_would_fit(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig.read(values, "test")


def test_settings_cannot_be_changed_and_each_has_a_text() -> None:
    config = TrainingConfig()
    with pytest.raises(ValidationError):
        config.epochs = 3  # type: ignore[misc]
    assert all(field.description for field in TrainingConfig.model_fields.values())
