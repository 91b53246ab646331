"""The particle transformer: its bias of pairs, padding and order."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.points.particle_transformer import pair_numbers
from tests.models.points.points import INPUTS, assert_empty_events_are_finite, assert_points_model, events, network

TRANSFORMER = {"name": "particle_transformer", "width": 8, "heads": 2, "blocks": 2, "pair": 6}


@pytest.mark.parametrize(
    ("kind", "without"),
    [({}, ()), ({}, ("neighbours", "summary")), ({"class_blocks": 2, "expansion": 1.0}, ("neighbours",))],
)
def test_padding_and_order_do_not_matter_and_everything_learns(kind: dict[str, Any], without: tuple[str, ...]) -> None:
    assert_points_model({**TRANSFORMER, **kind}, without)


def test_without_the_bias_no_momenta_are_asked_for() -> None:
    module = network({**TRANSFORMER, "pair": 0}, without=("momentum",))
    assert module(**events(without=("momentum",))).shape == (6, 3)


def test_empty_events_give_finite_outputs() -> None:
    assert_empty_events_are_finite(TRANSFORMER)


def test_numbers_of_a_pair_are_those_of_the_paper() -> None:
    """Equation 3 of arXiv 2202.03772 for two massless particles, across the turn of the azimuth."""
    pt, eta, phi = (3.0, 7.0), (0.4, -0.2), (3.1, -3.0)
    rows = [
        [p * math.cos(f), p * math.sin(f), p * math.sinh(e), p * math.cosh(e)]
        for p, e, f in zip(pt, eta, phi, strict=True)
    ]
    found = pair_numbers(torch.tensor([rows], dtype=torch.float64))[0]  # (2, 2, 4)
    turn = 2 * math.pi - 6.1
    distance = math.hypot(0.6, turn)
    square = 2 * 3.0 * 7.0 * (math.cosh(0.6) - math.cos(turn))
    expected = [math.log(value) for value in (distance, 3.0 * distance, 3.0 / 10.0, square)]
    torch.testing.assert_close(found[0, 1], torch.tensor(expected), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[1, 0], found[0, 1])
    assert found.isfinite().all()
    assert pair_numbers(torch.zeros(1, 3, 4)).isfinite().all()  # padding


def test_settings_that_do_not_fit_are_refused() -> None:
    without = {name: shape for name, shape in INPUTS.items() if name != "momentum"}
    with pytest.raises(ConfigError, match=r"needs the momentum.*'constituents'.*model.pair to 0"):
        MODELS.build(TRANSFORMER, where="test").check(without)
    with pytest.raises(ConfigError, match="multiple of heads"):
        MODELS.build({**TRANSFORMER, "heads": 3}, where="test")
    with pytest.raises(ConfigError, match="takes points"):
        MODELS.build(TRANSFORMER, where="test").check({"image": (8, 8, 1)})
