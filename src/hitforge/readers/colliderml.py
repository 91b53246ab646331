"""ColliderML: events of the Open Data Detector, Parquet tables with one row an event, and JSON display events."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.units import C_LIGHT
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import require_point_cloud
from hitforge.events import Collection, Events, FieldInfo
from hitforge.events.schema import ORIGIN
from hitforge.readers._event_fields import OTHER_CHARGES, other_energies, refuse_charges, wrong_charges
from hitforge.readers._foreign import foreign
from hitforge.readers._keys import find_ids, unique_ids
from hitforge.readers._list_tables import event_ids, read_lists
from hitforge.readers._odd_display import Display, is_display, read_display
from hitforge.readers._paths import expand
from hitforge.readers._root import ROUNDING, SCALED, particles
from hitforge.readers.files import FileConfig, FileReader, build, drops, physical
from hitforge.readers.public import locate

_PLACE = dict.fromkeys("xyz", "float")
_TRACKER = {**_PLACE, "volume_id": "int", "layer_id": "int", "surface_id": "int"}
_CALORIMETER = {**_PLACE, "total_energy": "float", "detector": "int"}
_MOMENTUM, _VERTEX = ("px", "py", "pz"), ("vx", "vy", "vz")
_PARTICLES = {
    "particle_id": "id",
    "pdg_id": "int",
    **dict.fromkeys(("energy", "charge", *_MOMENTUM, *_VERTEX, "time"), "float"),
}
_LIMITS = {"volume_id": 2**15, "layer_id": 1000, "surface_id": 2**32}  # so that cell and layer hold them
_PARTS = {16: 0, 17: 1, 18: 2, 23: 3, 24: 4, 25: 5, 28: 6, 29: 7, 30: 8}  # volume -> part of the tracker
_UNKNOWN_PART = 15  # of the calorimeter, where a display event does not say which
_EARLY = 1.0  # ns: light from anywhere near the origin is not so much later than a hit
_UNIT, _FEW = 300.0, 4  # energies that differ by more are of another unit, which fewer hits do not tell
_HALF, _NOTHING = 0.5, 1e-30  # GeV: shares of a hit with less stay finite
_NOBODY = -1  # the largest number of 64 bits: no particle
Shares = tuple[Array, Array, Array]
"""Hit, number of the particle and share of the hit's energy."""


