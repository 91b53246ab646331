from __future__ import annotations

import base64
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.metrics import METRICS, Predictions
from hitforge.report import figures_regression as figures
from hitforge.report.page import write_report
from hitforge.report.results import Contestant, RunResults, read_run
from hitforge.report.style import Picture, look

LABELS = ("graph $network_1", "weighted sum")
METHODS = ("energy_resolution", "position_resolution", "direction_resolution")


def predictions(worse: float) -> Predictions:
    random = np.random.default_rng(1)
    count = 1500
    energy = random.uniform(5, 300, count)
    columns = {"true_energy": energy}
    columns["predicted_energy"] = energy * (1 + worse * random.normal(0, 0.2, count) / np.sqrt(energy))
    for axis in "xyz":
        columns[f"true_barycentre_{axis}"] = random.normal(100, 50, count)
        columns[f"predicted_barycentre_{axis}"] = columns[f"true_barycentre_{axis}"] + random.normal(0, worse, count)
        columns[f"true_direction_{axis}"] = np.full(count, float(axis == "z"))
        columns[f"predicted_direction_{axis}"] = columns[f"true_direction_{axis}"] + random.normal(0, 0.01, count)
    return Predictions(columns)


def make_run(folder: Path) -> Path:
    samples = [predictions(worse) for worse in (1.0, 1.5)]
    for path, sample in zip((".", "baselines/sum"), samples, strict=True):
        values: dict[str, Any] = {}
        tables: dict[str, Any] = {}
        for name in METHODS:
            result = METRICS.build({"name": name, "replicas": 100}, where="test").compute(sample, 0)
            values |= {f"test.{key}": asdict(value) for key, value in result.values.items()}
            for key, table in result.tables.items():
                tables[key] = {column: np.asarray(data).tolist() for column, data in table.items()}
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "metrics.json").write_text(json.dumps(values))
        (folder / path / "tables.json").write_text(json.dumps(tables))
    entries = zip(LABELS, ("network", "baseline"), (".", "baselines/sum"), strict=True)
    (folder / "methods.json").write_text(
        json.dumps([{"label": label, "kind": kind, "path": path} for label, kind, path in entries])
    )
    pair = METRICS.build({"name": "energy_resolution", "replicas": 100}, where="test").compare(*samples, 0)
    values = {key: asdict(value) for key, value in pair.values.items()}
    (folder / "comparison.json").write_text(json.dumps([{"first": LABELS[0], "second": LABELS[1], "values": values}]))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("regression")))


def drawn(picture: Picture | None) -> str:
    assert picture is not None
    kind, _, code = picture.source.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert picture.alt
    return base64.b64decode(code).decode()


def test_headline_is_in_percent_and_centimetres(run: RunResults) -> None:
    table = figures.headline_table(run.contestants)
    assert table is not None
    assert table["columns"][0] == "energy, relative error [%]"
    assert "barycentre z [cm]" in table["columns"]
    assert table["n"] == 1500
    for one, values in table["rows"]:
        assert values[0]["value"] == pytest.approx(100 * one.metric("energy_error")["value"])
        place = table["columns"].index("barycentre x [cm]")
        assert values[place]["value"] == pytest.approx(0.1 * one.metric("barycentre_x_error")["value"])
        assert values[place]["low"] < values[place]["value"] < values[place]["high"]
    assert figures.headline_table(()) is None


NAMES = ("resolution", "response", "errors", "position", "direction", "predictions")


@pytest.mark.parametrize("name", NAMES)
def test_each_picture_is_drawn_and_left_out_without_its_table(run: RunResults, name: str) -> None:
    with look():
        svg = drawn(getattr(figures, name)(run.contestants))
        assert getattr(figures, name)([Contestant("bare", "network", {}, {}, {})]) is None
    assert svg.count("<path") > 20
    assert "nan" not in svg.lower().replace("nance", "")


def test_a_second_method_adds_to_each_picture(run: RunResults) -> None:
    with look():
        for name in ("response", "direction"):
            draw = getattr(figures, name)
            assert len(drawn(draw(run.contestants))) > len(drawn(draw(run.contestants[:1])))


def test_ratios_in_bins_are_drawn_and_not_listed(run: RunResults, tmp_path: Path) -> None:
    assert figures.is_bin_ratio("energy_sigma68_ratio_5_10")
    assert figures.is_bin_ratio("energy_sigma68_ratio_0.5_1e+03")
    assert not figures.is_bin_ratio("energy_error_difference")
    with look():
        (picture,) = figures.paired(run.comparisons, run.contestants)
        drawn(picture)
        assert figures.paired([], run.contestants) == []
    text = write_report(run.folder).read_text(encoding="utf-8")
    assert "energy_error_difference" in text
    assert "energy_sigma68_ratio" not in text
    for key in ("resolution", "response", "errors", "position", "direction", "predictions", "ratios"):
        assert f'<section id="{key}">' in text
    for key in ("roc", "scores", "confusion", "class_roc"):
        assert f'<section id="{key}">' not in text
    assert "1,500 test events, the same for every method" in text


def test_roc_by_class_needs_three_classes() -> None:
    random = np.random.default_rng(1)
    classes = ("electron", "photon", "pion")
    target = random.integers(0, 3, 600)
    score = np.eye(3)[target] + random.exponential(0.5, (600, 3))
    score /= score.sum(axis=1, keepdims=True)
    columns = {"target": target} | {f"score_{name}": score[:, i] for i, name in enumerate(classes)}
    result = METRICS.build({"name": "class_roc", "replicas": 100}, where="test").compute(
        Predictions(columns, classes, 0), 0
    )
    values = {f"test.{key}": asdict(value) for key, value in result.values.items()}
    one = Contestant("network", "network", values, result.tables, {})
    two = {name: result.tables[name] for name in list(result.tables)[:2]}
    with look():
        drawn(figures.class_roc([one]))
        assert figures.class_roc([Contestant("network", "network", values, two, {})]) is None
