"""Feature store of ACORN (GNN4ITk's framework): the tables ``-truth`` and ``-particles`` beside its pickled graphs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.particles import charges
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import PointCloud
from hitforge.detectors.silicon_barrel_endcap import SiliconBarrelEndcap
from hitforge.events import Collection, Events, FieldInfo
from hitforge.readers._acorn_store import write_store
from hitforge.readers._event_fields import (
    energy_of,
    other_charges,
    refuse_charges,
    refuse_no_link,
    truth_field,
    without_cells,
)
from hitforge.readers._event_files import EventFilesConfig, EventFilesReader
from hitforge.readers._keys import find_ids, finite, refuse_unknown, refuse_zero, unique_ids
from hitforge.readers._root import particles
from hitforge.readers._sensors import assemble, sensor_distance
from hitforge.readers.files import build, drops

_PICKLES = (".pyg", ".pt", ".pth", ".pkl", ".pickle")
_HITS = {"hit_id": "int", "x": "float", "y": "float", "z": "float", "particle_id": "id"}
_NUMBERS = ("volume_id", "layer_id", "module_id")
_MORE = {
    "geometry_id": "id",
    **dict.fromkeys(_NUMBERS, "int"),
    "cell_count": "int",
    "cell_val": "float",
    "weight": "float",
}
_VERTEX, _CARTESIAN, _COLLIDER = ("vx", "vy", "vz"), ("px", "py", "pz"), ("pt", "eta", "phi")
_AGREE = 0.01  # share within which two columns of one momentum agree
_STEEP = 20.0  # no eta of a particle is larger
_Fields = dict[str, tuple[Array, FieldInfo]]
_CHARGE, _PDG = ("q", "charge"), ("particle_type", "pdgId", "pdg_id", "pdg")


class Acorn(EventFilesReader):
    """Hits and particles of the CSV tables that ACORN's data reading writes for each event.

    A hit may stand in several rows of ``-truth``, one a particle, and is then shared equally among these; particle 0 is
    noise, which takes its share. The
    detector is silicon_barrel_endcap for events of TrackML or of ACTS's generic detector, else point_cloud: a hit's
    ``cell`` is then its geometry_id or module_id, its ``layer`` the layer_id and its ``subsystem`` the volume_id, each
    0 where the table has none. A charge that no column tells is that of the kind; particles whose charge, kind or
    vertex is not told are counted. The graphs beside them (.pyg) are pickles, which can run code when they are opened:
    they are not read, only the tables are. Edges can be built again by a representation.
    """

    class Config(EventFilesConfig):
        """Events, split and units."""

        momentum_scale: float = Field(
            1.0,
            gt=0,
            description="GeV in the file's unit of momentum: 1 for GeV, as in TrackML and ACTS; 0.001 for MeV, in which"
            " ACORN now writes Athena and TrackML, and hitforge writes for ACORN",
        )
        tolerance: float = Field(0.1, gt=0, description="farthest that a hit may lie off its sensor, in trackers [mm]")

    TABLE = "truth"
    TABLES = ("truth", "particles")

    def __init__(self, config: Config, detector: Detector) -> None:
        if not isinstance(detector, PointCloud | SiliconBarrelEndcap):
            must = "acorn needs the detector silicon_barrel_endcap or point_cloud"
            raise ConfigError(must, came=detector.name, where="detector")
        super().__init__(config, detector)

    @classmethod
    def write(cls, path: Path, shards: Iterator[Events], detector: Detector) -> None:
        """Write a folder of events that ACORN reads, momenta in MeV; see ``write_store``.

        Raises:
            DataError: The folder is there already, there are no events, an event has no hits or no truth, or the disk
                is full.
        """
        write_store(path, shards, detector)

    def _named_file(self, name: str) -> Path:
        if name.endswith(_PICKLES):
            raise _pickle(name, Path(name).name)
        return super()._named_file(name)

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        if not self._events[path]:
            pickles = sorted(file.name for file in path.iterdir() if file.name.endswith(_PICKLES))
            if pickles:
                raise _pickle(path, f"{len(pickles)} files such as {pickles[0]}")
        return super().count(path)

    def _event(self, event: Path, number: int) -> Events:
        path, table = self._need(event, "truth", _HITS, _MORE)
        if not len(table["hit_id"]):
            raise DataError("the event must have hits", came="none", where=path)
        finite(table, "xyz", path)
        _, first, hit = np.unique(table["hit_id"], return_index=True, return_inverse=True)
        self.refuse_large(np.array([len(first)]), path, number)
        finite(table, [name for name in ("cell_count", "cell_val", "weight") if name in table], path, low=0)
        for name in set(table) - {"hit_id", "particle_id"}:
            wrong = np.flatnonzero(table[name] != table[name][first][hit])
            if len(wrong):
                came = f"another {name} of hit {table['hit_id'][wrong[0]]} in row {wrong[0]}"
                raise DataError("all rows of a hit must have one place and one cluster", came=came, where=path)
        hits = {name: values[first] for name, values in table.items()}
        nothing = np.empty(0, np.int64)
        known = self.config.truth == "required" or self._table(event, "particles") is not None
        truth: Any = particles(np.zeros(1, np.int64), {}), nothing, nothing, nothing
        told = _told({"particle_id": nothing}, nothing, nothing)
        if self.config.truth == "none":
            truth, known = None, False
        elif known:
            truth, told = self._truth(event, hit, table["particle_id"], path)
        fields = {"truth": truth_field(2 if known else 0)}
        if truth is not None:
            fields |= told | {"other_charges": other_charges(truth[0]["charge"], truth[0]["pdg"])}
        fields["hits_without_cells"] = without_cells(_measured(hits)["cells"])
        if isinstance(self.detector, PointCloud):
            return _cloud(hits, truth, fields)
        return self._sensors(hits, truth, fields, path)

    def _sensors(self, hits: dict[str, Array], truth: Any, fields: dict[str, Any], path: Path) -> Events:
        rows = len(hits["x"])
        if "geometry_id" in hits:
            row = self.detector.row(hits["geometry_id"])
            parts = self.detector.names_of(hits["geometry_id"])[:2]  # modules are counted in two ways
            for name, said in zip(_NUMBERS, parts, strict=False):
                wrong = np.flatnonzero((row >= 0) & (said != hits.get(name, said)))
                if len(wrong):
                    came = f"{hits[name][wrong[0]]} for {hits['geometry_id'][wrong[0]]}, which holds {said[wrong[0]]}"
                    raise DataError(f"'{name}' must be that of 'geometry_id'", came=came, where=path)
        elif all(name in hits for name in _NUMBERS):
            row = self.detector.row(self.detector.number_of(*(hits[name] for name in _NUMBERS)))
        else:
            must = f"the table must have the columns geometry_id or {', '.join(_NUMBERS)}"
            raise DataError(must, came="neither", where=path, do="read it with the detector point_cloud")
        modules = self.detector.modules
        xyz = np.stack([hits[name] for name in "xyz"], axis=1)  # (N, 3)
        at = modules.local(row, xyz)
        off = (row >= 0) & (sensor_distance(modules, row, at) > self.config.tolerance)
        self.saw((row >= 0) & ~off, **{name: hits[name] for name in "xyz"})
        fields |= drops(np.zeros(rows, np.int64), np.zeros(rows), {"unknown_module": row < 0, "off_module": off}, 1)
        clusters = {
            "u": at[:, 0],
            "v": at[:, 1],
            "sigma_u": modules.pitch_u[row] / np.sqrt(12),
            "sigma_v": modules.pitch_v[row] / np.sqrt(12),
            **_measured(hits),
        }
        return assemble(modules, row, (row >= 0) & ~off, xyz, clusters, truth, fields)

    def _truth(self, event: Path, hit: Array, owner: Array, path: Path) -> tuple[Any, _Fields]:
        """Particles, and hit, particle and weight of each link; and fields of what the table does not tell."""
        known = dict.fromkeys((*_VERTEX, *_CARTESIAN, *_COLLIDER, *_CHARGE), "float") | dict.fromkeys(_PDG, "int")
        found, table = self._need(event, "particles", {"particle_id": "id"}, known)
        finite(table, [name for name in table if name != "particle_id"], found)
        order = unique_ids(table["particle_id"], "particle_id", found)
        refuse_zero(table["particle_id"], "particle_id", "0 means noise", found)
        noise = owner == 0
        index = find_ids(owner, table["particle_id"], order)
        refuse_unknown(np.where(noise, 0, index), owner, f"a particle of the truth must stand in {found.name}", path)
        if self.config.truth == "required":
            refuse_no_link(int((~noise).sum()), path)
        pair = np.unique(np.stack([hit, np.where(noise, -1, index)]), axis=1)
        weight = 1 / np.bincount(pair[0])[pair[0]]
        pair, weight = pair[:, pair[1] >= 0], weight[pair[1] >= 0]
        momentum = self.config.momentum_scale * _momentum(table, found)
        rows = np.zeros(len(order))
        pdg = _one_of(table, _PDG, rows.astype(np.int64), found)
        charge = _one_of(table, _CHARGE, charges(pdg, np.nan), found)
        if not any(name in table for name in (*_CHARGE, *_PDG)):
            must = f"the particles must have a charge ({', '.join(_CHARGE)}) or a kind ({', '.join(_PDG)})"
            raise DataError(must, came=f"only {', '.join(table)}", where=found)
        uncharged, charge = np.isnan(charge), np.nan_to_num(charge)
        refuse_charges(charge, "q", found)
        columns = {
            **dict(zip(_CARTESIAN, momentum, strict=True)),
            **{name: table.get(name, rows) for name in _VERTEX},
            "pdg": pdg,
            "charge": charge,
            "energy": energy_of(momentum, pdg),
        }
        truth = particles(np.array([len(rows)]), columns), pair[0], pair[1], weight
        return truth, _told(table, pdg, uncharged)


def _told(table: dict[str, Array], pdg: Array, uncharged: Array) -> _Fields:
    """Count particles whose kind, charge or vertex is not told, and other directions."""
    placed = all(name in table for name in _VERTEX)
    counts = {
        "unknown_kinds": ((pdg == 0).sum(), "kind is not told: pdg is 0, and the energy that of no mass"),
        "unknown_charges": (uncharged.sum(), "charge is told neither by a column nor by their kind: 0 is taken"),
        "unknown_vertices": (0 if placed else len(pdg), "vertex is not told: 0 is taken"),
    }
    return {"other_directions": _other_directions(table)} | {
        name: (np.array([count]), FieldInfo("int32", "", f"particles whose {what}", "sum"))
        for name, (count, what) in counts.items()
    }


def _one_of(table: dict[str, Array], names: tuple[str, ...], otherwise: Array, path: Path) -> Array:
    """The column of one of these names; two of them must agree."""
    there = [name for name in names if name in table]
    for name in there[1:]:
        wrong = np.flatnonzero(table[name] != table[there[0]])
        if len(wrong):
            came = f"{table[there[0]][wrong[0]]} and {table[name][wrong[0]]} in row {wrong[0]}"
            raise DataError(f"'{there[0]}' and '{name}' must be the same", came=came, where=path)
    return table[there[0]] if there else otherwise


def _momentum(table: dict[str, Array], path: Path) -> Array:
    """Momenta in the unit of the file, (3, P)."""
    if "phi" in table and len(turned := np.flatnonzero(np.abs(table["phi"]) > 2 * np.pi + _AGREE)):
        came = f"{table['phi'][turned[0]]:g} in row {turned[0]}, and {len(turned) - 1} more such rows"
        raise DataError("'phi' must be an angle [rad]", came=came, where=path)
    if all(name in table for name in _CARTESIAN):
        momentum = np.stack([table[name] for name in _CARTESIAN])
        if "pt" in table:
            pt = np.hypot(momentum[0], momentum[1])
            wrong = np.flatnonzero(np.abs(pt - table["pt"]) > _AGREE * pt)
            if len(wrong):
                came = f"{pt[wrong[0]]:g} and {table['pt'][wrong[0]]:g} in row {wrong[0]}, {len(wrong)} such rows"
                raise DataError("px, py and pt must agree, in one unit", came=came, where=path)
        return momentum
    if not all(name in table for name in _COLLIDER):
        must = "the particles must have the columns px, py, pz or pt, eta, phi"
        raise DataError(must, came=f"only {', '.join(table)}", where=path)
    pt, eta, phi = (table[name] for name in _COLLIDER)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])


def _other_directions(table: dict[str, Array]) -> tuple[Array, FieldInfo]:
    """Count particles whose eta or phi is not that of px, py and pz, by more than some digits."""
    wrong = np.zeros(len(table["particle_id"]), np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        if all(name in table for name in _CARTESIAN):
            px, py, pz = (table[name] for name in _CARTESIAN)
            pt, least = np.hypot(px, py), 3 * _AGREE * np.sqrt(px**2 + py**2 + pz**2)
            if "eta" in table:
                wrong |= np.abs(pt * np.sinh(np.clip(table["eta"], -_STEEP, _STEEP)) - pz) > least
            if "phi" in table:
                wrong |= pt * np.abs(np.angle(np.exp(1j * (table["phi"] - np.arctan2(py, px))))) > least
    what = "particles whose eta or phi is not that of px, py and pz, which are taken"
    return np.array([wrong.sum()]), FieldInfo("int32", "", what, "sum")


def _measured(hits: dict[str, Array]) -> dict[str, Array]:
    """What the table knows of clusters."""
    none = np.zeros(len(hits["x"]))
    return {
        "size_u": none,
        "size_v": none,
        "cells": hits.get("cell_count", none),
        "charge": hits.get("cell_val", none),
        "weight": hits.get("weight", none),
    }


def _cloud(hits: dict[str, Array], truth: Any, fields: dict[str, tuple[Array, FieldInfo]]) -> Events:
    """Hits in the order of their ids, on no sensors."""
    none = np.zeros(len(hits["x"]), np.int64)
    columns = {
        **{name: hits[name] for name in "xyz"},
        "time": none,
        "energy": none,
        "cell": hits.get("geometry_id", hits.get("module_id", none)),
        "layer": hits.get("layer_id", none),
        "subsystem": hits.get("volume_id", none),
    }
    clusters = {**dict.fromkeys(("u", "v", "sigma_u", "sigma_v"), none), **_measured(hits)}
    more = {"clusters": Collection.from_counts(np.array([len(none)]), clusters)}
    if truth is not None:
        everyone, hit, particle, weight = truth
        links = {"hit": hit, "particle": particle, "weight": weight}
        more |= {"particles": everyone, "links": Collection.from_counts(np.array([len(hit)]), links)}
    return build(np.array([len(none)]), columns, fields, **more)


def _pickle(where: object, came: str) -> DataError:
    return DataError(
        "the events must be tables: a pickle can run code when it is opened, so it is never read",
        came=came,
        where=where,
        do="name the folder or the event of the files <event>-truth.csv and <event>-particles.csv, which ACORN's data "
        "reading writes beside its graphs, or write the graph's arrays to such tables where the file is trusted",
    )
