from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.core.progress import Progress
from hitforge.readers import public
from hitforge.readers.public import CATALOGUE, PublicFile, PublicSet, fetch, locate

CONTENT = bytes(range(256)) * 12_000  # 3 MB
SHA = hashlib.sha256(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


class Recorder(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.total = self.done = 0

    @contextmanager
    def step(self, name: str, total: int, unit: str = "") -> Iterator[Any]:
        self.total = total
        yield self

    def advance(self, amount: int = 1, note: str = "") -> None:
        assert amount >= 0
        self.done += amount

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A web server with one file."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "file.bin").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(home)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def publish(monkeypatch: pytest.MonkeyPatch, url: str, sha: str | None) -> None:
    entry = PublicSet("test_set", "for tests", "none", (PublicFile("folder/file.bin", url, sha, len(CONTENT)),))
    monkeypatch.setitem(CATALOGUE, "test_set", entry)


def test_downloads_once_and_checks(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, f"{address}/file.bin", SHA)
    recorder = Recorder()
    (path,) = fetch("test_set", tmp_path / "data", recorder)
    assert path == tmp_path / "data" / "folder" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert (recorder.done, recorder.total) == (3, 3)
    publish(monkeypatch, "http://127.0.0.1:1/nowhere", SHA)  # no network is needed now
    assert fetch("test_set", tmp_path / "data") == [path]
    assert [item.name for item in path.parent.iterdir()] == ["file.bin"]


def test_a_wrong_download_is_deleted(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, f"{address}/file.bin", "0" * 64)
    with pytest.raises(DataError, match=rf"SHA-256 0000.*{SHA} \(the download was deleted\)"):
        fetch("test_set", tmp_path)
    assert not (tmp_path / "folder" / "file.bin").exists()


def test_a_changed_file_is_refused_but_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, "http://127.0.0.1:1/nowhere", SHA)
    path = tmp_path / "folder" / "file.bin"
    path.parent.mkdir()
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=r"SHA-256.*file\.bin"):
        fetch("test_set", tmp_path)
    assert path.exists()


def test_an_unpublished_content_is_recorded_on_first_use(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, f"{address}/file.bin", None)
    recorder = Recorder()
    (path,) = fetch("test_set", tmp_path, recorder)
    assert path.with_name("file.bin.sha256").read_text().strip() == SHA
    assert len(recorder.said) == 1
    assert SHA in recorder.said[0]
    again = Recorder()
    fetch("test_set", tmp_path, again)
    assert again.said == []
    path.write_bytes(b"changed")
    with pytest.raises(DataError, match=SHA):
        fetch("test_set", tmp_path)


def test_an_absent_home_says_where_to_put_a_copy(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (f"{address}/other.bin", "http://127.0.0.1:1/file.bin"):
        publish(monkeypatch, url, SHA)
        with pytest.raises(DataError, match=r"must be downloadable.*put a copy at .*folder/file\.bin.*HITFORGE_DATA"):
            fetch("test_set", tmp_path)
        assert not any(item.is_file() for item in (tmp_path / "folder").rglob("*"))


def test_an_unknown_set_gets_the_nearest_spelling(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'electron_photon_sample'"):
        fetch("electron_photon_sampl", tmp_path)


def test_files_are_found_as_given_below_hitforge_data_and_in_the_default_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HITFORGE_DATA", str(tmp_path / "mine"))
    for folder in (public.FOLDER, tmp_path / "mine", Path()):
        target = folder / "a" / "b.h5"
        target.parent.mkdir(parents=True)
        target.write_text("x")
        assert locate("a/b.h5").absolute() == target.absolute()
    assert locate(str(tmp_path / "a" / "b.h5")) == tmp_path / "a" / "b.h5"
    with pytest.raises(DataError, match=r"the name must be that of a file; got: a folder.*name files in it"):
        locate(str(tmp_path / "a"))


def test_a_file_that_is_nowhere_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HITFORGE_DATA", raising=False)
    with pytest.raises(DataError, match="hitforge fetch electron_photon_sample"):
        locate("electron_photon/electron-photon.npz")
    with pytest.raises(DataError, match="let HITFORGE_DATA name"):
        locate("other.h5")


def test_a_folder_and_a_link_to_nowhere_are_told_as_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must be that of a file; got: a folder; .*name files in it"):
        locate(str(tmp_path))
    (tmp_path / "a.h5").symlink_to(tmp_path / "gone.h5")
    with pytest.raises(DataError, match=r"must be that of a file; got: a link to .*gone.h5, which is not there"):
        locate(str(tmp_path / "a.h5"))
