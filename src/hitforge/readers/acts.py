"""ACTS events: measurements, cells, simulated hits and particles, as CSV or Parquet."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import Field

from hitforge.acts.geometry import volume_of
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.files import content_hash
from hitforge.core.units import C_LIGHT
from hitforge.detectors import Detector, Modules, TrackerDetector
from hitforge.detectors.point_cloud import PointCloud
from hitforge.events import Collection, Events, FieldInfo
from hitforge.readers._clusters import repeated, shapes
from hitforge.readers._event_fields import (
    far_hits,
    other_charges,
    refuse_charges,
    refuse_far,
    refuse_no_link,
    refuse_other_masses,
    repeated_cells,
    truth_field,
    untold_hits,
    without_cells,
)
from hitforge.readers._event_files import EventFilesConfig, EventFilesReader, number_of
from hitforge.readers._keys import find_ids, finite, refuse_unknown, unique_ids
from hitforge.readers._root import particles
from hitforge.readers._sensors import assemble, sensor_distance
from hitforge.readers._surfaces import read_surfaces
from hitforge.readers._tables import ENDINGS, read_table
from hitforge.readers.files import drops
from hitforge.readers.public import locate

_KEYS = [f"particle_id_{part}" for part in ("pv", "sv", "part", "gen", "subpart")]
_ANY_KEY = {"particle_id": "id", **dict.fromkeys(_KEYS, "int")}
_MAP, _HITS = ("measurement-simhit-map",), ("hits", "simhits")
_PARTICLES = ("particles_simulated", "particles_initial", "particles")
_LOCAL = ("local0", "local1", "var_local0", "var_local1")
_TRUE_PLACE = ("tx", "ty", "tz")
_OFF, _FAR = 1.0, 20.0  # mm: that a measurement may lie beyond the edge of its sensor, and from its simulated hits
_FINE = 1e-4  # mm: no sensor measures better, a smaller error is unknown or of another unit
_MOMENTA = ("vx", "vy", "vz", "vt", "px", "py", "pz", "m", "q")
_Truth = tuple[Collection, Array, Array, Array]  # particles, and measurement, particle and weight of each link


class Acts(EventFilesReader):
    """Measurements on their sensors, with the particles whose simulated hits they come from.

    An event is the tables ``<event>-measurements``, ``-measurement-simhit-map``, ``-hits`` (or ``-simhits``),
    ``-particles_simulated`` (or ``_initial``, or ``-particles``) and, if there is one, ``-cells`` (CSV or Parquet).
    Tables that the event lacks are taken from the same event under another prefix, where a folder has one: one
    simulation may have been digitised twice. The tables of another simulation, whose simulated hits are others, are not
    taken. Particles are told apart by the five columns of newer versions, whose
    times are lengths, or by ``particle_id``; ids of hits and measurements are those of the columns ``hit_id`` and
    ``measurement_id``, or rows where a table has no such column. A measurement that several simulated hits were merged
    into is shared among them equally.

    The detector is one whose cells are geometry ids of ACTS (silicon_barrel_endcap), or point_cloud together with the
    table of surfaces that ACTS wrote: then a hit's layer is counted over its sensitive layers.
    """

    class Config(EventFilesConfig):
        """Events, split and surfaces."""

        surfaces: str = Field(
            "", description="table of the detector's surfaces (CSV or Parquet), for the detector point_cloud"
        )
        particles: str = Field(
            "", description="table of the particles, such as particles_selected; empty: the simulated ones"
        )

    TABLE = "measurements"
    TABLES = ("measurements", "cells", *_MAP, *_HITS, *_PARTICLES)
    ALIKE = ("cells",)

    def __init__(self, config: Config, detector: Detector) -> None:
        fits = isinstance(detector, PointCloud) if config.surfaces else isinstance(detector, TrackerDetector)
        if not fits:
            must = "acts needs point_cloud with 'surfaces', or a tracker such as silicon_barrel_endcap without"
            raise ConfigError(must, came=f"{detector.name}, surfaces '{config.surfaces}'", where="detector")
        super().__init__(config, detector)

    @cached_property
    def _modules(self) -> Modules:
        if not self.config.surfaces:
            return self.detector.modules  # type: ignore[no-any-return]
        return read_surfaces(locate(self.config.surfaces))

    def _event(self, event: Path, number: int) -> Events:
        need = {"geometry_id": "id", **dict.fromkeys(_LOCAL, "float")}
        path, table = self._need(event, "measurements", need, {"measurement_id": "int", "var_time": "float"})
        rows = len(table["geometry_id"])
        ids = table.get("measurement_id", np.arange(rows))
        if not rows:
            raise DataError("the event must have measurements", came="none", where=path)
        self.refuse_large(np.array([rows]), path, number)
        finite(table, _LOCAL, path)
        order, modules = unique_ids(ids, "measurement_id", path), self._modules
        row = find_ids(table["geometry_id"], modules.number, np.argsort(modules.number))
        self.saw(row >= 0, volume=volume_of(table["geometry_id"]))
        u, v = table["local0"], table["local1"]
        xyz = modules.centre[row] + u[:, None] * modules.axes[row, 0] + v[:, None] * modules.axes[row, 1]  # (N, 3)
        sizes, again = self._shapes(event, ids, order, table["geometry_id"])
        clusters = {
            "u": u,
            "v": v,
            "sigma_u": np.sqrt(np.maximum(table["var_local0"], 0)),
            "sigma_v": np.sqrt(np.maximum(table["var_local1"], 0)),
            "weight": np.zeros(rows),
            **sizes,
        }
        fields = drops(np.zeros(rows, np.int64), np.zeros(rows), {"unknown_module": row < 0}, 1)
        fields["hits_without_cells"] = without_cells(clusters["cells"])
        lengths = np.zeros((2, rows))  # mm: how long the sensor is along what is not measured
        vague = np.zeros(rows, np.bool_)
        for name, local, half in (
            ("u", u, np.maximum(modules.half_u_low, modules.half_u_high)),
            ("v", v, modules.half_v),
        ):
            unmeasured = (local == 0) & (table[f"var_local{'uv'.index(name)}"] == 0)  # as ACTS writes it of strips
            what = f"hits in the file whose {name} is not measured: that of the sensor's centre is taken"
            fields[f"unmeasured_{name}"] = np.array([unmeasured.sum()]), FieldInfo("int32", "", what, "sum")
            lengths["uv".index(name)] = np.where(unmeasured, half[row], 0.0)
            vague |= ~unmeasured & (clusters[f"sigma_{name}"] < _FINE)
        what = "hits in the file whose error of u or v is not told, or below 0.1 um"
        fields["hits_without_errors"] = np.array([vague.sum()]), FieldInfo("int32", "", what, "sum")
        times = (table.get("var_time", np.zeros(rows)) > 0).sum()
        what = "hits in the file whose time is measured and is not read"
        fields["unread_times"] = np.array([times]), FieldInfo("int32", "", what, "sum")
        fields["repeated_cells"] = repeated_cells(again)
        off = self._off_sensor(row, u, v, path)
        near = np.where(row >= 0, np.hypot(*lengths) + _FAR, np.inf)
        truth, kind, unlinked, silent, far = self._truth(event, ids, order, table["geometry_id"], xyz, near)
        fields["hits_without_truth"] = untold_hits(silent)
        fields["far_hits"] = far_hits(off + far)
        if truth is not None:
            fields["other_charges"] = other_charges(truth[0]["charge"], truth[0]["pdg"])
        fields["truth"] = truth_field(kind)
        info = FieldInfo(
            "int32", "", "simulated hits of measurements whose particle is not in the table of particles", "sum"
        )
        fields["unlinked_hits"] = np.array([unlinked]), info
        return assemble(modules, row, row >= 0, xyz, clusters, truth, fields)

    def _off_sensor(self, row: Array, u: Array, v: Array, path: Path) -> int:
        """Number of measurements beyond the edges of their sensors, whose unit or sensors may be others."""
        modules = self._modules
        sized = (row >= 0) & (modules.half_v[row] > 0)
        away = sensor_distance(modules, row[sized], np.stack([u, v, np.zeros(len(u))], axis=1)[sized])
        do = "check the unit of local0 and local1, and whether these are the detector's surfaces"
        return refuse_far(away, _OFF, "measurements must lie on their sensors", path, do)

    def _shapes(self, event: Path, ids: Array, order: Array, surface: Array) -> tuple[dict[str, Array], int]:
        """Sizes and charges of clusters, and how many cells stand again."""
        path = self._table(event, "cells")
        none = np.zeros(len(ids), np.int64)
        if path is None:
            return {"size_u": none, "size_v": none, "cells": none, "charge": none}, 0
        need = {"channel0": "int", "channel1": "int", "value": "float"}
        cells = read_table(path, need, {"measurement_id": "int", "hit_id": "int", "geometry_id": "id"})
        name = "measurement_id" if "measurement_id" in cells else "hit_id"  # of the measurement, in older versions too
        if name not in cells:
            raise DataError("the table must have the column measurement_id", came="none", where=path)
        hit = find_ids(cells[name], ids, order)
        refuse_unknown(hit, cells[name], f"each cell must name a measurement of the event in '{name}'", path)
        finite(cells, ["value", "channel0", "channel1"], path, low=0)
        again = repeated(hit, cells["channel0"], cells["channel1"])
        if "geometry_id" in cells:
            _refuse_apart(cells["geometry_id"], surface[hit], "a cell and its measurement", path, name)
        return shapes(hit, cells["channel0"], cells["channel1"], cells["value"], len(ids)), again

    def _truth(
        self, event: Path, ids: Array, order: Array, surface: Array, xyz: Array, near: Array
    ) -> tuple[_Truth | None, int, int, int, int]:
        """Particles and links, what is known, and counts: simulated hits without particle, hits unnamed, and far."""
        if self.config.truth == "none":
            return None, 0, 0, len(ids), 0
        link_path = self._find(event, *_MAP)
        if link_path is None and self.config.truth == "optional":
            nothing = np.empty(0, np.int64)
            return (particles(np.zeros(1, np.int64), {}), nothing, nothing, nothing), 0, 0, len(ids), 0
        link_path = self._found_table(event, *_MAP)
        link = read_table(link_path, {"measurement_id": "int", "hit_id": "int"})
        path = self._found_table(event, *_HITS)
        more = {"hit_id": "int", "geometry_id": "id", **dict.fromkeys(_TRUE_PLACE, "float")}
        hits = read_table(path, {}, {**_ANY_KEY, **more})
        particle_path = self._found_table(event, *self._particle_tables)
        need = {"particle_type": "int", **dict.fromkeys(_MOMENTA, "float")}
        table = read_table(particle_path, need, _ANY_KEY)
        finite(table, _MOMENTA, particle_path)
        refuse_charges(table["q"], "q", particle_path)
        refuse_other_masses(table["m"], table["particle_type"], particle_path)
        owner, five = _owners(hits, table, path, particle_path)
        measurement = find_ids(link["measurement_id"], ids, order)
        refuse_unknown(
            measurement, link["measurement_id"], "the map must speak of measurements of the event", link_path
        )
        hit = _rows(link["hit_id"], hits, len(owner), path, link_path)
        _refuse_twice(measurement, hit, link, link_path)
        if "geometry_id" in hits:
            both = "a measurement and its simulated hit"
            _refuse_apart(hits["geometry_id"][hit], surface[measurement], both, link_path, "hit_id")
        far = 0
        if all(name in hits for name in _TRUE_PLACE):
            true = np.stack([hits[name] for name in _TRUE_PLACE], axis=1)
            with np.errstate(over="ignore"):
                away = np.linalg.norm(true[hit] - xyz[measurement], axis=1)
            far = len(np.unique(measurement[away > near[measurement]]))
        particle = owner[hit]
        shared = np.bincount(measurement, minlength=len(ids))
        some = particle >= 0
        named = any(hits[name][hit].any() for name in _ANY_KEY if name in hits)  # not noise alone
        if self.config.truth == "required" or named:
            refuse_no_link(int(some.sum()), particle_path)
        pair, count = np.unique(np.stack([measurement[some], particle[some]]), axis=1, return_counts=True)
        links = pair[0], pair[1], count / shared[pair[0]]
        return (_collection(table, five), *links), 2, int((~some).sum()), int((shared == 0).sum()), far

    def _simulated(self, event: Path) -> Path | None:
        return None if self.config.truth == "none" else self._find(event, *_HITS)

    def _tables(self, event: Path) -> list[Path]:
        shared = (self._find(event, *tables) for tables in (_MAP, _HITS, self._particle_tables))
        surfaces = [locate(self.config.surfaces)] if self.config.surfaces else []
        return sorted({*super()._tables(event), *filter(None, shared), *surfaces})

    @property
    def _known(self) -> tuple[str, ...]:
        return (*self.TABLES, self.config.particles) if self.config.particles else self.TABLES

    @property
    def _particle_tables(self) -> tuple[str, ...]:
        return (self.config.particles,) if self.config.particles else _PARTICLES

    def _find(self, event: Path, *tables: str) -> Path | None:
        """File of the first table that there is, under the event's prefix, else under another one of the same event.

        What stands under another prefix may be of another simulation or digitisation: a map is taken only from where
        there are no measurements of its own, particles from where the event's simulated hits are, or none.
        """
        number = number_of(event.name)
        names = [name for name in self._scan(event.parent) if number is not None and number_of(name) == number]
        others = [event.with_name(name) for name in names if name != event.name]
        groups = [others]
        if tables == _MAP:
            groups = [[other for other in others if self._table(other, self.TABLE) is None]]
        elif tables != _HITS and self._first(event, *tables) is None:
            mine = self._find(event, *_HITS)
            hits = {other: self._first(other, *_HITS) for other in others}
            alike = [other for other in others if hits[other] != mine and _same(hits[other], mine)]
            groups = [[other for other in others if hits[other] == mine], alike]
        for group in [[event], *groups]:
            found = [path for prefix in group if (path := self._first(prefix, *tables)) is not None]
            if len(found) > 1:
                came = ", ".join(path.name for path in found)
                raise DataError(f"one table '{tables[0]}' must belong to the event", came=came, where=event)
            if found:
                return found[0]
        return None

    def _first(self, event: Path, *tables: str) -> Path | None:
        """File of the first of some tables that an event has under its own prefix."""
        return next((path for table in tables if (path := self._table(event, table)) is not None), None)

    def _found_table(self, event: Path, *tables: str) -> Path:
        path = self._find(event, *tables)
        if path is None:
            raise DataError(
                f"the event must have the table '{tables[0]}'",
                came=f"no file {event.name}-{tables[0]} with one of the endings {', '.join(ENDINGS)}",
                where=event,
                do="fetch it, or set 'truth: none' to read the event without its truth",
            )
        return path


def _same(hits: Path | None, mine: Path | None) -> bool:
    """Whether simulated hits under another prefix are those of the event, or there are none to tell."""
    return hits is None or mine is None or content_hash(hits) == content_hash(mine)


def _owners(hits: dict[str, Array], table: dict[str, Array], path: Path, particle_path: Path) -> tuple[Array, bool]:
    """Return the row of each hit's particle, (rows,), -1 where there is none, and whether five columns name particles.

    Files may name particles twice, by five columns and by a number that some versions make of them and others do not:
    each hit goes by the columns that name a particle of the table.
    """
    ways: list[tuple[Array, Array]] = []
    for names in (_KEYS, ["particle_id"]):
        if all(name in hits and name in table for name in names):
            known, key = (np.stack([one[name] for name in names], axis=1) for one in (table, hits))
            number = np.unique(np.concatenate([known, key]), axis=0, return_inverse=True)[1].ravel()
            ways.append((number[: len(known)], number[len(known) :]))
    for one, where in ((hits, path), (table, particle_path)):
        if "particle_id" not in one and not all(name in one for name in _KEYS):
            must = f"the table must have the columns particle_id or {', '.join(_KEYS)}"
            raise DataError(must, came="neither", where=where)
    if not ways:
        must = f"hits and particles must name particles alike: {path.name}"
        raise DataError(must, came="particle_id in one, five columns in the other", where=particle_path)
    owner = np.full(len(ways[0][1]), -1)
    for known, key in ways:
        found = find_ids(key, known, unique_ids(known, "particle_id", particle_path))
        apart = np.flatnonzero((owner >= 0) & (found >= 0) & (owner != found))
        if len(apart):
            raise DataError(
                f"'particle_id' and the columns {', '.join(_KEYS)} must name one particle",
                came=f"rows {owner[apart[0]]} and {found[apart[0]]} of {particle_path.name} for row {apart[0]}",
                where=path,
            )
        owner = np.where(owner >= 0, owner, found)
    return owner, all(name in table for name in _KEYS)


def _rows(hit_id: Array, hits: dict[str, Array], count: int, path: Path, link_path: Path) -> Array:
    """Return rows of hits by their column ``hit_id``; where there is none, the id is the row."""
    if "hit_id" in hits:
        row = find_ids(hit_id, hits["hit_id"], unique_ids(hits["hit_id"], "hit_id", path))
        refuse_unknown(row, hit_id, f"'hit_id' must be one of the column 'hit_id' of {path.name}", link_path)
        return row
    row = np.where((hit_id >= 0) & (hit_id < count), hit_id, -1)
    refuse_unknown(row, hit_id, f"'hit_id' must be a row of {path.name}", link_path)
    return row


def _refuse_apart(one: Array, other: Array, what: str, path: Path, name: str) -> None:
    """Refuse rows of a table that join two surfaces."""
    apart = np.flatnonzero(one != other)
    if len(apart):
        raise DataError(
            f"{what} must have one 'geometry_id'",
            came=f"others in {len(apart)} of {len(one)} rows, the first is row {apart[0]}",
            where=path,
            do=f"look what '{name}' names: ids of a column, or rows from 0 where there is no such column",
        )


def _refuse_twice(measurement: Array, hit: Array, link: dict[str, Array], path: Path) -> None:
    """Refuse a map with a row twice: its hit would have two shares."""
    order = np.lexsort((hit, measurement))
    same = np.flatnonzero((np.diff(measurement[order]) == 0) & (np.diff(hit[order]) == 0))
    if len(same):
        row = order[same[0] + 1]
        came = f"measurement {link['measurement_id'][row]} and hit {link['hit_id'][row]} twice"
        raise DataError("each row of the map must stand once", came=f"{came}, and {len(same) - 1} more", where=path)


def _collection(table: dict[str, Array], lengths: bool) -> Collection:
    """Particles; ``lengths``: their times are in mm."""
    momentum = np.stack([table[name] for name in ("px", "py", "pz")])
    columns = {name: table[name] for name in ("vx", "vy", "vz", "px", "py", "pz")}
    columns |= {
        "pdg": table["particle_type"],
        "charge": table["q"],
        "energy": np.sqrt((momentum**2).sum(axis=0) + table["m"] ** 2),
        "time": table["vt"] / (C_LIGHT if lengths else 1.0),
    }
    return particles(np.array([len(table["q"])]), columns)
