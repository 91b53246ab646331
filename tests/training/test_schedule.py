"""Learning rates against their closed forms."""

from __future__ import annotations

from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.training import TrainingConfig
from hitforge.training._schedule import average_decay, learning_rate


def config(**values: object) -> TrainingConfig:
    return TrainingConfig.read({"lr": 0.1, "warmup": 0.2, **values}, where="test")


def test_one_cycle_starts_peaks_and_ends() -> None:
    one = config(schedule="one_cycle")
    assert learning_rate(one, 0, 100) == pytest.approx(0.1 / 25)
    assert learning_rate(one, 10, 100) == pytest.approx((0.1 + 0.1 / 25) / 2)
    assert learning_rate(one, 20, 100) == pytest.approx(0.1)
    assert learning_rate(one, 99, 100) == pytest.approx(1e-5)


@pytest.mark.parametrize("step", [20, 37, 60, 99])
def test_cosine_is_half_a_cosine_behind_the_warm_up(step: int) -> None:
    expected = 0.1 * (1 + cos(pi * (step - 20) / 80)) / 2
    assert learning_rate(config(schedule="cosine"), step, 100) == pytest.approx(expected)


def test_the_warm_up_is_linear_and_a_constant_stays() -> None:
    constant = config(schedule="constant")
    assert [learning_rate(constant, step, 20) for step in range(6)] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1])
    assert learning_rate(config(schedule="constant", warmup=0.0), 0, 20) == 0.1


@given(
    schedule=st.sampled_from(["one_cycle", "cosine", "constant"]),
    warmup=st.floats(0, 0.99),
    total=st.integers(1, 300),
    data=st.data(),
)
def test_rates_lie_between_zero_and_the_highest(schedule: str, warmup: float, total: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, total - 1))
    assert 0 < learning_rate(config(schedule=schedule, warmup=warmup), step, total) <= 0.1 * (1 + 1e-12)


def test_the_average_forgets_its_start() -> None:
    averaging = config(average=0.99)
    assert average_decay(averaging, 0) == 0.1
    assert average_decay(averaging, 90) == 0.91
    assert average_decay(averaging, 10_000) == 0.99
