"""The main numbers of a run."""

from __future__ import annotations

import pytest

from hitforge.core.errors import HitforgeError
from hitforge.metrics import METRICS
from hitforge.runs.headline import headline, is_headline_difference


def defined(*names: str) -> dict[str, dict[str, str]]:
    return {
        f"test.{name}": {"definition": f"{metric} v2: words"} for metric, _, name in (n.partition(":") for n in names)
    }


def test_the_first_of_each_metric_goes_before_the_second_of_any() -> None:
    metrics = defined(
        "tracking_efficiency:technical_efficiency_standard", "tracking_efficiency:efficiency_standard",
        "tracking_efficiency:fake_rate_standard", "roc_auc:roc_auc", "unknown_here:first", "unknown_here:second",
    )  # fmt: skip
    names = ["efficiency_standard", "roc_auc", "first", "fake_rate_standard"]
    assert headline(metrics) == [f"test.{name}" for name in names]


def test_differences_of_main_numbers() -> None:
    assert is_headline_difference("roc_auc_difference", ["test.roc_auc"])
    assert is_headline_difference("p_value", [])
    assert not is_headline_difference("accuracy_difference", ["test.roc_auc"])


@pytest.mark.parametrize("name", METRICS.names())
def test_main_numbers_are_numbers_of_their_metric(name: str) -> None:
    """Where a metric says which of its numbers more is better of, its main ones are among them."""
    try:
        metric = METRICS.get(name)
    except HitforgeError:
        pytest.skip("of another package")
    if metric.better and metric.headline:
        assert all(any(known.startswith(start) for known in metric.better) for start in metric.headline)
