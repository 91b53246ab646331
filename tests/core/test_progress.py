from __future__ import annotations

import pytest

from hitforge.core.progress import Progress


def test_the_base_stays_silent(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.step("simulate", 3, "shards") as step:
        step.advance()
        step.advance(2, "done")
    progress.say("a fallback was taken")
    assert capsys.readouterr() == ("", "")


def test_errors_inside_a_step_come_through() -> None:
    with pytest.raises(ValueError, match="inside"), Progress().step("x", 1):
        raise ValueError("inside")
