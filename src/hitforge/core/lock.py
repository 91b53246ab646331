"""One process at a time in a folder: a lock that says who holds it."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hitforge.core.errors import DataError, RunError

_POLL = 0.2  # seconds between two looks at a lock that is waited for


@contextmanager
def hold(folder: Path, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold a folder, which need not exist, until the block ends.

    The lock is a file beside the folder with host, process and time of whoever holds it. It is made by a hard link,
    which only one process can make, on file systems of a network, too. That of a process of this host that lives no
    more is taken over. Folders above that are made for the lock go again if nothing came into them.

    Args:
        folder: What is to be held.
        wait: Where given, a lock that another process holds is waited for, and this is told once who holds it.

    Raises:
        RunError: Another process holds the folder, and nobody waits for it. Or a worker process, which first does all
            that stands at the top level of a script, came to where its parent waits for it.
        DataError: The folder above cannot be written, or there is none.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RunError(
            "a script must use several processes below 'if __name__ == \"__main__\":'",
            came="a call at its top level, which each worker process repeats",
            where=folder,
            do="put the call below that line, or ask for one worker",
        )
    folder = folder.resolve()  # one lock for a folder that has several names
    if not folder.name:
        raise DataError("what is written must have a folder of its own", came="the root of all folders", where=folder)
    path = folder.with_name(f".{folder.name}.lock")
    made = [above for above in path.parents if not above.exists()]
    own, told = _own(), False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _take(path, own):
            holder = _read(path)
            if holder is None:  # it was let go in this moment
                continue
            if _lives_no_more(holder):
                _put_aside(path, holder)
                continue
            if wait is None:
                raise RunError(
                    "only one process may work in a folder",
                    came=f"{_words(holder)} works there",
                    where=folder,
                    do=_advice(holder, path),
                )
            if not told:
                wait(f"{folder} is made by {_words(holder)}: waiting for it ({_advice(holder, path)})")
                told = True
            time.sleep(_POLL)
    except OSError as error:
        _remove_empty(made)
        file = next((above for above in path.parents if above.is_file()), None)
        if file is not None:
            raise DataError("a folder must stand here", came="a file", where=file) from None
        raise DataError("the folder must be writable", came=error.strerror or error, where=path.parent) from None
    except BaseException:
        _remove_empty(made)
        raise
    try:
        yield
    finally:
        if _read(path) == own:
            path.unlink(missing_ok=True)
        _remove_empty(made)


def _take(path: Path, own: dict[str, Any]) -> bool:
    """Make the lock; False if there is one."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    temporary.write_text(json.dumps(own), encoding="utf-8")
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        return _take_exclusively(path, own)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _take_exclusively(path: Path, own: dict[str, Any]) -> bool:
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(json.dumps(own))
    except FileExistsError:
        return False
    return True


def _own() -> dict[str, Any]:
    """What is written into a lock of this thread."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "born": _born(os.getpid()),
        "thread": threading.get_ident(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _read(path: Path) -> dict[str, Any] | None:
    """Who holds a lock; None if nobody does. An unreadable one is held by nobody knows whom."""
    for _ in range(5):
        try:
            holder = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:  # half written, where there are no hard links
            time.sleep(0.02)
            continue
        return holder if isinstance(holder, dict) else {}
    return {}


def _lives_no_more(holder: dict[str, Any]) -> bool:
    """True if the holder was a process of this host that ended, also where its number belongs to another one now."""
    if holder.get("host") != socket.gethostname() or not isinstance(holder.get("pid"), int):
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:  # of another user
        return False
    return _born(holder["pid"]) != holder.get("born")


def _born(pid: int) -> str:
    """When a process began, in the kernel's own count; empty for one that ended, and where there is no /proc."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


def _put_aside(path: Path, holder: dict[str, Any]) -> None:
    """Remove the lock of a dead process, and only it: another process may have taken it over in this moment."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _read(aside) != holder:
        with suppress(OSError):
            os.link(aside, path)
    aside.unlink(missing_ok=True)


def _words(holder: dict[str, Any]) -> str:
    if not holder:
        return "a process that left no name"
    return f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('since')}"


def _advice(holder: dict[str, Any], path: Path) -> str:
    if holder.get("host") == socket.gethostname():
        return "wait until it ends, or end it"
    return f"wait until it ends; if it ended without a word, delete {path}"


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
