"""The scan of a classical algorithm: profiles through the best settings, and what is said of edges."""

from __future__ import annotations

import json
from dataclasses import replace

from hitforge.report.parts.tuning import RULE, profiles
from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw, method, results, section, texts_of

SCAN = {
    "objective": "technical efficiency",
    "events": 20,
    "best": {"chi2": 15, "max_holes": 2, "middle": [32, 300]},
    "value": 0.99,
    "edges": [],
    "settled": True,
    "tried": [
        {"settings": {"chi2": 15, "max_holes": None, "middle": [32, 300]}, "value": 0.97, "excess": 0.01},
        {"settings": {"chi2": 15, "max_holes": 2, "middle": [32, 300]}, "value": 0.99, "excess": 0.0},
        {"settings": {"chi2": 10, "max_holes": 2, "middle": [32, 300]}, "value": 0.98, "excess": 0.0},
        {"settings": {"chi2": 25, "max_holes": 2, "middle": [32, 300]}, "value": 0.985, "excess": 0.0},
        {"settings": {"chi2": 25, "max_holes": 1, "middle": [32, 300]}, "value": 0.5, "excess": 0.0},
    ],
}


def _tuned(**changed):
    return replace(method("filter"), kind="baseline", record={"scan": {**SCAN, **changed}})


def test_profiles_go_through_the_best_settings_alone() -> None:
    assert profiles(SCAN) == {
        "chi2": [(10, 0.98, 0.0), (15, 0.99, 0.0), (25, 0.985, 0.0)],
        "max_holes": [(2, 0.99, 0.0), (None, 0.97, 0.01)],
    }


def test_each_setting_has_a_panel() -> None:
    (one,) = draw("tuning", results([method("network"), _tuned()]))["tuning"]
    right, left = one.axes  # what matters most first
    assert [label.get_text() for label in left.get_xticklabels()] == ["10", "15", "25"]
    assert [label.get_text() for label in right.get_xticklabels()] == ["2", "any"]
    assert left.get_lines()[0].get_ydata().tolist() == [0.98, 0.99, 0.985]
    assert "x" in [line.get_marker() for line in right.get_lines()]
    assert one.alt.startswith("Scan of filter: technical efficiency. max holes 2: 0.99, any: 0.97; chi2 10: 0.98, ")
    assert texts_of(left) == []


def test_the_note_says_what_was_chosen_and_where_the_scan_was_too_short() -> None:
    (part,) = section("tuning").subsections(results([_tuned()]))
    assert part.note == (
        "filter: 5 combinations on 20 training events, judged by technical efficiency; chosen: chi2 15, max holes 2, "
        f"middle 32 to 300. {RULE}"
    )
    (part,) = section("tuning").subsections(results([_tuned(edges=["max_holes"], settled=False)]))
    assert "On the edge of what was tried, so that a wider scan might find better: max holes." in part.note
    assert "The search ended before it had settled." in part.note


def test_nothing_is_said_where_nothing_was_tuned(tmp_path) -> None:
    assert draw("tuning", BARE) == {}
    (part,) = section("tuning").subsections(BARE)
    assert part.note == ""


def test_the_record_is_read_from_the_run(tmp_path) -> None:
    home = tmp_path / "baselines" / "filter"
    home.mkdir(parents=True)
    (home / "record.json").write_text(json.dumps({"scan": SCAN}))
    entry = {"label": "filter", "kind": "baseline", "path": "baselines/filter"}
    (tmp_path / "methods.json").write_text(json.dumps([entry]))
    assert read_run(tmp_path).methods[0].record["scan"]["events"] == 20


def test_what_is_not_drawn_is_said() -> None:
    best = {f"s{k}": 1 for k in range(14)}
    tried = [{"settings": best, "value": 0.9, "excess": 0.0}]
    tried += [{"settings": {**best, f"s{k}": 2}, "value": 0.9 - 0.01 * k, "excess": 0.0} for k in range(14)]
    (one,) = draw("tuning", results([_tuned(best=best, tried=tried)]))["tuning"]
    assert [axes.get_xlabel() for axes in one.axes] == [f"s{k}" for k in range(13, 1, -1)]
    assert one.caption.endswith("Crosses exceed a bound. 2 settings that matter less are in record.json.")
