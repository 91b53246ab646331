from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

from hitforge.core.files import sha256
from hitforge.readers.public.catalogue import CATALOGUE


def test_entries_are_complete_and_paths_stay_below_the_data_folder() -> None:
    paths = [file.path for entry in CATALOGUE.values() for file in entry.files]
    assert len(set(paths)) == len(paths)
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert entry.description
        assert entry.licence
        for file in entry.files:
            path = PurePosixPath(file.path)
            assert not path.is_absolute()
            assert ".." not in path.parts
            assert file.url.startswith("https://")
            assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_files_that_are_there_are_the_ones_of_the_catalogue(public_data: Path) -> None:
    there = [f for entry in CATALOGUE.values() for f in entry.files if f.sha256 and (public_data / f.path).exists()]
    if not there:
        pytest.skip("none of the catalogue's files is below HITFORGE_DATA")
    for file in there:
        assert sha256(public_data / file.path) == file.sha256
        assert (public_data / file.path).stat().st_size == file.size
