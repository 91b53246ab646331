"""Public data sets: where they live, how they are fetched and checked, and where they lie."""

from __future__ import annotations

import os
from pathlib import Path

from hitforge.core.errors import DataError
from hitforge.readers.public.catalogue import CATALOGUE, PublicFile, PublicSet
from hitforge.readers.public.fetch import fetch

FOLDER = Path("public_data")
"""Where ``fetch`` puts files if HITFORGE_DATA does not say otherwise."""


def locate(path: str) -> Path:
    """Return a file that exists: as given, or below HITFORGE_DATA, or below ``public_data``.

    Raises:
        DataError: The file is nowhere; if it belongs to a public data set, the error says how to fetch it.
    """
    folders = [Path(), *([Path(os.environ["HITFORGE_DATA"])] if os.environ.get("HITFORGE_DATA") else []), FOLDER]
    for folder in folders:
        if (folder / path).is_file():
            return folder / path
    owner = next((entry.name for entry in CATALOGUE.values() if path in {file.path for file in entry.files}), None)
    seen = next((folder / path for folder in folders if (folder / path).is_dir() or (folder / path).is_symlink()), None)
    if seen is not None:
        came = "a folder" if seen.is_dir() else f"a link to {os.readlink(seen)}, which is not there"
        do = f"name files in it, such as '{path}/*'" if seen.is_dir() else "bring that file back"
        raise DataError("the name must be that of a file", came=came, where=seen, do=do)
    places = ", ".join(str(folder.absolute()) for folder in folders)
    raise DataError(
        "the file must exist",
        came=f"none in {places}",
        where=path,
        do=f"hitforge fetch {owner}" if owner else "check the path, or let HITFORGE_DATA name the folder of your data",
    )


__all__ = ["CATALOGUE", "FOLDER", "PublicFile", "PublicSet", "fetch", "locate"]
