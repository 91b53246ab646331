"""Which particles are to be found as showers."""

from __future__ import annotations

import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.objects import Candidates
from hitforge.objects.shower.target import ShowerTarget
from tests.shower_events import event, found
from tests.targets import target


def test_usual_and_impossible_settings() -> None:
    assert ShowerTarget().min_deposited == 3.0
    for value in (-0.1, 1e5):
        with pytest.raises(ConfigError, match="min_deposited"):
            ShowerTarget.read({"min_deposited": value}, "test")


@pytest.mark.parametrize(("least", "particles"), [(0.0, [0, 1]), (3.0, [0, 1]), (3.5, [1]), (6.0, [1]), (6.1, [])])
def test_particles_must_have_deposited_as_much(least: float, particles: list[int]) -> None:
    kind = target("shower", DETECTORS.build("hgcal", where="test"), min_deposited=least)
    sample = event([(3.0, {0: 1.0}), (6.0, {1: 1.0})])
    tables = kind.match(sample, Candidates(*found([{0: 1.0}])), None)
    assert tables["particles"]["particle"].tolist() == particles
