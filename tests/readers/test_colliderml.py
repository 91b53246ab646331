from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError, HitforgeError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.objects.track.matching import match
from hitforge.readers.colliderml import Colliderml
from tests.readers.mutations import mutations
from tests.readers.odd_files import cells_table, display, hits_table, particles_table, release, write_lists

CLOUD = DETECTORS.build("point_cloud", where="test")


def reader(path: Path | str, **settings: Any) -> Colliderml:
    return Colliderml(Colliderml.Config(path=str(path), **settings), CLOUD)


def read(path: Path | str, **settings: Any) -> Events:
    source = reader(path, **settings)
    assert source.splits() == {"train": 0, "validation": 0, "test": 1}
    return source.shard("test", 0).check(where="test")


def test_rows_of_tables_belong_together_by_their_number(tmp_path: Path) -> None:
    events = read(release(tmp_path))
    assert events.fields["event_number"].tolist() == [7, 3]
    assert events.hits.counts.tolist() == [4, 1]
    # by part of the detector, then sensor: not in the order of the file
    assert events.hits["x"].tolist() == [10, 5, 30, 20, 1]
    assert events.hits["layer"].tolist() == [17002, 17002, 17004, 24002, 16006]
    assert events.hits["subsystem"].tolist() == [1, 1, 1, 4, 0]
    np.testing.assert_allclose(events.hits["time"], [0.5, 0.2, 1.5, 1.0, 0.1])
    assert len(np.unique(events.hits["cell"])) == 5
    assert events.particles["pdg"].tolist() == [11, -211, 13]
    assert events.particles["parent"].tolist() == [1, -1, -1]
    np.testing.assert_allclose(events.particles["energy"], [5, 6, 9])
    owners = list(zip(events.links["hit"].tolist(), events.links["particle"].tolist(), strict=True))
    assert owners == [(0, 1), (2, 1), (3, 0), (0, 0)]  # particle 0 is one; the largest number is none
    assert events.fields["missing_parents"].tolist() == [1, 0]
    for name in ("dropped_hits", "untimed_hits", "shared_places", "unlinked_hits", "contrary_parts"):
        assert events.fields[name].tolist() == [0, 0], name


def test_hits_of_the_calorimeter_are_shared(tmp_path: Path) -> None:
    events = read(release(tmp_path), hits="all")
    assert events.hits.counts.tolist() == [5, 3]
    assert events.hits["subsystem"].tolist() == [1, 1, 1, 4, 9, 0, 10, 13]
    assert events.hits["energy"].tolist() == [0, 0, 0, 0, 1, 0, 4, 2]
    links = events.links.take(np.array([0]))
    of_cell = links["hit"] == 4
    np.testing.assert_allclose(links["weight"][of_cell], [0.25, 0.75])  # 2 GeV are said to be in 1 GeV
    assert links["particle"][of_cell].tolist() == [0, 1]
    last = events.links.take(np.array([1]))
    assert last["hit"].tolist() == [0, 1]
    np.testing.assert_allclose(last["weight"], [1.0, 0.75])
    only = read(release(tmp_path), hits="calorimeter")
    assert only.hits.counts.tolist() == [1, 2]
    assert only.fields["untimed_hits"].tolist() == [1, 2]


def test_what_cannot_be_kept_or_linked_is_counted(tmp_path: Path) -> None:
    hits = hits_table()
    hits["x"][0][0] = float("nan")
    hits["time"][0][1] = float("nan")
    hits["particle_id"][0][2] = 77
    hits["detector"][0][3] = 2
    for name in ("x", "y", "z", "volume_id", "layer_id", "surface_id"):  # two particles at one place
        hits[name][0][3] = hits[name][0][1]
    events = read(release(tmp_path, tracker_hits=hits))
    assert events.hits.counts.tolist() == [3, 1]
    told = {"dropped_unplaced": 1, "dropped_hits": 1, "untimed_hits": 1, "unlinked_hits": 1, "contrary_parts": 1}
    assert {name: events.fields[name].tolist() for name in told} == {name: [value, 0] for name, value in told.items()}
    assert all(events.info[name].loss == "sum" for name in (*told, "shared_places", "missing_parents"))
    assert np.isfinite(events.hits["time"]).all()


