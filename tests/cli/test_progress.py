"""Progress bars of the terminal."""

from __future__ import annotations

import pytest

from hitforge.cli._progress import progress_bars


def test_what_is_said_stands_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress, progress.step("train", 3, "batches") as step:
        progress.say("a length [mm]")
        step.advance(2, note="loss 0.5")
    assert "a length [mm]" in capsys.readouterr().err
