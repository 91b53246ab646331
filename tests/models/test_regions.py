"""Checks that the networks of regions share."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

HITS = {"nodes": (6,), "place": (3,), "energy": (), "event": ()}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"widths": [4, 4], "anchors": [[[2, 2, 2]]] * 3}, "anchors for 3 stages, but 2 widths"),
        ({"anchors": [[[2, 2, 2], [2, 2]]]}, "as many sides"),
        ({"widths": [4, 4], "finest": 2, "anchors": [[[2, 2, 2]]]}, "finest must be below the number of widths, 2"),
        ({"anchors": [[[2, 2, 0]]]}, "greater than 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS.build({"name": "two_stage_detector", **more}, where="test")


@pytest.mark.parametrize(
    ("shape", "more", "message"),
    [
        (None, {}, "takes one volume with 3 axes"),
        ((8, 8, 2), {}, "takes one volume with 3 axes"),
        ((8, 8, 3, 2), {}, "3 stages need at least 4 cells"),
        ((8, 8, 8, 2), {"anchors": [[[4, 2]]]}, "an anchor of the model 'two_stage_detector' has 3 sides"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(shape: Any, more: dict[str, Any], message: str) -> None:
    model = MODELS.build({"name": "two_stage_detector", **more}, where="test")
    inputs = {**HITS, "volume": shape} if shape else HITS
    with pytest.raises(ConfigError, match=message):
        model.check(inputs)