class Colliderml(FileReader):
    """Hits and particles of ColliderML (arXiv 2512.15230), Parquet tables of Release 1 and JSON display events.

    The source names the tables of tracker hits; those of particles and of calorimeter hits are the file, or the folder
    of files, whose path says ``particles`` or ``calo_hits`` instead of ``tracker_hits``, or what ``particles`` and
    ``cells`` name. Rows of different tables belong together by ``event_id``, never by their order.

    A row of the tracker is a simulated hit with the place of its cluster: a cluster of several particles has several
    rows, counted in ``shared_places``. The largest number of 64 bits names no particle; 0 is a particle like others.
    Hits are sorted by sensor and place, so that their order tells nothing of the truth. ``subsystem`` is the part of
    the detector, 0 to 8 in the tracker (pixels, short and long strips; -z end, barrel, +z end), 9 to 14 in the
    calorimeter; ``layer`` is 1000 times the volume plus the layer, ``cell`` the sensor, from volume, layer and surface.
    Display events name no layers and no sensors: ``cell`` is the hit's number; the directions of their particles are
    guessed and counted, see ``read_display``.
    """

    class Config(FileConfig):
        """Files, and what of them is read."""

        hits: Literal["tracker", "calorimeter", "all"] = Field("tracker", description="which hits are read")
        truth: Literal["required", "none"] = Field("required", description="none: particles are not read")
        particles: str | tuple[str, ...] | None = Field(
            None, description="tables of particles, or patterns; null: named as those of hits"
        )
        cells: str | tuple[str, ...] | None = Field(
            None, description="tables of calorimeter hits, or patterns; null: named as those of hits"
        )

    BLOCK = 8

    def __init__(self, config: Config, detector: Detector) -> None:
        require_point_cloud(detector, "colliderml")
        super().__init__(config, detector)

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        if is_display(path):
            read_display(path)
            return 1
        return len(self._ids(path))

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        if is_display(path):
            return self._shown(read_display(path), path)
        tracker, calorimeter = (self.config.hits in (part, "all") for part in ("tracker", "calorimeter"))
        asked = self._ids(path)[first:last]
        truth = self.config.truth == "required"
        optional = {"time": "float", "detector": "int", **({} if truth else {"particle_id": "id"})}
        need = {**_TRACKER, **({"particle_id": "id"} if truth else {})}
        nothing: list[dict[str, Any]] = [{}] * len(asked)
        hits = read_lists(path, first, last, need, optional) if tracker else nothing
        more = {"contrib_particle_ids": "ids", "contrib_energies": "floats"} if truth else {}
        cells = self._beside(path, "calo_hits", asked, {**_CALORIMETER, **more}) if calorimeter else nothing
        people = self._beside(path, "particles", asked, _PARTICLES, {"parent_id": "parent"}) if truth else nothing
        parts = []
        for at, number in enumerate(asked):
            where = f"{path}, event {first + at}"
            columns, shares = self._tracker_hits(hits[at], where) if tracker else (_no_hits(), _no_shares())
            if calorimeter:
                further, owners = _calorimeter_hits(cells[at], truth, where)
                columns, shares = _joined(columns, shares, further, owners)
            parts.append(self._event(columns, shares, people[at] if truth else None, int(number), path, first + at))
        return Events.concatenate(parts)

    @cached_property
    def _known(self) -> dict[Path, Array]:
        return {}

    def _ids(self, path: Path) -> Array:
        """Numbers of the events of a table, (rows,); looked up once."""
        if path not in self._known:
            self._known[path] = event_ids(path)
        return self._known[path]

    def _siblings(self, path: Path, table: str) -> list[Path]:
        """Files of another table of the same events."""
        given = {"particles": self.config.particles, "calo_hits": self.config.cells}[table]
        if given is not None:
            names = (given,) if isinstance(given, str) else given
            found = expand(
                names, lambda match, folder: (folder / match) if (folder / match).is_file() else None, locate
            )
            return list(found.values())
        twin = path.parent.with_name(path.parent.name.replace("tracker_hits", table))
        name = path.name.replace("tracker_hits", table)
        for candidate in (twin / name, twin / name.replace(".reco.", ".truth.")):
            if candidate.is_file() and candidate != path:
                return [candidate]
        if twin != path.parent and (files := sorted(twin.glob("*.parquet"))):
            return files
        setting = "particles" if table == "particles" else "cells"
        raise DataError(
            f"the table '{table}' must stand beside that of the hits",
            came=f"neither {twin / name} nor files in {twin}" if twin != path.parent else f"no {name}",
            where=path,
            do=f"let '{setting}' name it" + (", or set 'truth: none'" if table == "particles" else ""),
        )

    def _beside(
        self, path: Path, table: str, asked: Array, need: dict[str, str], optional: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Columns of another table, for each of the events ``asked``, found by their numbers."""
        files = self._siblings(path, table)
        numbers = []
        for file in files:
            with foreign(file):
                numbers.append(self._ids(file))
        owner = np.repeat(np.arange(len(files)), [len(each) for each in numbers])
        row, ids = np.concatenate([np.arange(len(each)) for each in numbers]), np.concatenate(numbers)
        found = find_ids(asked, ids, unique_ids(ids, "event_id", files[0]))
        lost = np.flatnonzero(found < 0)
        if len(lost):
            came = f"none of event {asked[lost[0]]}, and {len(lost) - 1} more such events"
            raise DataError(f"each event must have a row in the table '{table}'", came=came, where=files[0])
        result = []
        for at in found:
            with foreign(files[owner[at]]):
                result += read_lists(files[owner[at]], int(row[at]), int(row[at]) + 1, need, optional)
        return result

    def _behind(self, path: Path) -> list[Path]:
        """Return the tables that are read beside one of hits."""
        if is_display(path):
            return []
        tables = ["particles"] if self.config.truth == "required" else []
        tables += ["calo_hits"] if self.config.hits != "tracker" else []
        return [file for table in tables for file in self._siblings(path, table)]

    def _tracker_hits(self, table: dict[str, Any], where: str) -> tuple[dict[str, Array], Shares]:
        for name, limit in _LIMITS.items():
            wrong = np.flatnonzero((table[name] < 0) | (table[name] >= limit))
            if len(wrong):
                raise DataError(f"'{name}' must lie in 0 to {limit - 1}", came=table[name][wrong[0]], where=where)
        volume, layer = table["volume_id"], table["layer_id"]
        columns = {
            **{axis: table[axis] for axis in "xyz"},
            "time": table.get("time", np.full(len(volume), np.nan)),
            "energy": np.zeros(len(volume)),
            "cell": (volume << 48) | (layer << 32) | table["surface_id"],
            "layer": 1000 * volume + layer,
            "subsystem": table["detector"] if "detector" in table else _parts(volume),
        }
        owner = table.get("particle_id", np.full(len(volume), _NOBODY))
        return columns, (np.arange(len(volume)), owner, np.ones(len(volume)))

    def _shown(self, event: Display, path: Path) -> Events:
        """Events of a display event, one."""
        columns, shares, parts = _no_hits(), _no_shares(), []
        if self.config.hits != "calorimeter":
            hits = event.tracker
            parts.append((hits, np.zeros(len(hits["x"])), hits["hit_id"], _parts(hits["volume_id"])))
        if self.config.hits != "tracker":
            hits = event.calorimeter
            rows = np.arange(len(hits["x"]))
            parts.append((hits, hits["energy"], rows, np.full(len(rows), _UNKNOWN_PART)))
        for hits, energy, cell, part in parts:
            layer = 1000 * hits["volume_id"] if "volume_id" in hits else np.zeros(len(cell), np.int64)
            further = {**{axis: hits[axis] for axis in "xyz"}, "time": np.full(len(cell), np.nan), "energy": energy}
            further |= {"cell": cell, "layer": layer, "subsystem": part}
            owners = np.arange(len(cell)), hits["particle_id"], np.ones(len(cell))
            columns, shares = _joined(columns, shares, further, owners)
        people = event.particles if self.config.truth == "required" else None
        events = self._event(columns, shares, people, event.number, path, 0)
        guessed = np.array([0 if people is None else len(people["pdg"])])
        info = FieldInfo("int32", "", "particles whose vertex and direction are guessed from their first hit", "sum")
        return events.with_fields({"guessed_particles": guessed}, {"guessed_particles": info})

    def _event(
        self,
        columns: dict[str, Array],
        shares: Shares,
        people: dict[str, Any] | None,
        number: int,
        path: Path,
        row: int,
    ) -> Events:
        """One event out of its hits, their shares and the particles."""
        rows = len(columns["x"])
        self.refuse_large(np.array([rows]), path, row)
        unplaced = ~np.isfinite(np.stack([columns[axis] for axis in "xyz"])).all(axis=0)
        self.saw(~unplaced, **{axis: columns[axis][~unplaced] for axis in "xyz"} if not unplaced.all() else {})
        untimed = ~unplaced & ~np.isfinite(columns["time"])
        zero = np.zeros(rows, np.int64)
        physical({"energy": columns["energy"]}, zero, path, row)
        fields = drops(zero, columns["energy"], {"unplaced": unplaced}, 1)
        kept = np.flatnonzero(~unplaced)
        kept = kept[np.lexsort(tuple(columns[name][kept] for name in ("z", "y", "x", "cell", "subsystem")))]
        place = np.stack([columns[name][kept] for name in ("subsystem", "cell", "x", "y", "z")])
        same = (np.diff(place, axis=1) == 0).all(axis=0)
        part = _parts(columns["layer"] // 1000)
        contrary = ~unplaced & (part >= 0) & (part != columns["subsystem"])
        with np.errstate(invalid="ignore"):
            flight = np.sqrt(sum(columns[axis] ** 2 for axis in "xyz")) / C_LIGHT
            early = ~unplaced & (columns["time"] < flight - _EARLY)
        columns["time"] = np.where(untimed, 0.0, columns["time"])
        more: dict[str, Collection] = {}
        told: dict[str, tuple[int, str]] = {}
        if people is not None:
            more, told = _truth(people, shares, kept, columns["subsystem"] > max(_PARTS.values()), path, row)
        counted = {
            "untimed_hits": (untimed.sum(), "hits kept without a time"),
            "early_hits": (early.sum(), f"hits kept that were there more than {_EARLY:g} ns before light"),
            "shared_places": (same.sum(), "hits kept at the very place of another: one cluster of several particles"),
            "contrary_parts": (contrary.sum(), "hits kept whose 'detector' is not the part that their volume is"),
            **told,
        }
        fields |= {
            name: (np.array([value]), FieldInfo("int32", "", text, "sum")) for name, (value, text) in counted.items()
        }
        fields["event_number"] = np.array([number]), ORIGIN["event_number"]
        return build(np.array([len(kept)]), {name: values[kept] for name, values in columns.items()}, fields, **more)


def _truth(
    people: dict[str, Any], shares: Shares, kept: Array, calorimeter: Array, path: Path, row: int
) -> tuple[dict[str, Collection], dict[str, tuple[int, str]]]:
    """Particles and links of one event, and what could not be linked; ``calorimeter`` says where each hit is."""
    where = f"{path}, event {row}"
    ids = people["particle_id"]
    if (ids == _NOBODY).any():
        raise DataError("no 'particle_id' may be the largest number: it names no particle", came="one", where=where)
    order = unique_ids(ids, "particle_id", path)
    numbers = [name for name in (*_MOMENTUM, *_VERTEX, "energy", "charge", "time") if name in people]
    for name in numbers:
        bad = np.flatnonzero(~np.isfinite(people[name]))
        if len(bad):
            raise DataError(f"'{name}' of a particle must be finite", came=people[name][bad[0]], where=where)
    refuse_charges(people["charge"], "charge", path)
    hit, owner, _ = shares
    weight, told = _shares(shares, kept, calorimeter, where)
    new = np.full(len(calorimeter), -1)
    new[kept] = np.arange(len(kept))
    index = find_ids(owner, ids, order)
    someone = (owner != _NOBODY) & (new[hit] >= 0)
    unlinked = someone & (index < 0)
    linked = someone & (index >= 0)
    for part in (calorimeter[hit], ~calorimeter[hit]):
        if (someone & part).any() and not (linked & part).any():
            raise DataError(
                "the particles of hits must stand in the table of particles",
                came=f"none of {len(np.unique(owner[someone & part]))} such particles",
                where=where,
                do="are both tables of the same events and release?",
            )
    parent, orphans = np.full(len(ids), -1), 0
    if "parent_id" in people:
        known = find_ids(people["parent_id"], ids, order)
        parent = np.where(known == np.arange(len(ids)), -1, known)
        orphans = int(((known < 0) & (people["parent_id"] > 0)).sum())  # -1, 0 and null: none
    columns = {name: people[name] for name in numbers} | {"pdg": people.get("pdg_id", people.get("pdg"))}
    pair = np.stack([new[hit[linked]], index[linked]])
    pair, back = np.unique(pair, axis=1, return_inverse=True)
    links = {"hit": pair[0], "particle": pair[1], "weight": np.bincount(back.ravel(), weight[linked], pair.shape[1])}
    momentum, charge = np.stack([people[name] for name in _MOMENTUM]), people["charge"]
    told |= {
        "other_charges": (int(wrong_charges(charge, columns["pdg"]).sum()), OTHER_CHARGES.description),
        "other_energies": (
            other_energies(people["energy"], momentum, columns["pdg"], path),
            "particles whose energy is not that of their momentum and kind, or below their momentum",
        ),
        "unlinked_hits": (len(np.unique(hit[unlinked])), "hits kept whose particle is not in the table of particles"),
        "missing_parents": (orphans, "particles whose parent is not in the table of particles"),
    }
    return {
        "particles": particles(np.array([len(ids)]), {**columns, "parent": parent}),
        "links": Collection.from_counts(np.array([pair.shape[1]]), links),
    }, told


def _calorimeter_hits(table: dict[str, Any], truth: bool, where: str) -> tuple[dict[str, Array], Shares]:
    """Columns of the hits of the calorimeter, and who made them."""
    rows, energy = len(table["x"]), table["total_energy"]
    columns = {
        **{axis: table[axis] for axis in "xyz"},
        "time": np.full(rows, np.nan),
        "energy": energy,
        "cell": np.arange(rows),
        "layer": np.zeros(rows, np.int64),
        "subsystem": table["detector"],
    }
    if not truth:
        return columns, _no_shares()
    (owner, counts), (part, same) = table["contrib_particle_ids"], table["contrib_energies"]
    wrong = np.flatnonzero(counts != same)
    if len(wrong):
        came = f"{counts[wrong[0]]} and {same[wrong[0]]} in hit {wrong[0]}"
        raise DataError("particles and energies that a hit is made of must be as many", came=came, where=where)
    if not np.isfinite(part).all() or (part < 0).any():
        raise DataError("'contrib_energies' must be finite and >= 0 GeV", came="one that is not", where=where)
    hit = np.repeat(np.arange(rows), counts)
    return columns, (hit, owner, part / np.maximum(energy[hit], _NOTHING))


def _shares(shares: Shares, kept: Array, calorimeter: Array, where: str) -> tuple[Array, dict[str, tuple[int, str]]]:
    """Shares, of which no hit gives away more than it has, and counts of what their sums in the calorimeter tell.

    Raises:
        DataError: Most hits have another energy than what they are made of, as where one is in another unit.
    """
    hit, _, weight = shares
    total = np.bincount(hit, weight, len(calorimeter))
    sums = total[kept][calorimeter[kept]]
    sums = sums[sums > 0]
    wrong = sums[(sums > _UNIT) | (sums * _UNIT < 1)]
    if 2 * len(wrong) > len(sums) >= _FEW:
        must = "'contrib_energies' of a hit must sum to its 'total_energy' [GeV]"
        came = f"{wrong[0]:.4g} times as much, and others in {len(wrong) - 1} of {len(sums) - 1} more hits"
        raise DataError(must, came=came, where=where, do="write both in GeV")
    return weight / np.maximum(total[hit], 1.0), {
        "scaled_hits": (int((sums > ROUNDING).sum()), SCALED.description),
        "partial_hits": (int((sums < _HALF).sum()), "hits whose contributions are less than half of their energy"),
    }


def _parts(volume: Array) -> Array:
    """Part of the tracker that a volume is, (H,) int64, -1 for one that is not known."""
    known = np.full(max(_LIMITS["volume_id"], int(volume.max(initial=0)) + 1), -1)
    known[list(_PARTS)] = list(_PARTS.values())
    return known[np.maximum(volume, 0)]


def _joined(
    columns: dict[str, Array], shares: Shares, further: dict[str, Array], owners: Shares
) -> tuple[dict[str, Array], Shares]:
    """Hits of an event and, behind them, further ones."""
    hit, owner, part = (
        np.concatenate(both) for both in zip(shares, (owners[0] + len(columns["x"]), *owners[1:]), strict=True)
    )
    return {name: np.concatenate([columns[name], further[name]]) for name in columns}, (hit, owner, part)


def _no_hits() -> dict[str, Array]:
    floats, whole = np.empty(0), np.empty(0, np.int64)
    return {**dict.fromkeys((*"xyz", "time", "energy"), floats), **dict.fromkeys(("cell", "layer", "subsystem"), whole)}


def _no_shares() -> Shares:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
