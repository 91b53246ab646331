"""Files that are either whole or absent."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, RunError

Content = TypeVar("Content", dict[str, Any], list[Any])


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and rename it once the block ends well.

    A reader never sees a part of the file, also after a crash or a full disk.

    Raises:
        DataError: The disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):  # the folder itself may be what is wrong
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _disk_error(error, path) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path, kind: type[Content]) -> Content:
    """Return what a JSON file holds.

    Args:
        path: The file.
        kind: ``dict`` or ``list``.

    Raises:
        DataError: The file is absent, no JSON, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} must be readable JSON", came=error, where=path) from None
    if not isinstance(content, kind):
        must = f"{path.name} must hold {'names and values' if kind is dict else 'a list'}"
        raise DataError(must, came=type(content).__name__, where=path)
    return content


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays to one compressed npz file atomically."""
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)


def is_temporary(path: Path) -> bool:
    """True for the temporary file of ``atomic``."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def remove_temporaries(folder: Path) -> None:
    """Remove what killed processes left in a folder that the caller holds, so that nobody else writes there.

    Whether the process of a file's name still lives is not asked: a killed one may stay in the table of processes.
    """
    for leftover in filter(is_temporary, folder.iterdir()):
        leftover.unlink(missing_ok=True)


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names as people count: ``run2`` before ``run10``."""
    return sorted(names, key=lambda name: [int(p) if k % 2 else p for k, p in enumerate(re.split(r"([0-9]+)", name))])


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


_RACY = 2.0
"""A file that changed less than this ago may change again within one tick of its time stamp [s]."""
_HASHES: dict[tuple[object, ...], str] = {}


def content_hash(path: Path) -> str:
    """Return ``sha256`` of a file, which is read once a process as long as its time stamps and size stay the same."""
    stat = path.stat()
    key = (path.absolute(), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if key not in _HASHES:
        digest = sha256(path)
        if time.time() - max(stat.st_mtime, stat.st_ctime) < _RACY:
            return digest
        _HASHES[key] = digest
    return _HASHES[key]


def cache_folder() -> Path:
    """Return where tables that take seconds to make are kept.

    It is the one that HITFORGE_CACHE names, otherwise a folder below the system's temporary one that nobody else can
    write into.

    Raises:
        RunError: The folder belongs to somebody else.
    """
    named = os.environ.get("HITFORGE_CACHE")
    if named:
        return Path(named)
    folder = Path(tempfile.gettempdir()) / f"hitforge-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RunError("the cache must belong to you", came="another owner", where=folder, do="set HITFORGE_CACHE")
    return folder


def _disk_error(error: OSError, path: Path) -> DataError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError(
            "the disk must have room for the file", came="disk full", where=path, do="free space, then repeat"
        )
    return DataError("the file must be writable", came=error.strerror or error, where=path)
