"""Jobs in several processes, which end with the one that started them and compile kernels once for all."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, TypeVar

from hitforge.core.compiling import NOTE, told_when_compiling
from hitforge.core.errors import RunError

CONTEXT = multiprocessing.get_context("spawn")  # a forked child would inherit locks of threads it does not have
"""How processes are started."""
_PATIENCE = 3.0  # seconds in which a worker has begun to compile, if it must

J = TypeVar("J", bound=tuple[Any, ...])
R = TypeVar("R")


def in_processes(
    function: Callable[..., R],
    jobs: Sequence[J],
    workers: int,
    where: Path,
    say: Callable[[str], None],
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
        say: Is told that kernels are compiled, once.
        start: Called once in each process before its first job.
        meanwhile: Called here a few times a second.

    Raises:
        RunError: A process was killed.
    """
    if not jobs:
        return
    began, compiles, tick = CONTEXT.Event(), CONTEXT.Event(), meanwhile or (lambda: None)
    listening, told = CONTEXT.Pipe(duplex=False)  # a worker ends when it is closed; an event could wait for a dead one
    begin = _begin_worker, (began, compiles, listening, start)
    with ProcessPoolExecutor(min(workers, len(jobs)), CONTEXT, *begin) as pool:
        pending: dict[Future[R], J] = {}
        try:
            with _uninterrupted():
                pending[pool.submit(_call, function, jobs[0])] = jobs[0]
            _let_compile(next(iter(pending)), began, compiles, say, tick)
            with _uninterrupted():
                pending |= {pool.submit(_call, function, job): job for job in jobs[1:]}
            while pending:
                done = wait(pending, None if meanwhile is None else 0.2, return_when=FIRST_COMPLETED).done
                tick()
                for future in done:
                    job = pending.pop(future)
                    yield job, future.result()
        except BrokenProcessPool:
            raise RunError(
                "a worker process ended without a result",
                came="killed, or out of memory",
                where=where,
                do="repeat the command: it keeps what is whole; use fewer workers; a script must call this below "
                "'if __name__ == \"__main__\":'",
            ) from None
        except (KeyboardInterrupt, GeneratorExit):  # nobody waits for what is half done
            told.close()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            told.close()
            listening.close()


def _let_compile(
    first: Future[Any], began: Event, compiles: Event, say: Callable[[str], None], tick: Callable[[], None]
) -> None:
    """Wait for the first worker while it compiles kernels, which the others then load instead of compiling them too."""
    deadline, said = math.inf, False
    while not first.done() and (said or time.monotonic() < deadline):
        if compiles.is_set() and not said:
            said = True
            say(NOTE)
        elif began.is_set() and deadline == math.inf:
            deadline = time.monotonic() + _PATIENCE
        wait([first], timeout=0.05)
        tick()


_worker = ExitStack()  # open as long as the worker lives
_begins: list[Event] = []  # of a worker: set when its first job begins


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keep an interrupt from processes that are started inside, until they can end without a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(began: Event, compiles: Event, listening: Connection, start: Callable[[], None] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _end_with_parent()
    threading.Thread(target=_end_when_closed, args=(listening,), name="stop", daemon=True).start()
    _worker.enter_context(told_when_compiling(compiles.set))
    _begins.append(began)
    if start is not None:
        start()


def _call(function: Callable[..., R], job: tuple[Any, ...]) -> R:
    for began in _begins:
        began.set()
    return function(*job)


def _end_when_closed(listening: Connection) -> None:
    with suppress(EOFError, OSError):
        listening.recv()
    os._exit(1)


def _end_with_parent() -> None:
    """End this worker when its parent is killed; without this it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
