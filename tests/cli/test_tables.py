"""Tables of the terminal: they fit, and print what stands in brackets."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from hitforge.cli._tables import print_dataset, print_summary
from hitforge.core.errors import DataError, RunError


def number(value: float, metric: str) -> dict[str, object]:
    return {"value": value, "low": value - 0.003, "high": value + 0.003, "definition": f"{metric} v1: x", "n": 9}


@pytest.fixture
def run_of_many(tmp_path: Path) -> Path:
    """Thirteen networks."""
    methods = [{"label": f"network [{i}] of a long name", "name": str(i), "path": f"compare/{i}"} for i in range(13)]
    methods[0]["path"] = "."
    for i, one in enumerate(methods):
        (tmp_path / one["path"]).mkdir(parents=True, exist_ok=True)
        metrics = {"test.roc_auc": number(0.8 + 0.001 * i, "roc_auc"), "test.accuracy": number(0.7, "confusion")}
        metrics |= {f"test.background_efficiency.at_0.{k}": number(0.1, "background_efficiency") for k in (50, 70)}
        (tmp_path / one["path"] / "metrics.json").write_text(json.dumps(metrics))
    values = {"roc_auc_difference": number(0.001, "roc_auc"), "p_value": number(0.5, "roc_auc")}
    values |= {"accuracy_difference": number(0.01, "confusion"), "auc_ratio_0": number(1.0, "x")}
    pair = {"first": methods[0]["label"], "second": methods[1]["label"], "values": values}
    (tmp_path / "methods.json").write_text(json.dumps(methods))
    (tmp_path / "comparison.json").write_text(json.dumps([pair]))
    (tmp_path / "provenance.json").write_text("{}")
    return tmp_path


def shown(folder: Path, width: int, *, full: bool = False) -> str:
    text = io.StringIO()
    print_summary(folder, full=full, console=Console(file=text, width=width, soft_wrap=True))
    return text.getvalue()


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("full", [False, True])
def test_many_methods_fit_and_no_number_is_cut(run_of_many: Path, width: int, full: bool) -> None:
    text = shown(run_of_many, width, full=full)
    tables = [line for line in text.splitlines() if line[:1] in "┏┃┡│└"]
    assert max(map(len, tables)) <= width
    assert "…" not in text
    for i in range(13):
        assert f"{0.8 + 0.001 * i:.4f} ± 0.0030" in text


def test_names_with_brackets_are_printed(run_of_many: Path) -> None:
    assert "network [3] of a long" in shown(run_of_many, 160)


def test_the_headline_is_short_and_the_rest_is_said(run_of_many: Path) -> None:
    short, full = shown(run_of_many, 80), shown(run_of_many, 160, full=True)
    assert "at_0.70" not in short
    assert "2 more numbers" in short
    assert "test.background_efficiency.at_0.70" in full
    assert "more numbers" not in full
    assert "roc_auc_difference" in short
    assert "auc_ratio_0" not in full


def test_what_is_no_run_and_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="unfinished run"):
        print_summary(tmp_path)
    with pytest.raises(DataError, match=r"dataset\.json"):
        print_dataset(tmp_path)
