"""What HDF5 would fill with zeros is refused: missing sources, chunks, external files and links."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers import _hdf5_search
from hitforge.readers._hdf5 import contents
from tests.readers.hdf5_files import NAMES, halves, reader, save, total, values

ALL = h5py.h5s.UNLIMITED


def test_whole_arrays_of_every_kind_are_read(tmp_path: Path) -> None:
    expected = values().sum()
    raw = tmp_path / "raw.bin"
    values().tofile(raw)
    with h5py.File(save(tmp_path / "raw.h5"), "a") as file:
        file.create_dataset("showers", (20, 24), float, external=[(str(raw), 0, 1920), (str(raw), 1920, ALL)])
    with h5py.File(save(tmp_path / "linked.h5", values()), "a") as file:
        file["more/real"] = file["showers"]
        del file["showers"]
        file["more/soft"] = h5py.SoftLink("real")
        file["showers"] = h5py.SoftLink("/more/soft")
    with h5py.File(tmp_path / "external.h5", "w") as file:
        for name in NAMES:
            file[name] = h5py.ExternalLink("linked.h5", name)
    for path in (
        halves(tmp_path),
        tmp_path / "raw.h5",
        tmp_path / "linked.h5",
        tmp_path / "external.h5",
        save(tmp_path / "chunks.h5", values(), chunks=(7, 24), maxshape=(None, 24), compression="gzip"),
    ):
        assert total(path) == pytest.approx(expected), path


@pytest.mark.parametrize("damage", ["file", "array", "short", "chunks", "nested"])
def test_a_source_of_a_virtual_array_must_be_there_and_whole(tmp_path: Path, damage: str) -> None:
    path, source = halves(tmp_path), tmp_path / "b.h5"
    if damage == "file":
        source.unlink()
    else:
        with h5py.File(source, "w") as file:
            if damage == "short":
                file["part"] = np.ones((7, 24))
            elif damage == "chunks":
                part = file.create_dataset("part", (10, 24), float, chunks=(5, 24))
                part[:5] = 1
            elif damage == "nested":
                layout = h5py.VirtualLayout((10, 24), float)
                layout[:] = h5py.VirtualSource("gone.h5", "part", (10, 24))
                file.create_virtual_dataset("part", layout)
    message = {
        "file": r"a source of the virtual array '/showers' must be there; got: no file b\.h5; where: .*whole\.h5",
        "array": r"must be there; got: no 'part' in .*b\.h5",
        "short": r"as large as its place; got: the shape \(7, 24\) of 'part' in .*b\.h5",
        "chunks": r"'part' must be written to its end; got: 1 of 2 chunks",
        "nested": r"a source of the virtual array '/part' must be there; got: no file gone\.h5; where: .*b\.h5",
    }[damage]
    with pytest.raises(DataError, match=message):
        reader(path).splits()


def test_rows_that_no_source_gives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must give all of it; got: none for 3 rows, the first is 8"):
        reader(halves(tmp_path, (8, 9))).splits()


def numbered(path: Path, source: str, name: str, blocks: Callable[[int], None], many: int = 4) -> Path:
    """A virtual array over blocks of 5 rows with numbers in their names."""
    for number in range(many):
        blocks(number)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    space = h5py.h5s.create_simple((20, 24), (ALL, 24))
    space.select_hyperslab((0, 0), (ALL, 1), (5, 24), (5, 24))
    plist.set_virtual(space, source.encode(), name.encode(), h5py.h5s.create_simple((5, 24)))
    with h5py.File(path, "a") as file:
        extent = h5py.h5s.create_simple((20, 24), (ALL, 24))
        h5py.h5d.create(file.id, b"showers", h5py.h5t.IEEE_F64LE, extent, plist)
    return path


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [
        (np.s_[:, :12], np.s_[:, 12:], np.s_[:, :12]),  # the same columns twice
        (np.s_[:10], np.s_[10:], np.s_[:10]),
        (np.s_[::2], np.s_[1::2], np.s_[::2]),
        (np.s_[[0, 3, *range(12, 20)]], np.s_[[1, 2, *range(4, 12)]], np.s_[[0, 3, *range(12, 20)]]),
    ],
)
def test_values_that_two_sources_give_do_not_stand_for_others(
    first: Any, second: Any, wrong: Any, whole: bool, tmp_path: Path
) -> None:
    path, parts = save(tmp_path / "whole.h5"), (values()[first], values()[second])
    layout = h5py.VirtualLayout((20, 24), float)
    for name, part, place in zip("ab", parts, (first, second if whole else wrong), strict=True):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["part"] = part
        layout[place] = h5py.VirtualSource(f"{name}.h5", "part", part.shape)
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("showers", layout)
    if whole:
        assert total(path) == pytest.approx(values().sum())
    else:
        with pytest.raises(DataError, match="must give all of it; got: none for"):
            total(path)


def test_overlapping_sources_that_give_all_are_read(tmp_path: Path) -> None:
    path = save(tmp_path / "whole.h5")
    layout = h5py.VirtualLayout((20, 24), float)
    for name, rows in (("a", slice(0, 12)), ("b", slice(8, 20))):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["part"] = values()[rows]
        layout[rows] = h5py.VirtualSource(f"{name}.h5", "part", (12, 24))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("showers", layout)
    assert total(path) == pytest.approx(values().sum())


def test_numbered_sources_must_be_without_a_gap(tmp_path: Path) -> None:
    def files(number: int) -> None:
        with h5py.File(tmp_path / f"part-{number}.h5", "w") as file:
            file["part"] = values()[5 * number : 5 * number + 5]

    path = numbered(save(tmp_path / "a.h5"), "part-%b.h5", "part", files)
    assert total(path) == pytest.approx(values().sum())
    assert len(reader(path).inputs()) == 5
    (tmp_path / "part-2.h5").rename(tmp_path / "away.h5")
    with pytest.raises(DataError, match="may be missing; got: none with the number 2, but one with 3"):
        reader(path).splits()
    for number in (0, 1, 3):
        (tmp_path / f"part-{number}.h5").unlink()
    with pytest.raises(DataError, match=r"must be there; got: no file part-0\.h5"):
        reader(path).splits()
    inside = save(tmp_path / "b.h5")

    def arrays(number: int) -> None:
        with h5py.File(inside, "a") as file:
            file[f"part{number}"] = values()[5 * number : 5 * number + 5]

    numbered(inside, ".", "part%b", arrays)
    assert total(inside) == pytest.approx(values().sum())
    with h5py.File(inside, "a") as file:
        del file["part1"]
    with pytest.raises(DataError, match="none with the number 1, but one with 2"):
        reader(inside).splits()


def test_sources_are_not_held_open_together(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((200, 24), float)
    for number in range(200):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["part"] = values(1)
        layout[number] = h5py.VirtualSource(f"{number}.h5", "part", (1, 24))[0]
    path = save(tmp_path / "a.h5", rows=200)
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("showers", layout)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, len(os.listdir("/proc/self/fd")) + 50), hard))
    try:
        assert len(contents(path, NAMES).behind) == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_source_that_grows_is_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file.create_dataset("part", data=values(), maxshape=(None, 24), chunks=(5, 24))
    layout = h5py.VirtualLayout((1, 24), float, maxshape=(None, 24))
    layout[:ALL] = h5py.VirtualSource("part.h5", "part", (1, 24), maxshape=(None, 24))[:ALL]
    path = save(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("showers", layout)
    assert total(path) == pytest.approx(values().sum())
    (tmp_path / "part.h5").unlink()
    with pytest.raises(DataError, match=r"no file part\.h5"):
        reader(path).splits()


def test_sources_by_turns_are_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5")
    layout = h5py.VirtualLayout((20, 24), float)
    for turn, name in enumerate("bc"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["part"] = values()[turn::2]
        layout[turn::2] = h5py.VirtualSource(f"{name}.h5", "part", (10, 24))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("showers", layout)
    assert total(path) == pytest.approx(values().sum())


def test_chunks_and_arrays_that_were_never_written_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "chunks.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("showers", (20, 24), float, chunks=(5, 24))[:10] = 1
    with pytest.raises(DataError, match=r"'showers' must be written to its end; got: 2 of 4 chunks.*value 0\.0"):
        reader(path).splits()
    with h5py.File(save(path, values(), chunks=(5, 24), maxshape=(None, 24)), "a") as file:
        file["showers"].resize(30, axis=0)
        del file["incident_energies"]
        file["incident_energies"] = np.full((30, 1), 1e3)
    with pytest.raises(DataError, match="4 of 6 chunks"):
        reader(path).splits()
    with h5py.File(save(path), "a") as file:
        file.create_dataset("showers", (20, 24), float)
    with pytest.raises(DataError, match="no storage"):
        reader(path).splits()


def test_external_files_must_be_as_long_as_the_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    values().tofile("raw.bin")
    path = save(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("showers", (20, 24), float, external=[("raw.bin", 0, ALL)])
    assert total(path) == pytest.approx(values().sum())
    assert len(reader(path).inputs()) == 2
    os.truncate("raw.bin", 1000)
    with pytest.raises(DataError, match=r"must be whole; got: 1000 bytes of 3840; where: raw\.bin, named in .*a\.h5"):
        reader(path).splits()
    Path("raw.bin").unlink()
    with pytest.raises(DataError, match="got: no such file"):
        reader(path).splits()
    with h5py.File(save(path), "a") as file:
        file.create_dataset("showers", (20, 24), float, external=[("raw.bin", 0, 960), ("raw.bin", 960, 2880)])
    values().tofile("raw.bin")
    assert total(path) == pytest.approx(values().sum())


@pytest.mark.parametrize(
    ("link", "message"),
    [
        (h5py.SoftLink("/nowhere"), "that 'showers' is linked to must be there; got: no 'nowhere' in"),
        (h5py.ExternalLink("none.h5", "/x"), r"that 'showers' is linked to must be there; got: no file none\.h5"),
        (h5py.ExternalLink("other.h5", "/x"), r"is linked to must be there; got: no 'x' in .*other\.h5"),
        (h5py.SoftLink("/showers"), "links must end"),
    ],
)
def test_links_that_lead_nowhere_say_so(tmp_path: Path, link: Any, message: str) -> None:
    save(tmp_path / "other.h5")
    path = save(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["showers"] = link
    with pytest.raises(DataError, match=message):
        reader(path).splits()


def test_what_is_looked_for_where_the_library_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = halves(tmp_path)
    (tmp_path / "away").mkdir()
    for name in "ab":
        (tmp_path / f"{name}.h5").rename(tmp_path / "away" / f"{name}.h5")
    with pytest.raises(DataError, match=r"no file a\.h5"):
        reader(path).splits()
    monkeypatch.setenv("HDF5_VDS_PREFIX", "${ORIGIN}/away")  # too late to be understood: the library gives zeros
    with pytest.raises(DataError, match=r"no file a\.h5"):
        reader(path).splits()
    monkeypatch.setenv("HDF5_VDS_PREFIX", f"/nowhere:{tmp_path / 'away'}")
    assert total(path) == pytest.approx(values().sum())
    monkeypatch.delenv("HDF5_VDS_PREFIX")
    for name in "ab":
        (tmp_path / "away" / f"{name}.h5").rename(tmp_path / f"{name}.h5")
    (tmp_path / "away" / "link.h5").symlink_to(path)
    assert total(tmp_path / "away" / "link.h5") == pytest.approx(values().sum())


def test_a_missing_filter_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.h5", values(), chunks=(5, 24), compression="gzip")
    decodes = _hdf5_search._decodes
    monkeypatch.setattr(_hdf5_search, "_decodes", lambda number: number != 1 and decodes(number))
    monkeypatch.setattr(_hdf5_search, "_skipped", lambda array, place: False)
    with pytest.raises(DataError, match=r"the HDF5 filter 1 \(deflate\) that packed 'showers'.*h5repack") as caught:
        reader(path).splits()
    assert "fetch it again" not in str(caught.value)
    monkeypatch.setitem(_hdf5_search._PLUGIN, 1, "Deflate")
    monkeypatch.setattr(_hdf5_search.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    with pytest.raises(DataError, match=r"filter 1 \(Deflate\).*do: pip install hdf5plugin"):
        reader(path).splits()


def test_a_filter_that_no_chunk_was_packed_with_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(save(path), "a") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((5, 24))
        plist.set_deflate(1)
        made = h5py.h5d.create(file.id, b"showers", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((20, 24)), plist)
        for first in range(0, 20, 5):
            made.write_direct_chunk((first, 0), values()[first : first + 5].tobytes(), filter_mask=1)
    decodes = _hdf5_search._decodes
    monkeypatch.setattr(_hdf5_search, "_decodes", lambda number: number != 1 and decodes(number))
    assert total(path) == pytest.approx(values().sum())
