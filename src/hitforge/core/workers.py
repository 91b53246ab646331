"""Jobs in several processes, which end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from hitforge.core.errors import RunError

CONTEXT = multiprocessing.get_context("spawn")  # a forked child would inherit locks of threads it does not have
"""How processes are started."""

J = TypeVar("J", bound=tuple[Any, ...])
R = TypeVar("R")


def in_processes(
    function: Callable[..., R],
    jobs: Sequence[J],
    workers: int,
    where: Path,
    *,
    start: Callable[[], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Iterator[tuple[J, R]]:
    """Yield each job and its result, in the order in which they end.

    Args:
        function: Called with the parts of each job; it must survive pickling.
        jobs: Arguments of each call.
        workers: Most processes.
        where: What the work is for, to name in an error.
        start: Called once in each process before its first job.
        meanwhile: Called here a few times a second.

    Raises:
        RunError: A process was killed.
    """
    if not jobs:
        return
    with ProcessPoolExecutor(min(workers, len(jobs)), CONTEXT, initializer=_begin, initargs=(start,)) as pool:
        pending: dict[Future[R], J] = {pool.submit(function, *job): job for job in jobs}
        try:
            while pending:
                done = wait(pending, None if meanwhile is None else 0.2, return_when=FIRST_COMPLETED).done
                if meanwhile is not None:
                    meanwhile()
                for future in done:
                    job = pending.pop(future)
                    yield job, future.result()
        except BrokenProcessPool:
            raise RunError(
                "a worker process ended without a result",
                came="killed, or out of memory",
                where=where,
                do="repeat the command: it keeps what is whole; use fewer workers",
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(start: Callable[[], None] | None) -> None:
    _end_with_parent()
    if start is not None:
        start()


def _end_with_parent() -> None:
    """End this worker when its parent is killed; without this it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
