"""Events that were not written or are given twice are refused; every file that is read through is hashed."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import pytest

from hitforge.core.errors import DataError, HitforgeError
from hitforge.readers._hdf5 import Hdf5Reader, contents, floats, refuse_unwritten_rows
from hitforge.readers.calochallenge import Calochallenge
from tests.readers.hdf5_files import NAMES, halves, reader, save, total, values
from tests.readers.mutations import hdf5_kinds, mutations


@pytest.mark.parametrize("kind", ["rest of a chunk", "contiguous", "early"])
def test_a_tail_of_events_without_values_is_refused(tmp_path: Path, kind: str) -> None:
    written = 14
    path = save(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        if kind == "early":
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_chunk((5, 24))
            plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            h5py.h5d.create(file.id, b"showers", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((20, 24)), plist)
        else:
            chunks = {"chunks": (20, 24)} if kind != "contiguous" else {}
            file.create_dataset("showers", (20, 24), float, **chunks)
        file["showers"][:written] = values()[:written]
        if kind == "early":
            assert file["showers"].id.get_num_chunks() == 4
    with pytest.raises(DataError, match=r"fill value 0 in the last 6 of 20 events.*the first 14 with 'limit'"):
        reader(path).splits()
    assert total(path, limit=14) == pytest.approx(values()[:14].sum())
    with h5py.File(path, "a") as file:
        file["showers"][:19] = values()[:19]  # one empty event may be true
        refuse_unwritten_rows(file["showers"], "showers", path, None)
    assert total(path) == pytest.approx(values()[:19].sum())


def test_a_file_behind_a_link_is_part_of_the_hash(tmp_path: Path) -> None:
    for make, changed in ((halves, "b.h5"), (None, "target.h5")):
        if make:
            path = make(tmp_path)
        else:
            save(tmp_path / changed, values())
            path = tmp_path / "named.h5"
            with h5py.File(path, "w") as file:
                for name in NAMES:
                    file[name] = h5py.ExternalLink(changed, "/" + name)
        before = reader(path).inputs()
        with h5py.File(tmp_path / changed, "a") as file:
            array = file["part" if make else "showers"]
            array[...] = array[...] * 2
        after = reader(path).inputs()
        assert before[0] == after[0]
        assert before != after


def test_the_same_events_through_links_are_refused(tmp_path: Path) -> None:
    path = halves(tmp_path)
    save(tmp_path / "target.h5", values())
    for one in ("one.h5", "two.h5"):
        with h5py.File(tmp_path / one, "w") as file:
            file.attrs["made"] = one
            for name in NAMES:
                file[name] = h5py.ExternalLink("target.h5", "/" + name)
    message = r"each event must be named once.*'.*target\.h5', which '.*one\.h5' reads"
    with pytest.raises(DataError, match=message):
        reader(tmp_path / "one.h5", tmp_path / "target.h5").splits()
    with pytest.raises(DataError, match=r"'.*one\.h5' and '.*two\.h5', which both read .*target\.h5"):
        reader(tmp_path / "one.h5", tmp_path / "two.h5").splits()
    for name, rows in (("first", slice(0, 10)), ("last", slice(10, 20)), ("middle", slice(5, 15))):
        layout = h5py.VirtualLayout((10, 24), float)
        layout[:] = h5py.VirtualSource("target.h5", "showers", (20, 24))[rows]
        with h5py.File(save(tmp_path / f"{name}.h5", rows=10), "a") as file:
            file.create_virtual_dataset("showers", layout)
            file.attrs["made"] = name
    parts = [tmp_path / f"{name}.h5" for name in ("first", "last", "middle")]
    assert total(*parts[:2]) == pytest.approx(values().sum())  # each event once
    with pytest.raises(DataError, match="which both read"):
        reader(*parts).splits()
    with pytest.raises(DataError, match=r"'.*whole\.h5' and event \d+ of '.*target\.h5', which hold the same hits"):
        total(path, tmp_path / "target.h5")  # a copy of the values, stored otherwise


def test_contents_are_found_anew_when_a_file_changes(tmp_path: Path) -> None:
    path = halves(tmp_path)
    first = contents(path, NAMES)
    assert contents(path, NAMES) is first
    assert [each.name for each in first.behind] == ["a.h5", "b.h5"]
    (tmp_path / "b.h5").unlink()
    with pytest.raises(DataError, match=r"no file b\.h5"):
        contents(path, NAMES)
    assert contents(save(tmp_path / "c.h5", values()), (*NAMES, "more"), ("more",)).names == list(NAMES)
    with h5py.File(tmp_path / "c.h5") as file:
        assert floats(file["showers"], "showers", path).shape == (20, 24)
    assert issubclass(Calochallenge, Hdf5Reader)


@pytest.mark.parametrize("kind", ["plain", "virtual", "external", "unallocated"])
def test_damaged_files_end_in_a_clear_error_or_are_read(tmp_path: Path, kind: str) -> None:
    path = hdf5_kinds(tmp_path)[kind]
    if kind != "unallocated":
        assert total(path) > 0
    damaged = [tmp_path / f"{kind}-{number}.h5" for number in range(42)]
    for file, content in zip(damaged, mutations(path.read_bytes(), 40, seed=len(kind)), strict=True):
        file.write_bytes(content)
    crashed, fork = [], multiprocessing.get_context("fork")
    done = fork.Value("i", 0)
    while done.value < len(damaged):  # the HDF5 library itself dies of very few
        process = fork.Process(target=read_each, args=(damaged, done))
        process.start()
        process.join(60)
        process.kill()
        process.join()
        assert process.exitcode is not None
        assert process.exitcode <= 0, f"{damaged[done.value].name} ends in an error that is not ours"
        if process.exitcode < 0:
            crashed.append(damaged[done.value].name)
            done.value += 1
    assert len(crashed) <= 1, crashed


def read_each(files: list[Path], done: Any) -> None:
    while done.value < len(files):
        with suppress(HitforgeError):
            source = reader(files[done.value])
            source.inputs()
            source.shard("test", 0).check()
        done.value += 1


def test_a_fill_value_among_written_events_is_no_energy(tmp_path: Path) -> None:
    fill = 9.969209968386869e36  # netCDF's
    rows = values()
    path = save(tmp_path / "a.h5", rows, fillvalue=fill)
    assert total(path) == pytest.approx(rows.sum())
    rows[5, 3:] = rows[9] = fill
    with pytest.raises(DataError, match=r"'showers' must have been written.*fill value 9.96.*1 more.*a.h5, event 5"):
        total(save(tmp_path / "a.h5", rows, fillvalue=fill))


def test_packed_numbers_and_groups_of_the_name_are_told_as_what_they_are(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", values())
    for name, good, bad in (("scale_factor", 1.0, 0.01), ("add_offset", [0.0], [3.0])):
        for value in (good, bad, good):
            with h5py.File(path, "a") as file:
                file["showers"].attrs[name] = value
            if value is bad:
                with pytest.raises(DataError, match=rf"'showers' must stand as they are; got: the attribute {name}"):
                    total(path)
    assert total(path) == pytest.approx(values().sum())
    with h5py.File(save(tmp_path / "b.h5"), "a") as file:
        file["showers/block0_values"] = values()  # as pandas writes it
    with pytest.raises(DataError, match=r"array 'showers'; got: a group of that name with block0_values"):
        total(tmp_path / "b.h5")


def test_a_chunk_that_fails_its_checksum_is_to_be_fetched_again(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", values(), chunks=(5, 24), fletcher32=True)
    with h5py.File(path) as file:
        place = file["showers"].id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 40] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"filter returned failure.*a.h5; do: fetch it again"):
        total(path)
