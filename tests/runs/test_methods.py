"""The methods of a run answer for any events, and tell what a training monitors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.methods import Method
from hitforge.runs.folder import open_recipe
from hitforge.runs.measure import read_predictions
from hitforge.runs.methods import methods_of, network_of
from hitforge.runs.run import Session
from tests.tiny import TINY, tiny


def test_each_method_of_a_run_answers_for_any_events(finished: Path, session: Session, tmp_path: Path) -> None:
    recipe = open_recipe(finished)
    events = next(iter(session.dataset(recipe).read("test")))
    entries = methods_of(recipe, tmp_path)
    places = [("network", "."), ("baseline", "baselines/boosted_trees")]
    assert [(entry.kind, entry.path) for entry in entries] == places
    for entry in entries:
        assert isinstance(entry.method, Method)
        entry.method.load(finished / entry.path)
        answers = np.asarray(entry.method.answer(events))
        told = recipe.task.decode(answers, recipe.task.target(events))["score_electron"]
        kept = read_predictions(finished / entry.path).columns["score_electron"][: len(events)]
        np.testing.assert_allclose(told, kept, atol=1e-5)
        entry.method.save(tmp_path)


@pytest.mark.parametrize(
    ("monitor", "low", "high"), [("calibration.brier", 0.0, 1.0), ("roc_auc.roc_auc", 0.0, 1.0), ("loss", 0, 0)]
)
def test_the_monitored_number_is_among_those_of_a_batch(monitor: str, low: float, high: float, tmp_path: Path) -> None:
    network = network_of(tiny(training={**TINY["training"], "monitor": monitor}), tmp_path)
    random = np.random.default_rng(1)
    told = network.score(random.normal(size=(40, 2)).astype(np.float32), np.arange(40) % 2)
    assert set(told) == {monitor, "accuracy"} - {"loss"}
    assert low <= told.get(monitor, 0) <= high
    assert network.better == ("max" if monitor.startswith("roc") else "min")
    assert network.whole is None


def test_the_classical_algorithm_is_first_where_there_is_no_network(tmp_path: Path) -> None:
    alone = dict.fromkeys(("model", "representation"))
    recipe = tiny(**alone, evaluation={"baselines": [{"name": "boosted_trees", "rounds": 20}]})
    (entry,) = methods_of(recipe, tmp_path)
    assert entry.record == {
        "label": "boosted trees", "name": "boosted_trees", "kind": "baseline", "path": "baselines/boosted_trees",
        "axes": {},
    }  # fmt: skip
