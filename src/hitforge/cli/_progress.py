"""Progress on the standard error: bars, or where nobody looks, such as in a batch job, now and then a line."""

from __future__ import annotations

from contextlib import AbstractContextManager

from hitforge.cli._console import err
from hitforge.core.progress import Progress
from hitforge.library.bars import bars_of


def progress_bars() -> AbstractContextManager[Progress]:
    """Show the progress of a block, and say when kernels are compiled."""
    return bars_of(err)
