"""Settings of networks with attention."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hitforge.models import MODELS
from hitforge.models._attention import AttentionConfig

USERS = [name for name in MODELS.names() if issubclass(MODELS.get(name).Config, AttentionConfig)]


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    assert AttentionConfig(width=12, heads=4).width == 12
    with pytest.raises(ValidationError, match="multiple of heads, but 10 is none of 4"):
        AttentionConfig(width=10, heads=4)


def test_networks_that_share_it_refuse_it_too() -> None:
    assert {"particle_transformer", "vision_transformer", "window_transformer", "hit_transformer"} <= set(USERS)
    for name in USERS:
        with pytest.raises(ValidationError, match="multiple of heads"):
            MODELS.get(name).Config(width=65, heads=4)
