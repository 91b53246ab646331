"""What metrics leave open is chosen on validation events, once, and stays with the answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import RunError
from hitforge.core.progress import Progress
from hitforge.metrics import METRICS, Predictions
from hitforge.runs.chosen import choose, read_chosen
from hitforge.runs.measure import write_predictions
from tests.shower_tables import Sample
from tests.targets import target


def test_it_is_kept_with_the_answers(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="whole predictions"):
        read_chosen(tmp_path)
    answers = Sample().event().particle().predictions()
    write_predictions(tmp_path, answers)
    assert read_chosen(tmp_path) == {}
    write_predictions(tmp_path, replace(answers, chosen={"shower_efficiency.min_score": 0.25}))
    assert read_chosen(tmp_path) == {"shower_efficiency.min_score": 0.25}


def test_the_cut_of_validation_events_holds_on_test_events() -> None:
    sample = Sample().event().particle().shower(0.9, (0, 40.0)).shower(0.3)
    metric = METRICS.build("shower_efficiency", target("shower"), where="test")
    own = metric.compute(sample.predictions(), 0).values
    assert own["score_cut"].value == 0.9
    assert "greatest F1 on these events" in own["fake_rate"].definition
    brought = replace(sample.predictions(), chosen={"shower_efficiency.min_score": 0.2})
    values = metric.compute(brought, 0).values
    assert (values["score_cut"].value, values["fake_rate"].value) == (0.2, 0.5)
    assert "greatest F1 on validation events" in values["fake_rate"].definition
    away = metric.compare(sample.predictions(), brought, 0).values
    assert away["fake_rate_difference"].value == -0.5
    assert metric.settled(brought).config.min_score == 0.2
    fixed = METRICS.build({"name": "shower_efficiency", "min_score": 0.5}, target("shower"), where="test")
    assert fixed.settled(brought) is fixed


class Held:
    """A sample with validation events, and a method that answered them."""

    def __init__(self, validation: Predictions, events: int) -> None:
        self.validation, self.events, self.asked = validation, events, 0

    def count(self, split: str) -> int:
        return self.events

    def read(self, split: str, columns: set[str]) -> Any:
        return iter([type("Block", (), {"collections": {"links": None}})()])

    def predictions(self, dataset: Any, split: str, *_: Any) -> Predictions:
        self.asked += 1
        assert split == "validation"
        return self.validation


def test_what_metrics_leave_open_is_chosen_on_validation_events() -> None:
    sample = Sample().event().particle().particle()
    sample.shower(0.9, (0, 40.0)).shower(0.6, (1, 40.0)).shower(0.4)
    held = Held(sample.predictions(), 1)
    metrics = tuple(
        METRICS.build(one, target("shower"), where="test")
        for one in ("average_precision", "shower_efficiency", {"name": "shower_response", "min_score": 0.2})
    )
    method: Any = held
    assert choose(method, metrics, method, Progress()) == {"shower_efficiency.min_score": 0.6}
    assert held.asked == 1
    assert choose(method, metrics[2:], method, Progress()) == {}
    assert choose(method, metrics, Held(sample.predictions(), 0), Progress()) == {}  # type: ignore[arg-type]
    assert held.asked == 1
