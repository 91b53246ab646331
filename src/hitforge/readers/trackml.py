"""TrackML events: hits, cells, particles and truth as CSV, on the detector silicon_barrel_endcap."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import Detector
from hitforge.detectors.silicon_barrel_endcap import SiliconBarrelEndcap
from hitforge.events import Collection, Events
from hitforge.readers._clusters import repeated, shapes
from hitforge.readers._event_fields import (
    energy_of,
    far_hits,
    other_charges,
    refuse_charges,
    refuse_no_link,
    repeated_cells,
    truth_field,
    untold_hits,
    without_cells,
)
from hitforge.readers._event_files import EventFilesConfig, EventFilesReader
from hitforge.readers._keys import find_ids, finite, refuse_unknown, refuse_zero, unique_ids
from hitforge.readers._root import particles
from hitforge.readers._sensors import assemble, sensor_distance
from hitforge.readers._tables import read_table
from hitforge.readers.files import drops

_Truth = tuple[Collection, Array, Array, Array]  # particles, and hit, particle and weight of each link
_NUMBERS = ("volume_id", "layer_id", "module_id")
_HITS = {"hit_id": "int", **dict.fromkeys("xyz", "float"), **dict.fromkeys(_NUMBERS, "int")}
_CELLS = {"hit_id": "int", "ch0": "int", "ch1": "int", "value": "float"}
_PARTICLES = {"particle_id": "id", **dict.fromkeys(("vx", "vy", "vz", "px", "py", "pz", "q"), "float")}
_ROUNDED = 1e-3  # what the digits of 100,000 weights may add up to
_TRUTH = {"hit_id": "int", "particle_id": "id", "weight": "float"}
_TRUE_PLACE = ("tx", "ty", "tz")
_FAR = 20.0  # mm: true places lie up to 6 mm from hits, along long strips


class Trackml(EventFilesReader):
    """Hits on their sensors with the shapes of their clusters, and the particles that made them.

    An event is four tables ``<event>-hits``, ``-cells``, ``-particles`` and ``-truth`` (CSV or Parquet). A
    table ``-pixeltruth`` with the particles of the pixels' hits may stand in place of the truth, with ``subsystems:
    pixel`` or ``truth: optional``: hits of strips then have no link, weights are 0, and the field ``truth`` is 1.

    Hits keep their places and are sorted by sensor, then u; those on no sensor are left out and counted. A particle's
    ``pdg`` is 0 where the file has no ``particle_type``, and its energy then that of a particle without mass. Without a
    table ``-cells``, sizes and charges are 0.
    """

    class Config(EventFilesConfig):
        """Events, split and subsystems."""

        subsystems: Literal["all", "pixel"] = Field("all", description="all: every hit; pixel: those of the pixels")
        tolerance: float = Field(0.1, gt=0, description="farthest that a hit may lie off its sensor [mm]")

    TABLE = "hits"
    TABLES = ("hits", "cells", "particles", "truth", "pixeltruth")
    ALIKE = ("cells",)

    def __init__(self, config: Config, detector: Detector) -> None:
        if not isinstance(detector, SiliconBarrelEndcap):
            raise ConfigError("trackml needs the detector silicon_barrel_endcap", came=detector.name, where="detector")
        super().__init__(config, detector)

    def _event(self, event: Path, number: int) -> Events:
        path, hits = self._need(event, "hits", _HITS)
        rows = len(hits["hit_id"])
        if not rows:
            raise DataError("the event must have hits", came="none", where=path)
        self.refuse_large(np.array([rows]), path, number)
        finite(hits, "xyz", path)
        order = unique_ids(hits["hit_id"], "hit_id", path)
        row = self.detector.row(self.detector.number_of(*(hits[name] for name in _NUMBERS)))
        xyz = np.stack([hits[name] for name in "xyz"], axis=1)  # (N, 3)
        at = self.detector.modules.local(row, xyz)
        off = sensor_distance(self.detector.modules, row, at) > self.config.tolerance
        clusters, again = self._clusters(event, row, at, hits["hit_id"], order)
        truth, clusters["weight"], kind, named, far = self._truth(event, hits["hit_id"], order, xyz)
        dropped = {"unknown_module": row < 0, "off_module": (row >= 0) & off}
        fields = drops(np.zeros(rows, np.int64), np.zeros(rows), dropped, 1) | {
            "hits_without_cells": without_cells(clusters["cells"]),
            "truth": truth_field(kind),
            "hits_without_truth": untold_hits(rows - named),
            "far_hits": far_hits(far),
            "repeated_cells": repeated_cells(again),
        }
        if truth is not None:
            fields["other_charges"] = other_charges(truth[0]["charge"], truth[0]["pdg"])
        keep = (row >= 0) & ~off
        self.saw(keep, **{name: hits[name] for name in "xyz"})
        if self.config.subsystems == "pixel":
            keep &= np.isin(self.detector.modules.volume[row], self.detector.pixel_volumes)
        return assemble(self.detector.modules, row, keep, xyz, clusters, truth, fields)

    def _clusters(
        self, event: Path, row: Array, at: Array, hit_id: Array, order: Array
    ) -> tuple[dict[str, Array], int]:
        """Columns of the collection but the weight, (N,) each, and how many cells stand again."""
        modules, rows = self.detector.modules, len(hit_id)
        result = {
            "u": at[:, 0],
            "v": at[:, 1],
            "sigma_u": modules.pitch_u[row] / np.sqrt(12),
            "sigma_v": modules.pitch_v[row] / np.sqrt(12),
        }
        path = self._table(event, "cells")
        if path is None:
            none = np.zeros(rows, np.int64)
            return result | {"size_u": none, "size_v": none, "cells": none, "charge": np.zeros(rows)}, 0
        cells = read_table(path, _CELLS)
        hit = find_ids(cells["hit_id"], hit_id, order)
        refuse_unknown(hit, cells["hit_id"], "each cell must name a hit of the event in 'hit_id'", path)
        finite(cells, ["value", "ch0", "ch1"], path, low=0)
        again = repeated(hit, cells["ch0"], cells["ch1"])
        return result | shapes(hit, cells["ch0"], cells["ch1"], cells["value"], rows), again

    def _truth(
        self, event: Path, hit_id: Array, order: Array, xyz: Array
    ) -> tuple[_Truth | None, Array, int, int, int]:
        """Particles and links, weights (N,), what is known, and the number of hits named, and of those far away."""
        rows = len(order)
        weight, nothing = np.zeros(rows), np.empty(0, np.int64)
        if self.config.truth == "none":
            return None, weight, 0, 0, 0
        full, pixel = self._table(event, "truth"), self._table(event, "pixeltruth")
        if self.config.truth == "optional" and full is None and pixel is None:
            return (particles(np.zeros(1, np.int64), {}), nothing, nothing, nothing), weight, 0, 0, 0
        if full is None and pixel is not None:
            if self.config.truth == "required" and self.config.subsystems == "all":
                raise DataError(
                    "each hit must have truth where it is required",
                    came="the table 'pixeltruth', which is silent about strips",
                    where=pixel,
                    do="set 'subsystems: pixel', or 'truth: optional' to read the strips without links",
                )
            path, truth = pixel, read_table(pixel, {name: _TRUTH[name] for name in ("hit_id", "particle_id")})
        else:
            path, truth = self._need(event, "truth", _TRUTH, dict.fromkeys(_TRUE_PLACE, "float"))
        unique_ids(truth["hit_id"], "hit_id", path)
        hit = find_ids(truth["hit_id"], hit_id, order)
        refuse_unknown(hit, truth["hit_id"], "the truth must speak of hits of the event", path)
        far = 0
        if all(name in truth for name in _TRUE_PLACE):
            with np.errstate(over="ignore"):
                away = np.linalg.norm(np.stack([truth[name] for name in _TRUE_PLACE], axis=1) - xyz[hit], axis=1)
            far = int((away > _FAR).sum())
        if full is not None:
            if len(hit) < rows:
                lost = np.setdiff1d(np.arange(rows), hit)
                came = f"none for {hit_id[lost[0]]} and {len(lost) - 1} more hits"
                raise DataError("each hit must have a row of truth", came=came, where=path)
            finite(truth, ["weight"], path, low=0)
            weight[hit] = truth["weight"]
            if weight.sum() > 1 + _ROUNDED:
                raise DataError("the weights of an event must sum to at most 1", came=f"{weight.sum():g}", where=path)
        found, ids, everyone = self._particles(event)
        refuse_zero(ids, "particle_id", "0 means noise", found)
        some = truth["particle_id"] != 0
        index = find_ids(truth["particle_id"][some], ids, unique_ids(ids, "particle_id", found))
        refuse_unknown(index, truth["particle_id"][some], f"a particle of the truth must stand in {found.name}", path)
        if self.config.truth == "required":
            refuse_no_link(len(index), path)
        links = hit[some], index, np.ones(len(index))
        return (everyone, *links), weight, 1 if full is None else 2, len(hit), far

    def _particles(self, event: Path) -> tuple[Path, Array, Collection]:
        """File, ids and columns of the particles."""
        path, table = self._need(event, "particles", _PARTICLES, {"particle_type": "int"})
        rows = np.zeros(len(table["particle_id"]), np.int64)
        names = [name for name, kind in _PARTICLES.items() if kind == "float"]
        finite(table, names, path)
        refuse_charges(table["q"], "q", path)
        pdg = table.get("particle_type", rows)
        energy = energy_of(np.stack([table[f"p{axis}"] for axis in "xyz"]), pdg)
        columns = {name: table[name] for name in names if name != "q"}
        columns |= {"pdg": pdg, "charge": table["q"], "energy": energy}
        return path, table["particle_id"], particles(np.array([len(rows)]), columns)
