from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.report.numbers import duration, measured, p_value, plain, rescaled


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.81234, 0.80951, 0.81517, "0.8123 ± 0.0028"),
        (0.31, 0.23, 0.43, "0.310 +0.120 −0.080"),
        (-0.0382, -0.0405, -0.0359, "−0.0382 ± 0.0023"),
        (0.0, 0.0, 0.011, "0.000 +0.011 −0.000"),
        (41.0, 40.0, 42.0, "41.0 ± 1.0"),
        (20000.0, 19858.0, 20142.0, "20000 ± 142"),
        (0.5, 0.5, 0.5, "0.5"),
        (None, None, None, "–"),
        (float("nan"), 0.0, 1.0, "–"),
    ],
)
def test_values_are_rounded_to_their_uncertainty(value, low, high, text):
    assert measured({"value": value, "low": low, "high": high}) == text


def test_value_without_interval_stands_alone():
    assert measured({"value": 8.2341}) == "8.234"


@given(st.floats(-1e3, 1e3), st.floats(1e-9, 1e3), st.floats(1e-9, 1e3))
def test_written_value_lies_within_rounding_of_the_true_one(value, down, up):
    text = measured({"value": value, "low": value - down, "high": value + up})
    if value - down == value + up:
        return
    first = re.match(r"−?[\d.]+", text).group().replace("−", "-")
    assert float(first) == pytest.approx(value, abs=0.06 * max(min(down, up), 1e-11) + 1e-9)


@pytest.mark.parametrize(("number", "text"), [(1234567, "1,234,567"), (3.0, "3"), (-0.12345, "−0.1235"), (0, "0")])
def test_plain(number, text):
    assert plain(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "= 1.00"),
        (0.31, "= 0.31"),
        (0.0123, "= 0.012"),
        (2.5e-5, "= 2.5 × 10⁻⁵"),
        (1e-12, "< 10⁻⁹"),
        (0.0, "< 10⁻⁹"),
    ],
)
def test_p_value(number, text):
    assert p_value(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(8.04, "8.04 s"), (612.5, "10.2 min"), (9000.0, "2.5 h")])
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_value_and_interval_in_another_unit():
    assert rescaled(None, 100.0) is None
    assert rescaled({"value": 0.5, "low": None, "n": 3}, 100.0) == {"value": 50.0, "low": None, "n": 3}
