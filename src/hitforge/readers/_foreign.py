"""Errors of file libraries become one sentence whose remedy fits."""

from __future__ import annotations

import errno
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hitforge.core.errors import DataError, HitforgeError

_WHOLE = "the file must be whole and readable"
_SYSTEM = {
    errno.ENOENT: ("the file must exist", "check the path"),
    errno.EACCES: ("you must be allowed to read the file", "ask its owner, or change its permissions"),
    errno.EPERM: ("you must be allowed to read the file", "ask its owner, or change its permissions"),
    errno.EISDIR: ("the name must be that of a file", "name a file in this folder"),
    errno.ENOTDIR: ("the name must be that of a file", "check the path"),
    errno.EMFILE: ("the file must be one of those that a process may open", "raise the limit with ulimit -n"),
    errno.EAGAIN: ("no other program may be writing the file", "wait until it is written and closed"),
    errno.EWOULDBLOCK: ("no other program may be writing the file", "wait until it is written and closed"),
}
_DISK = ("the disk must give the file back", "try again, or look after the disk or the network that it is on")
_DAMAGED = re.compile(
    r"truncated|unexpected (end|eof)|end of (file|stream|data)|end-of-stream|premature|too short|eof (marker|=)"
    r"|corrupt|damaged|check ?sum|crc|bad magic|magic (bytes|number)|signature not found|wrong version number"
    r"|inflate|decompress|incomplete|incorrect (data|header)|invalid (block|stored|distance|literal|code)"
    r"|bad (heap|object header|local heap)|deserialize|thrift|not a zip file|past the end|addr overflow"
    r"|filter returned failure",
    re.IGNORECASE,
)
_VALUE = re.compile(r"conversion error|invalid value|could not convert|CSV parse error", re.IGNORECASE)
_OTHER = re.compile(r"signature not found|not a ROOT file|first four bytes", re.IGNORECASE)
_PACKED = {
    b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ": "unxz", b"\x28\xb5\x2f\xfd": "unzstd",
    b"PK\x03\x04": "unzip",
}  # fmt: skip
_POINTER = b"version https://git-lfs"
_INSTALL = re.compile(r"(?:pip|conda|mamba) install [\w.\[\]\"'=<>-]+")
_MARKED = re.compile(r"already open for write|file consistency flags|h5clear", re.IGNORECASE)
_LOCKED = re.compile(r"unable to lock file", re.IGNORECASE)


@contextmanager
def foreign(path: Path) -> Iterator[None]:
    """Turn every error of a file library into one sentence that names the file, with the remedy of that error."""
    try:
        yield
    except HitforgeError:
        raise
    except MemoryError as error:
        do = "read fewer events at a time, or on a machine with more memory"
        raise DataError("the events must fit into memory", came=str(error) or "no memory", where=path, do=do) from None
    except Exception as error:  # the libraries of ROOT, HDF5 and Parquet each have dozens of their own
        text = str(error).strip()
        disguise = in_disguise(path) if _OTHER.search(text) else None
        must, do = (_WHOLE, disguise[1]) if disguise else _remedy(error, text)
        came = disguise[0] if disguise else text.splitlines()[0][:200] if text else type(error).__name__
        raise DataError(must, came=came, where=path, do=do) from None


def in_disguise(path: Path) -> tuple[str, str] | None:
    """Return what stands in place of the data and what to do, None where that is not seen: a pointer, a packed file."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_POINTER))
    except OSError:
        return None
    if head == _POINTER:
        return "a pointer of Git LFS", "git lfs pull"
    command = next((command for magic, command in _PACKED.items() if head.startswith(magic)), None)
    return ("a packed file", f"unpack it first: {command}") if command else None


def _remedy(error: Exception, text: str) -> tuple[str, str]:
    """What must hold and what to do, by the error's own number and words."""
    if isinstance(error, ImportError):
        command = _INSTALL.search(text)
        return "the module that unpacks the file must be installed", (
            command.group() if command else f"pip install {error.name or 'the module that is named'}"
        )
    if _MARKED.search(text):
        return "the program that wrote the file must have closed it", "wait for it; if it was killed: h5clear -s FILE"
    if _LOCKED.search(text):
        return _SYSTEM[errno.EAGAIN][0], "wait until it is written, or set HDF5_USE_FILE_LOCKING=FALSE if nobody does"
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (named := re.search(r"errno = (\d+)", text)):  # HDF5 says it in words only
        number = int(named.group(1))
    if number:
        return _SYSTEM.get(number, _DISK)
    if isinstance(error, EOFError | zipfile.BadZipFile | zlib.error | lzma.LZMAError) or _DAMAGED.search(text):
        return _WHOLE, "fetch it again, or write it again"
    if _VALUE.search(text):
        return _WHOLE, "mend the entry that is named: the file may be whole, but this is not what its column holds"
    return _WHOLE, "look at what came: the file may be whole, but of another layout or type than this reader's format"
