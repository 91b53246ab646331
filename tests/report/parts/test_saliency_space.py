from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from hitforge.report.figures_space import saliency

from hitforge.report.page import write_report
from hitforge.report.results import read_run
from hitforge.report.style import look


def maps(events: int = 5, rows: int = 40) -> dict[str, np.ndarray]:
    """Rows of some events; the last one has none."""
    random = np.random.default_rng(0)
    event = np.repeat(np.arange(events - 1), rows)
    found = {name: random.normal(0, 1, len(event)) for name in ("x", "y", "depth", "gradient", "integrated")}
    return {"chosen": 10 + np.arange(events), "event": event, "size": random.random(len(event)), **found}


def svg(source: str) -> str:
    return base64.b64decode(source.partition(",")[2]).decode()


def test_first_middle_and_last_event_are_drawn() -> None:
    with look():
        (one,) = saliency(maps())
    text = svg(one.source)
    assert all(f"<!-- event {number} -->" in text or f">event {number}<" in text for number in (10, 12, 14))
    assert "event 11" not in text
    assert "integrated gradient" in text
    assert "raise what is explained" in one.caption


def test_one_event_and_answers_that_nothing_moves_are_drawn() -> None:
    one = maps(2)
    with look():
        assert (
            len(saliency({**one, "chosen": one["chosen"][:1], "integrated": 0 * one["x"], "size": 0 * one["x"]})) == 1
        )


@pytest.mark.parametrize("empty", [{}, {"chosen": np.zeros(0)}, {"chosen": np.array([3]), "event": np.zeros(0)}])
def test_nothing_to_show_is_no_picture(empty: dict[str, np.ndarray]) -> None:
    assert saliency(empty) == []


def test_page_has_the_section_where_the_run_has_the_file(tmp_path: Path) -> None:
    assert 'id="saliency_space"' not in write_report(tmp_path).read_text(encoding="utf-8")
    np.savez(tmp_path / "saliency_space.npz", **maps())
    np.testing.assert_array_equal(read_run(tmp_path).saliency_space["chosen"], 10 + np.arange(5))
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert 'id="saliency_space"' in page
    assert "Saliency in depth" in page