def test_columns_that_contradict_each_other_are_counted(tmp_path: Path) -> None:
    people = particles_table() | {"charge": [[1.0], [-1.0, -3.0]], "energy": [[0.01], [1.2248, 2.2678]]}
    hits = hits_table() | {"time": [[-1.0, 0.5, -999.0, 0.2], [0.1]]}
    events = read(release(tmp_path, particles=people, tracker_hits=hits), hits="all")
    told = {"other_charges": [1, 1], "other_energies": [0, 1], "early_hits": [2, 0], "scaled_hits": [1, 0]}
    assert {name: events.fields[name].tolist() for name in told} == told
    assert all(events.info[name].loss == "sum" for name in (*told, "partial_hits"))
    cells = cells_table() | {"total_energy": [[400.0, 2.0], [100.0]]}
    events = read(release(tmp_path, calo_hits=cells), hits="all")
    assert events.fields["partial_hits"].tolist() == [1, 1]


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_contributions_in_another_unit_are_refused(tmp_path: Path, factor: float) -> None:
    cells: dict[str, list[Any]] = {
        "event_id": [3, 7],
        "detector": [[10] * 5, [9]],
        "total_energy": [[1.0] * 5, [1.0]],
        **{axis: [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0]] for axis in "xyz"},
        "contrib_particle_ids": [[[4]] * 5, [[4]]],
        "contrib_energies": [[[factor]] * 4 + [[1.0]], [[1.0]]],
    }
    message = r"must sum to its 'total_energy' \[GeV\]; got: .* times as much, and others in 3 of 4 more hits"
    with pytest.raises(DataError, match=message):
        read(release(tmp_path, calo_hits=cells), hits="calorimeter")


def test_two_particles_at_one_place_are_counted(tmp_path: Path) -> None:
    hits = hits_table()
    for name, values in hits.items():
        if name not in ("event_id", "particle_id"):
            values[0][2] = values[0][1]
    assert read(release(tmp_path, tracker_hits=hits)).fields["shared_places"].tolist() == [1, 0]


def test_without_truth_no_particles_are_read(tmp_path: Path) -> None:
    path = release(tmp_path, particles=None)
    events = read(path, truth="none")
    assert set(events.collections) == {"hits"}
    with pytest.raises(DataError, match=r"'particles' must stand beside.*truth: none"):
        read(path)


def test_tables_are_found_by_name_or_named(tmp_path: Path) -> None:
    path = release(tmp_path)
    other = path.with_name("shard-4.parquet")
    path.rename(other)
    assert read(other).particles.counts.tolist() == [2, 1]  # by number in all files of the folder beside it
    old = tmp_path / "old"
    write_lists(old / "hard_scatter.reco.tracker_hits.events0-9.parquet", hits_table())
    write_lists(old / "hard_scatter.truth.particles.events0-9.parquet", particles_table())
    assert read(old / "hard_scatter.reco.tracker_hits.events0-9.parquet").particles.counts.tolist() == [2, 1]
    named = write_lists(tmp_path / "hits.parquet", hits_table())
    people = write_lists(tmp_path / "people.parquet", particles_table())
    source = reader(named, particles=str(people))
    assert source.shard("test", 0).particles.counts.tolist() == [2, 1]
    before = source.inputs()
    write_lists(people, {**particles_table(), "energy": [[9.5], [5.0, 6.0]]})
    os.utime(people, (1, 1))
    assert before[0] == reader(named, particles=str(people)).inputs()[0]
    assert before[1:] != reader(named, particles=str(people)).inputs()[1:]  # what is read beside it is hashed, too


