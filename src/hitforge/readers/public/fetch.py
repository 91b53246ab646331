"""Download with a checked content; a file that is already there is checked and used."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from hitforge.core.errors import ConfigError, DataError, did_you_mean, require
from hitforge.core.files import sha256, write_text
from hitforge.core.progress import Progress
from hitforge.readers.public.catalogue import CATALOGUE, PublicFile


def fetch(name: str, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Bring the files of a public data set into a folder.

    A file that lies there under its catalogue path is used without any network. Its SHA-256 is that of the catalogue.
    Where nobody has published one, that of the first copy is kept in ``<file>.sha256`` beside it, said aloud, and
    compared from then on: that finds damage and later changes, but not a first copy that was wrong.

    Args:
        name: Data set in ``CATALOGUE``.
        folder: Data folder, laid out as the catalogue's paths.
        progress: Receives the megabytes of each file.

    Returns:
        The files.

    Raises:
        ConfigError: There is no such data set.
        DataError: A file cannot be downloaded, or its content is not the expected one.
    """
    if name not in CATALOGUE:
        raise ConfigError(f"no public data set '{name}': {did_you_mean(name, CATALOGUE)}")
    return [_fetch(file, folder, progress or Progress()) for file in CATALOGUE[name].files]


def _fetch(file: PublicFile, folder: Path, progress: Progress) -> Path:
    path = folder / file.path
    record = path.with_name(path.name + ".sha256")
    expected = file.sha256 or (record.read_text().strip() if record.exists() else None)
    fresh = not path.exists()
    if fresh:
        _download(file, path, progress)
    found = sha256(path)
    if expected is None:
        _keep(record, found)
        progress.say(
            f"nobody has published the SHA-256 of {path.name}; this copy has {found}, which is kept in {record.name} "
            "and compared from now on: compare it with a colleague's before you trust a result"
        )
    elif found != expected:
        if fresh:
            path.unlink()
        raise DataError(
            f"the file must have the SHA-256 {expected}",
            came=f"{found}{' (the download was deleted)' if fresh else ''}",
            where=path,
            do="download it again; if it stays so, its public home has changed",
        )
    return path


def _keep(record: Path, found: str) -> None:
    """Write the record; a data folder that cannot be written to stays without one."""
    try:
        write_text(record, found + "\n")
    except DataError:
        return


def _download(file: PublicFile, path: Path, progress: Progress) -> None:
    pooch = require("pooch")
    pooch.get_logger().setLevel(logging.WARNING)
    with progress.step(path.name, (file.size or 0) // 1_000_000, "MB") as bar:
        downloader = pooch.HTTPDownloader(progressbar=_Bar(bar), chunk_size=1 << 20, timeout=60)
        try:
            pooch.retrieve(file.url, known_hash=None, fname=path.name, path=path.parent, downloader=downloader)
        except Exception as error:  # requests, urllib3 and the system each have errors of their own
            came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise DataError(
                "the file must be downloadable",
                came=came[:300],
                where=file.url,
                do=f"put a copy at {path}, or let HITFORGE_DATA name a folder that has it as {file.path}",
            ) from None


class _Bar:
    """What pooch expects of a progress bar."""

    def __init__(self, bar: Any) -> None:
        self.total, self._bar, self._bytes, self._shown = 0, bar, 0, 0

    def update(self, amount: int) -> None:
        """Advance by a number of bytes, which may be more than came."""
        self._bytes = min(self._bytes + amount, self.total or self._bytes + amount)
        megabytes = self._bytes // 1_000_000
        self._bar.advance(max(megabytes - self._shown, 0), "")
        self._shown = max(megabytes, self._shown)

    def reset(self) -> None:
        """Start again: pooch then reports the whole size once more."""
        self._bytes = 0

    def close(self) -> None:
        """Nothing to close: the stage ends by itself."""
