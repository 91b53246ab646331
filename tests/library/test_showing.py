"""Bars appear in notebooks, and where they are asked for; a script stays silent."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from hitforge.library import showing
from hitforge.library.showing import NotebookBars, shown


class _Cell:
    """What IPython shows below a cell."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def display(self, what: Any, display_id: bool) -> _Handle:
        self.texts.append(what._repr_html_())
        return _Handle(self, len(self.texts) - 1)


class _Handle:
    def __init__(self, cell: _Cell, place: int) -> None:
        self._cell, self._place = cell, place

    def update(self, what: Any) -> None:
        self._cell.texts[self._place] = what._repr_html_()


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> _Cell:
    """A kernel that runs a cell."""
    one = _Cell()
    ipython, inner = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    inner.display = one.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return one


def test_a_script_is_silent_unless_it_asks(capsys: pytest.CaptureFixture[str]) -> None:
    for asked, told in ((None, ""), (False, ""), (True, "hello\n")):
        with shown(asked) as progress:
            progress.say("hello")
        assert capsys.readouterr().err == told


def test_a_notebook_has_bars_without_widgets(cell: _Cell) -> None:
    with shown(None) as progress, progress.step("training", 10, "events") as step:
        progress.say("compiling <once>")
        progress.say("compiling <once>")
        step.advance(10, "loss 0.5")
    assert isinstance(progress, NotebookBars)
    assert len(cell.texts) == 2
    assert "compiling &lt;once&gt;" in "".join(cell.texts)
    with shown(False) as progress:
        progress.say("x")
    assert len(cell.texts) == 2


def test_a_bar_is_drawn_now_and_then_and_at_the_end(cell: _Cell) -> None:
    now = [0.0]
    bars = NotebookBars(lambda: now[0])
    with bars.step("training", 10, "events") as step:
        step.advance(3)
        assert 'value="0"' in cell.texts[0]  # too soon
        now[0] = 1.0
        step.advance(3, "loss 0.5")
        assert 'max="10" value="6"' in cell.texts[0]
        step.advance(4)
    assert "10 of 10 events, 1 s, loss 0.5" in cell.texts[0]
    with bars.step("unknown", 0) as step:
        step.advance(2)
    assert "<progress >" in cell.texts[1]


def test_a_terminal_is_no_notebook() -> None:
    assert not showing.in_notebook()
