from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from tests.report.tracking_run import LABELS, make_run

from hitforge.report import figures_tracks as figures
from hitforge.report.page import write_report
from hitforge.report.results import MethodResult, RunResults, read_run
from hitforge.report.style import Picture, look


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("tracks")))


def drawn(picture: Picture | None) -> str:
    assert picture is not None
    kind, _, code = picture.source.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert picture.alt
    return base64.b64decode(code).decode()


def test_headline_is_in_percent(run: RunResults) -> None:
    table = figures.headline_table(run.methods)
    assert table is not None
    titles = ["efficiency", "technical efficiency", "fake rate", "duplicate rate", "TrackML score"]
    assert table["columns"] == [f"{name} [%]" for name in titles]
    assert "double majority" in table["note"]
    for one, values in table["rows"]:
        own = one.metric("efficiency_double_majority")
        assert values[0]["value"] == pytest.approx(100 * own["value"])
        assert values[0]["low"] < values[0]["value"] < values[0]["high"]
    first, second = (values[0]["value"] for _, values in table["rows"])
    assert first > second
    assert figures.headline_table(()) is None


def test_another_rule_is_drawn_where_the_usual_one_was_not_measured() -> None:
    value = {"value": 0.9, "low": 0.8, "high": 0.95, "definition": "of a test"}
    table = {
        "low": [0.0, 1.0],
        "high": [1.0, 2.0],
        "value": [0.9, 0.8],
        "lo": [0.8, 0.7],
        "hi": [1.0, 0.9],
        "n": [9, 9],
    }
    arrays = {name: np.array(column) for name, column in table.items()}
    one = MethodResult("one", "network", {"efficiency_lhc": value}, {"tracking_efficiency.efficiency_lhc.pt": arrays}, {})
    with look():
        (picture,) = figures.rates([one])
    assert picture.caption == "of a test; 68.3 % intervals."
    told = figures.headline_table([one])
    assert told is not None
    assert "lhc" in told["note"]


def test_rates_name_their_cuts(run: RunResults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_VARIABLES", ("eta",))
    with look():
        pictures = figures.rates(run.methods)
        assert figures.rates([MethodResult("bare", "network", {}, {}, {})]) == []
        alone = figures.rates(run.methods[:1])
    titles = ("Efficiency", "Technical efficiency", "Fake rate", "Duplicate rate")
    for one, both, title in zip(alone, pictures, titles, strict=True):
        assert both.alt == f"{title} by method against eta"
        assert "pT > 1 GeV" in both.caption
        assert "nan" not in drawn(both).lower()
        assert drawn(both) != drawn(one)
    assert ">= 9 hits" in pictures[1].caption


def test_parameters_of_tracks(run: RunResults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_PARAMETERS", {"d0": figures._PARAMETERS["d0"], "absent": ("", "", 1.0)})
    with look():
        pictures = figures.parameters(run.methods)
        assert figures.parameters([MethodResult("bare", "network", {}, {}, {})]) == []
    assert [picture.alt.partition(" of ")[0] for picture in pictures] == ["Resolution", "Pulls"]
    assert all(drawn(picture).count("<path") > 10 for picture in pictures)


def test_graph_and_stages_are_left_out_without_their_files(run: RunResults) -> None:
    with look():
        for draw in (figures.graph, figures.stages):
            assert drawn(draw(run.methods[:1])).count("<path") > 20
            assert draw([MethodResult("bare", "network", {}, {}, {})]) is None
        graph = figures.graph(run.methods)
        assert graph is not None
        assert graph.caption.endswith("In the first 40 test events.")
        without = MethodResult("a", "network", {}, {}, {}, stages={"network": {"median_ms": 5.0, "p90_ms": 6.0, "n": 3}})
        assert figures.stages([without]) is not None


def test_report_has_each_section_and_links_to_the_events_of_each_method(
    run: RunResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "_VARIABLES", ("eta",))
    monkeypatch.setattr(figures, "_PARAMETERS", {"d0": figures._PARAMETERS["d0"]})
    text = write_report(run.folder).read_text(encoding="utf-8")
    for key in ("tracks", "track_parameters", "graph", "stages", "events"):
        assert f'<section id="{key}">' in text
    assert f'<a href="tracks.html">{LABELS[0]}</a>' in text
    assert f'<a href="baselines/kalman/tracks.html">{LABELS[1]}</a>' in text
    for path in ("tracks.html", "baselines/kalman/tracks.html"):
        assert "Plotly.newPlot" in (run.folder / path).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "technical efficiency [%]" in text


def test_files_of_a_method_are_read(run: RunResults, tmp_path: Path) -> None:
    first, second = run.methods
    assert second.path == "baselines/kalman"
    assert first.stages["peak_memory_mib"] == 700.0
    assert first.graph["purity"] == 0.31
    assert second.graph == {}
    assert len(first.events["chosen"]) == 3
    assert read_run(tmp_path).methods[0].events == {}
