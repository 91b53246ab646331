"""What tasks that find showers share: which showers stay, and the score in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.tasks import Objects
from hitforge.tasks._showers import SHOWER_PARAMETERS, ShowerConfig, ShowerTask
from tests.tasks.shower_hits import blobs


class Told(ShowerTask):
    """Outputs are the shares of hits in showers, all of score 1."""

    Config = ShowerConfig
    per = "hit"
    outputs = 3

    def objects(self, outputs: Array, inputs: dict[str, Array]) -> Objects:
        return self.kept(outputs, inputs["energy"], {name: np.ones(outputs.shape[1]) for name in SHOWER_PARAMETERS})

    def torch_loss(self, outputs: Any, target: Any) -> Any:
        raise NotImplementedError

    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        raise NotImplementedError


def build(**settings: float) -> Told:
    return Told(ShowerConfig.read({"min_energy": 0.0, **settings}, "test"))


ENERGY = np.array([4.0, 2.0, 1.0])
SHARE = np.array([[1.0, 0.0, 0.0], [0.5, 0.9, 0.04], [0.0, 0.0, 1.0]])
NUMBERS = {name: np.array([0.9, 0.5, 0.05]) for name in SHOWER_PARAMETERS}


def test_showers_below_a_score_or_an_energy_go_and_shares_are_at_most_one() -> None:
    kept = build().kept(SHARE, ENERGY, NUMBERS)
    assert kept.count == 2
    assert kept.member.tolist() == [0, 0, 1]
    assert kept.hit.tolist() == [0, 1, 1]
    np.testing.assert_allclose(kept.weight, [1.0, 0.5 / 1.4, 0.9 / 1.4], rtol=1e-6)
    assert kept.parameters["energy"].tolist() == pytest.approx([0.9, 0.5])
    faint = build(min_energy=1.9).kept(SHARE, ENERGY, NUMBERS)
    assert faint.count == 1
    assert faint.weight.tolist() == [1.0, 0.5]  # what goes takes nothing from the others
    assert build(min_score=0.0).kept(SHARE, ENERGY, NUMBERS).count == 3
    assert 1 in build(min_score=0.0, min_share=0.0).kept(SHARE, ENERGY, NUMBERS).hit[-2:]


def test_nothing_is_a_shower_of_nothing() -> None:
    none = build().nothing({})
    assert (none.count, len(none.hit), set(none.parameters)) == (0, 0, set(SHOWER_PARAMETERS))
    assert build().kept(np.zeros((0, 2)), np.zeros(0), {name: np.ones(2) for name in SHOWER_PARAMETERS}).count == 2


def test_the_true_shares_score_best_and_halves_half() -> None:
    _, truth = blobs(1, 3, 1)
    task = build(min_share=0.0)
    assert task.score(truth["fraction"], truth) == pytest.approx({"overlap": 1.0, "efficiency": 1.0, "fakes": 0.0})
    half = task.score(0.45 * truth["fraction"], truth)
    assert half == pytest.approx({"overlap": 0.45, "efficiency": 0.0, "fakes": 1.0}, rel=1e-5)
    none = task.score(np.zeros((len(truth["energy"]), 0), np.float32), truth)
    assert (none["overlap"], none["efficiency"], np.isnan(none["fakes"])) == (0.0, 0.0, True)


def test_the_old_name_of_the_least_energy_names_the_new_one() -> None:
    with pytest.raises(ConfigError, match=r"'target\.min_deposited'"):
        build(visible=3.0)
