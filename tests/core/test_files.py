from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from hitforge.core import files
from hitforge.core.errors import DataError, RunError
from hitforge.core.files import atomic, cache_folder, content_hash, in_order, read_json, sha256, write_text


def test_a_file_appears_whole_and_its_folder_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    with atomic(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), OSError(errno.EIO, "broken")])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail() -> None:
        with atomic(path) as temporary:
            temporary.write_text("new")
            raise error

    with pytest.raises(DataError if isinstance(error, OSError) else type(error)):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def full(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"room.*disk full.*a\.txt.*free space"):
        write_text(tmp_path / "a.txt", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"must be writable.*file/a\.txt"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_text_is_utf8_and_sha256_is_of_the_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "η → φ\n")
    assert (tmp_path / "a.txt").read_bytes() == "η → φ\n".encode()
    assert sha256(tmp_path / "a.txt") == hashlib.sha256("η → φ\n".encode()).hexdigest()


def test_the_hash_of_a_file_is_kept_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "a.bin", []
    monkeypatch.setattr(files, "sha256", lambda p: read.append(p) or sha256(p))
    for content in (b"one", b"two"):  # within one tick of the clock, perhaps
        path.write_bytes(content)
        assert content_hash(path) == hashlib.sha256(content).hexdigest()
    assert len(read) == 2
    monkeypatch.setattr(files, "_RACY", -1.0)
    assert {content_hash(path) for _ in range(3)} == {hashlib.sha256(b"two").hexdigest()}
    assert len(read) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"\x80", "readable JSON"),
        (b"{", "readable JSON"),
        (b"[]", "names and values; got: list"),
    ],
)
def test_what_is_no_json_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=f"{message}.*a.json"):
        read_json(tmp_path / "a.json", dict)


def test_names_are_sorted_as_people_count() -> None:
    assert in_order(["b", "a10", "a9", "10", "9"]) == ["9", "10", "a9", "a10", "b"]
    assert in_order(["1²3", "1²12", "1٣2", "1a2"]) == ["1a2", "1²3", "1²12", "1٣2"]  # digits, but no numbers


def test_the_cache_is_where_it_is_named_or_a_folder_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("HITFORGE_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("HITFORGE_CACHE")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = cache_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    folder.rename(folder.with_name(f"hitforge-{other}"))
    with pytest.raises(RunError, match="the cache must belong to you"):
        cache_folder()