@pytest.mark.parametrize(
    ("table", "name", "value", "message"),
    [
        ("tracker_hits", "particle_id", [[50, 51, 52, 53], [54]], "must stand in the table of particles.*none of 4"),
        ("tracker_hits", "layer_id", [[4, 2, 2, 1000], [6]], "'layer_id' must lie in 0 to 999"),
        ("tracker_hits", "y", [[3.0, 1.0], [2.0]], "must be of one length"),
        ("tracker_hits", "event_id", [7, 7], "each 'event_id' must stand once"),
        ("particles", "event_id", [3, 8], "each event must have a row in the table 'particles'.*none of event 7"),
        ("particles", "particle_id", [[4], [4, 4]], "each 'particle_id' must stand once"),
        ("particles", "particle_id", [[4], [4, 2**64 - 1]], "no 'particle_id' may be the largest number"),
        ("particles", "px", [[0.5], [1.0, float("inf")]], "'px' of a particle must be finite"),
        ("particles", "charge", [[255.0], [-1.0, -1.0]], "'charge' must be a charge"),
        ("particles", "energy", [[9e3], [5e3, 6e3]], r"energies must be those of the momenta \[GeV\]; got: 5000 for"),
        ("calo_hits", "contrib_energies", [[[1.0], []], [[1.5, 0.5]]], "must be as many; got: 3 and 1"),
        ("calo_hits", "contrib_energies", [[[1.0, -1.0, 2.0], []], [[1.5, 0.5]]], "finite and >= 0"),
        ("calo_hits", "total_energy", [[-4.0, 2.0], [1.0]], "'energy' of a hit must be >= 0"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, table: str, name: str, value: Any, message: str) -> None:
    whole = {"tracker_hits": hits_table(), "particles": particles_table(), "calo_hits": cells_table()}
    path = release(tmp_path, **{table: {**whole[table], name: value}})
    with pytest.raises(DataError, match=message):
        read(path, hits="all")


def test_a_file_without_a_place_is_refused(tmp_path: Path) -> None:
    nan = float("nan")
    with pytest.raises(DataError, match="a hit of the file must lie in the detector"):
        read(release(tmp_path, tracker_hits={**hits_table(), "x": [[nan] * 4, [nan]]}))
    with pytest.raises(ConfigError, match="needs the detector point_cloud"):
        Colliderml(Colliderml.Config(path="a"), DETECTORS.build("pixel_grid", where="test"))


def test_display_events(tmp_path: Path) -> None:
    display(tmp_path / "event_1.json.gz")
    events = read(tmp_path / "event_*.json.gz", hits="all")
    assert events.fields["event_number"].tolist() == [42]
    assert events.hits["subsystem"].tolist() == [-1, 1, 4, 15, 15]
    assert events.fields["guessed_particles"].tolist() == [3]
    assert events.info["guessed_particles"].loss == "sum"
    assert events.fields["untimed_hits"].tolist() == [5]
    assert events.links["particle"].tolist() == [1, 0, 0, 2, 0]
    assert read(tmp_path / "event_1.json.gz").hits.counts.tolist() == [3]
    assert set(read(tmp_path / "event_1.json.gz", truth="none").collections) == {"hits"}


def test_tracks_are_matched_in_them(tmp_path: Path) -> None:
    events = read(release(tmp_path))
    tracks = Collection.from_counts(np.array([2, 1]), {"track": np.array([0, 0, 0]), "hit": np.array([0, 2, 0])})
    tables = match(events, tracks)
    assert tables["matches"]["hits"].tolist() == [2, 1]
    assert tables["particles"]["hits"].tolist() == [1, 2, 1]
    assert tables["particles"]["layers"].tolist() == [1, 2, 1]


@pytest.mark.parametrize("kind", ["tracker_hits", "particles", "calo_hits", "display"])
def test_damaged_files_end_in_one_clear_error_or_are_read(tmp_path: Path, kind: str) -> None:
    path = display(tmp_path / "a.json") if kind == "display" else release(tmp_path)
    target = path if kind == "display" else tmp_path / f"ttbar_pu200_{kind}" / "train-0.parquet"
    errors = []
    for content in mutations(target.read_bytes(), 100, 5):
        target.write_bytes(content)
        try:
            read(path, hits="all")
        except HitforgeError as error:
            errors.append(error)
    assert all(error.where for error in errors)
    assert len(errors) > 25


def test_the_public_display_events() -> None:
    data = os.environ.get("HITFORGE_DATA")
    if not data or not (Path(data) / "acts_odd" / "colliderml_event_0.json.gz").is_file():
        pytest.skip("acts_odd/colliderml_event_0.json.gz of HITFORGE_DATA")
    events = read("acts_odd/colliderml_event_*.json.gz", hits="all")
    assert events.hits.counts.tolist() == [1592, 2344, 2511]
    assert events.links.counts.tolist() == [1592, 2344, 2511]
    assert events.particles.counts.tolist() == [81, 73, 88]
    assert (events.hits["subsystem"] >= 0).all()
