"""ACTS events: measurements, cells, simulated hits and particles, as CSV or Parquet."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.units import C_LIGHT
from hitforge.detectors import Detector, Modules, TrackerDetector
from hitforge.detectors.point_cloud import PointCloud
from hitforge.events import Collection, Events, FieldInfo
from hitforge.readers._clusters import shapes
from hitforge.readers._event_files import EventFilesConfig, EventFilesReader, find_table, truth_field
from hitforge.readers._root import particles
from hitforge.readers._sensors import assemble
from hitforge.readers._surfaces import read_surfaces
from hitforge.readers._tables import ENDINGS, find_ids, finite, read_table, refuse_unknown, unique_ids
from hitforge.readers.files import drops
from hitforge.readers.public import locate

_KEYS = [f"particle_id_{part}" for part in ("pv", "sv", "part", "gen", "subpart")]
_ANY_KEY = {"particle_id": "id", **dict.fromkeys(_KEYS, "int")}
_MAP, _HITS = ("measurement-simhit-map",), ("hits", "simhits")
_PARTICLES = ("particles_simulated", "particles_initial", "particles")
_LOCAL = ("local0", "local1", "var_local0", "var_local1")
_MOMENTA = ("vx", "vy", "vz", "vt", "px", "py", "pz", "m", "q")


class Acts(EventFilesReader):
    """Measurements on their sensors, with the particles whose simulated hits they come from.

    An event is the tables ``<event>-measurements``, ``-measurement-simhit-map``, ``-hits`` (or ``-simhits``),
    ``-particles_simulated`` (or ``_initial``, or ``-particles``) and, if there is one, ``-cells`` (.csv, .csv.gz or
    .parquet). Tables that the event lacks are taken from the same event under another prefix, where a folder has one:
    one simulation may have been digitised twice. Particles are told apart by ``particle_id``, or by the five columns
    of newer versions, whose times are lengths; a map's ``hit_id`` is a row of the hits. A measurement that several
    simulated hits were merged into is shared among them equally.

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
        need = {"measurement_id": "int", "geometry_id": "id", **dict.fromkeys(_LOCAL, "float")}
        path, table = self._need(event, "measurements", need)
        rows, ids = len(table["measurement_id"]), table["measurement_id"]
        if not rows:
            raise DataError("the event must have measurements", came="none", where=path)
        self.refuse_large(np.array([rows]), path, number)
        finite(table, _LOCAL, path)
        order, modules = unique_ids(ids, "measurement_id", path), self._modules
        row = find_ids(table["geometry_id"], modules.number, np.arange(len(modules)))
        u, v = table["local0"], table["local1"]
        xyz = modules.centre[row] + u[:, None] * modules.axes[row, 0] + v[:, None] * modules.axes[row, 1]  # (N, 3)
        clusters = {
            "u": u,
            "v": v,
            "sigma_u": np.sqrt(np.maximum(table["var_local0"], 0)),
            "sigma_v": np.sqrt(np.maximum(table["var_local1"], 0)),
            "weight": np.zeros(rows),
            **self._shapes(event, ids, order),
        }
        fields = drops(np.zeros(rows, np.int64), np.zeros(rows), {"unknown_module": row < 0}, 1)
        truth, kind, unlinked = self._truth(event, ids, order)
        fields["truth"] = truth_field(kind)
        info = FieldInfo("int32", "", "simulated hits of measurements whose particle is not in the table of particles")
        fields["unlinked_hits"] = np.array([unlinked]), info
        return assemble(modules, row, row >= 0, xyz, clusters, truth, fields)

    def _shapes(self, event: Path, ids: Array, order: Array) -> dict[str, Array]:
        path = find_table(event, "cells")
        none = np.zeros(len(ids), np.int64)
        if path is None:
            return {"size_u": none, "size_v": none, "cells": none, "charge": none}
        need = {"channel0": "int", "channel1": "int", "value": "float"}
        cells = read_table(path, need, {"measurement_id": "int", "hit_id": "int"})
        name = "measurement_id" if "measurement_id" in cells else "hit_id"  # of the measurement, in older versions too
        if name not in cells:
            raise DataError("the table must have the column measurement_id", came="none", where=path)
        hit = find_ids(cells[name], ids, order)
        refuse_unknown(hit, cells[name], f"each cell must name a measurement of the event in '{name}'", path)
        finite(cells, ["value"], path, low=0)
        return shapes(hit, cells["channel0"], cells["channel1"], cells["value"], len(ids))

    def _truth(
        self, event: Path, ids: Array, order: Array
    ) -> tuple[tuple[Collection, Array, Array, Array] | None, int, int]:
        """Particles and links, what is known, and the number of simulated hits whose particle is not."""
        if self.config.truth == "none":
            return None, 0, 0
        link_path = self._find(event, *_MAP)
        if link_path is None and self.config.truth == "optional":
            nothing = np.empty(0, np.int64)
            return (particles(np.zeros(1, np.int64), {}), nothing, nothing, nothing), 0, 0
        link_path = self._found(event, *_MAP)
        link = read_table(link_path, {"measurement_id": "int", "hit_id": "int"})
        path = self._found(event, *_HITS)
        hits = read_table(path, {}, _ANY_KEY)
        particle_path = self._found(event, *self._particle_tables)
        need = {"particle_type": "int", **dict.fromkeys(_MOMENTA, "float")}
        table = read_table(particle_path, need, _ANY_KEY)
        finite(table, _MOMENTA, particle_path)
        key, known = _keys(hits, path), _keys(table, particle_path)
        if key.shape[1] != known.shape[1]:
            must = f"hits and particles must name particles alike: {path.name}"
            raise DataError(must, came="particle_id in one, five columns in the other", where=particle_path)
        number = np.unique(np.concatenate([known, key]), axis=0, return_inverse=True)[1].ravel()
        of_table, of_hit = number[: len(known)], number[len(known) :]
        owner = find_ids(of_hit, of_table, unique_ids(of_table, "particle_id", particle_path))
        measurement = find_ids(link["measurement_id"], ids, order)
        refuse_unknown(
            measurement, link["measurement_id"], "the map must speak of measurements of the event", link_path
        )
        wrong = (link["hit_id"] < 0) | (link["hit_id"] >= len(key))
        refuse_unknown(np.where(wrong, -1, 0), link["hit_id"], f"'hit_id' must be a row of {path.name}", link_path)
        particle = owner[link["hit_id"]]
        shared = np.bincount(measurement, minlength=len(ids))
        some = particle >= 0
        pair, count = np.unique(np.stack([measurement[some], particle[some]]), axis=1, return_counts=True)
        links = pair[0], pair[1], count / shared[pair[0]]
        return (_collection(table, key.shape[1] > 1), *links), 2, int((~some).sum())

    def _tables(self, event: Path) -> list[Path]:
        shared = (self._find(event, *tables) for tables in (_MAP, _HITS, self._particle_tables))
        surfaces = [locate(self.config.surfaces)] if self.config.surfaces else []
        return sorted({*super()._tables(event), *filter(None, shared), *surfaces})

    @property
    def _particle_tables(self) -> tuple[str, ...]:
        return (self.config.particles,) if self.config.particles else _PARTICLES

    def _find(self, event: Path, *tables: str) -> Path | None:
        """File of the first table that there is, under the event's prefix or another one of the same event."""
        name = re.search(r"event\d+$", event.name)
        for table in tables:
            path = find_table(event, table)
            others = event.parent.glob(f"*{name[0]}-{table}.*") if name and path is None else []
            found = [other for other in sorted(others) if other.name.endswith(tuple(table + end for end in ENDINGS))]
            if len(found) > 1:
                came = ", ".join(other.name for other in found)
                raise DataError(f"one table '{table}' must belong to the event", came=came, where=event)
            if path is not None or found:
                return path or found[0]
        return None

    def _found(self, event: Path, *tables: str) -> Path:
        path = self._find(event, *tables)
        if path is None:
            raise DataError(
                f"the event must have the table '{tables[0]}'",
                came=f"no file {event.name}-{tables[0]} with one of the endings {', '.join(ENDINGS)}",
                where=event,
                do="fetch it, or set 'truth: none' to read the event without its truth",
            )
        return path


def _keys(table: dict[str, Array], path: Path) -> Array:
    """What names a particle, (rows, 1 or 5) int64."""
    if "particle_id" in table:
        return table["particle_id"][:, None]
    if not all(name in table for name in _KEYS):
        raise DataError(
            f"the table must have the columns particle_id or {', '.join(_KEYS)}", came="neither", where=path
        )
    return np.stack([table[name] for name in _KEYS], axis=1)


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
