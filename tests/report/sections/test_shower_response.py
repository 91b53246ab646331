from __future__ import annotations

import base64

import numpy as np
import pytest
from tests.report.shower_run import LABELS, make_run

from hitforge.report import figures_showers as figures
from hitforge.report.page import write_report
from hitforge.report.results import MethodResult, RunResults, read_run
from hitforge.report.style import Picture, look

BARE = [MethodResult("bare", "network", {}, {}, {})]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("showers"), 40))


def drawn(picture: Picture | None) -> str:
    assert picture is not None
    assert picture.alt
    assert picture.caption
    return base64.b64decode(picture.source.partition(",")[2]).decode()


def test_headline_is_in_percent(run: RunResults) -> None:
    table = figures.headline_table(run.methods)
    assert table is not None
    assert table["columns"][:3] == [f"AP at IoU {iou} [%]" for iou in (0.3, 0.5, 0.7)]
    (one, first), (_, second) = table["rows"]
    assert first[1]["value"] == pytest.approx(100 * one.metric("ap_50")["value"])
    assert first[1]["value"] > second[1]["value"]
    assert figures.headline_table(BARE) is None


def test_average_precision(run: RunResults) -> None:
    with look():
        curve = figures.precision_recall(run.methods)
        alone = figures.precision_recall(run.methods[:1])
        bars, bins = figures.average_precisions(run.methods)
        assert figures.precision_recall(BARE) is None
        assert figures.average_precisions(BARE) == []
    assert drawn(curve) != drawn(alone)
    assert "IoU of 0.5" in curve.caption
    assert drawn(bars).count("<path") > 30
    assert drawn(bins).count("<path") > 30


def test_rates_tell_their_definition(run: RunResults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_OF_PARTICLE", {name: figures._OF_PARTICLE[name] for name in ("energy", "nearest")})
    with look():
        pictures = figures.rates(run.methods)
        assert figures.rates(BARE) == []
    titles = ["Efficiency", "Merged particles", "Split particles", "Fake showers", "Showers without match"]
    titles.append("Showers that merge")
    assert [one.alt for one in pictures] == [f"{title} by method" for title in titles]
    assert all("energy-weighted IoU" in one.caption for one in pictures)
    assert "nan" not in drawn(pictures[0]).lower()


def test_response_pairs_and_classes(run: RunResults) -> None:
    with look():
        (response,) = figures.response(run.methods)
        curves, table = figures.pairs(run.methods)
        classes = figures.confusion(run.methods)
        assert figures.response(BARE) == figures.pairs(BARE) == []
        assert figures.confusion(BARE) is None
    for one in (response, curves, table, classes):
        assert drawn(one).count("<path") > 20


def test_a_method_that_does_not_know_the_class_is_not_in_the_confusion(run: RunResults) -> None:
    table = run.methods[0].table("shower_response.confusion")
    unknown = {**table, "count": np.where(table["said"] == 2, 9, 0)}
    with look():
        assert figures.confusion([MethodResult("a", "baseline", {}, {"shower_response.confusion": unknown}, {})]) is None


def test_bins_of_several_methods_are_one_grid() -> None:
    tables = [{"low": np.array([0.0, 20.0]), "high": np.array([20.0, 30.0])}, {"low": np.array([10.0]),
              "high": np.array([20.0])}]  # fmt: skip
    assert figures._bins(tables, "low", "high") == [(0.0, 20.0), (10.0, 20.0), (20.0, 30.0)]


def test_report_has_each_section_and_links_to_the_events_of_each_method(
    run: RunResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "_OF_PARTICLE", {name: figures._OF_PARTICLE[name] for name in ("energy", "nearest")})
    text = write_report(run.folder).read_text(encoding="utf-8")
    for key in ("precision", "showers", "shower_response", "pairs", "shower_kinds", "events"):
        assert f'<section id="{key}">' in text
    assert f'<a href="showers.html">{LABELS[0]}</a>' in text
    assert f'<a href="baselines/clue/showers.html">{LABELS[1]}</a>' in text
    for path in ("showers.html", "baselines/clue/showers.html"):
        assert "Plotly.newPlot" in (run.folder / path).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "AP at IoU 0.5 [%]" in text
