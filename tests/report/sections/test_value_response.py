"""What the report says of a number: a table, a sentence, response and width, answers."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from hitforge.metrics import METRICS, Predictions
from hitforge.report.results import RunResults, read_run
from tests.report.drawing import BARE, draw, points_of, section

LABELS = ("cloud", "soft drop")


def predictions(worse: float) -> Predictions:
    random = np.random.default_rng(1)
    true = random.uniform(50, 200, 3000)
    predicted = true * (1 + 0.1 * worse * random.normal(size=3000))
    return Predictions({"true_mass": true, "predicted_mass": np.abs(predicted), "pt": random.uniform(400, 600, 3000)})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    folder = tmp_path_factory.mktemp("value")
    metric = METRICS.build({"name": "value_response", "replicas": 60}, where="test")
    samples = [predictions(worse) for worse in (1.0, 1.5)]
    paths = (".", "baselines/mass")
    for path, sample in zip(paths, samples, strict=True):
        result = metric.compute(sample, 0)
        tables = {key: {of: np.asarray(v).tolist() for of, v in table.items()} for key, table in result.tables.items()}
        (folder / path).mkdir(parents=True, exist_ok=True)
        values = {f"test.{key}": asdict(value) for key, value in result.values.items()}
        (folder / path / "metrics.json").write_text(json.dumps(values))
        (folder / path / "tables.json").write_text(json.dumps(tables))
    kinds = zip(LABELS, ("network", "baseline"), paths, strict=True)
    methods = [{"label": label, "kind": kind, "path": path} for label, kind, path in kinds]
    (folder / "methods.json").write_text(json.dumps(methods))
    (folder / "recipe.yaml").write_text("task: {name: regress, quantity: mass, unit: GeV}\n")
    paired = {key: asdict(value) for key, value in metric.compare(*samples, 0).values.items()}
    (folder / "comparison.json").write_text(json.dumps([{"first": LABELS[0], "second": LABELS[1], "values": paired}]))
    return read_run(Path(folder))


def test_nothing_measured_draws_nothing() -> None:
    assert draw("value_response", BARE) == {}
    assert section("value_response").headline(BARE) is None
    assert section("value_response").answer(BARE) is None


def test_response_and_width_stand_beside_each_other(run: RunResults) -> None:
    drawn = draw("value_response", run)
    assert set(drawn) == {"value-bins", "value-pt", "value-error", "value-answers"}
    (one,) = drawn["value-bins"]
    assert one.axes[0].get_xlabel() == "true mass [GeV]"
    for axes, column, factor in zip(one.axes, ("response", "sigma68"), (1, 100), strict=True):
        for method, (x, y) in zip(run.methods, points_of(axes).values(), strict=True):
            table = method.table("value_response.bins")
            np.testing.assert_allclose(x, table["centre"])
            np.testing.assert_allclose(y, factor * table[column])


def test_answers_lie_about_the_diagonal(run: RunResults) -> None:
    (one,) = draw("value_response", run)["value-answers"]
    assert len(one.axes) == 2
    for axes in one.axes:
        assert axes.get_xlim() == axes.get_ylim()
        assert axes.get_xlim()[1] == pytest.approx(1.3 * 200, rel=0.01)
    assert "correlation 0.9" in one.alt
    assert re.search(r"Beyond the axes lie \d+ answers", one.caption)


def test_the_sentence_says_the_error_and_who_is_better(run: RunResults) -> None:
    text = str(section("value_response").answer(run))
    assert "<b>cloud</b> finds the mass with a mean absolute relative error of" in text
    assert "flat within" in text
    assert "soft drop" in text
    headline = section("value_response").headline(run)
    assert headline is not None
    assert [title for _, title, _ in headline.columns] == [
        "mass, relative error [%]", "mass, error [GeV]", "mass, σ68 [%]", "largest |response − 1| [%]", "slope",
    ]  # fmt: skip
