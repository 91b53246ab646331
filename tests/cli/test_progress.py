"""Progress of a verb goes to the standard error, so that what it prints can be piped."""

from __future__ import annotations

import pytest

from hitforge.cli._progress import progress_bars


def test_progress_goes_to_the_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        progress.say("simulating")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "simulating\n")
