"""Progress: bars on a terminal, lines in a file."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hitforge.library import bars
from hitforge.library.bars import bars_of


def written(width: int, terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=width, force_terminal=terminal, color_system=None, soft_wrap=True), text


@pytest.mark.parametrize("width", [80, 160])
def test_a_bar_shows_epoch_loss_and_time_left_in_the_width_there_is(width: int) -> None:
    console, text = written(width, terminal=True)
    note = "epoch 2/8, loss 0.4312, roc_auc 0.8123"
    with bars_of(console) as progress, progress.step("training", 100, "events") as step:
        step.advance(40, note)
    last = text.getvalue().replace("\r", "\n").splitlines()[-2:]
    assert any(note in line and " 40%" in line for line in last)
    assert all(len(line) <= width + 8 for line in last)  # and the codes that move the cursor


def test_what_is_said_stands_as_it_is() -> None:
    for terminal in (True, False):
        console, text = written(120, terminal)
        with bars_of(console) as progress:
            progress.say("a length [mm]")
        assert "a length [mm]" in text.getvalue()


def test_a_batch_job_gets_lines_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    console, text = written(120, terminal=False)
    lines = bars._Lines(console, lambda: now[0])
    with lines.step("training", 100, "events") as step:
        for _ in range(10):
            now[0] += 13.0
            step.advance(10, "loss 0.5")
    told = text.getvalue().splitlines()
    assert told[0] == "training: 30 of 100 events, loss 0.5, 0:01:31 left"
    assert told[-1] == "training: 100 of 100 events, loss 0.5, took 0:02:10"
    assert len(told) == 4


def test_a_continued_training_counts_time_from_where_it_began() -> None:
    now = [0.0]
    console, text = written(120, terminal=False)
    lines = bars._Lines(console, lambda: now[0])
    with lines.step("training", 100, "events") as step:
        step.advance(80)
        now[0] += 40.0
        step.advance(10, "loss 0.5")
    assert "90 of 100 events, loss 0.5, 0:00:40 left" in text.getvalue()
