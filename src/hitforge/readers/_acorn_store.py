"""Events written as ACORN's data reading writes them: ``event<number>-truth.csv`` and ``-particles.csv``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.files import atomic
from hitforge.detectors import Detector
from hitforge.detectors.silicon_barrel_endcap import SiliconBarrelEndcap
from hitforge.events import Events

MOMENTUM = 1000.0
"""MeV in a GeV: ACORN's readers of Athena and TrackML give momenta in MeV, and its cuts are in MeV."""


def write_store(path: Path, shards: Iterator[Events], detector: Detector) -> None:
    """Write one folder of events, such as ``trainset``, whole or not at all.

    A hit has one row for each particle that it is linked to, or one of particle 0. ``hit_id`` counts from 0,
    ``particle_id`` from 1. What ACORN has no column for (times, energies of hits, parents, shares of links) is left
    out.

    Raises:
        DataError: The folder is there already, there are no events, an event has no hits or no truth, or the disk is
            full.
    """
    if path.exists():
        raise DataError("the folder to write must not be there yet", came="it is", where=path, do="name another one")
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        done = 0
        for events in shards:
            for row in range(len(events)):
                one = events.take(np.array([row]))
                tables = {"truth": _truth(one, detector, done), "particles": _particles(one)}
                for name, table in tables.items():
                    with atomic(part / f"event{done:09d}-{name}.csv") as temporary:
                        pc.write_csv(pa.table(table), temporary, pc.WriteOptions(quoting_style="needed"))
                done += 1
        if not done:
            raise DataError("there must be events to write", came="none", where=path, do="name another split")
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _truth(one: Events, detector: Detector, number: int) -> dict[str, Any]:
    """Columns of the hits of an event, a row for each that a particle has of them."""
    hits = one.hits
    missing = {"particles", "links"} - one.collections.keys()
    if missing or not hits.rows:
        must = "an event must have hits, particles and links to be written for ACORN"
        came = f"no {' and no '.join(sorted(missing))}" if missing else "no hits"
        raise DataError(must, came=came, where=f"event {number}", do="write a sample with truth, without such events")
    links = one.links
    linked = links["weight"] > 0
    noise = np.setdiff1d(np.arange(hits.rows), links["hit"][linked])
    hit = np.concatenate([links["hit"][linked].astype(np.int64), noise])
    owner = np.concatenate([links["particle"][linked].astype(np.int64) + 1, np.zeros(len(noise), np.int64)])
    order = np.lexsort((owner, hit))
    hit, owner = hit[order], owner[order]
    cell = hits["cell"].astype(np.int64)
    volume, layer, module = hits["subsystem"], hits["layer"], cell
    columns: dict[str, Array] = {}
    if isinstance(detector, SiliconBarrelEndcap):
        volume, layer, module = detector.names_of(cell)
        columns["hardware"] = np.where(np.isin(volume, detector.pixel_volumes), "PIXEL", "STRIP")
    columns |= {"geometry_id": cell, "volume_id": volume, "layer_id": layer, "module_id": module}
    if "clusters" in one.collections:
        names = {"cell_count": "cells", "cell_val": "charge", "weight": "weight"}
        columns |= {theirs: one.clusters[ours] for theirs, ours in names.items()}
    places = {axis: hits[axis] for axis in "xyz"}
    return {
        "hit_id": hit,
        **{name: values[hit] for name, values in {**places, **columns}.items()},
        "particle_id": owner,
    }


def _particles(one: Events) -> dict[str, Any]:
    """Columns of the particles of an event."""
    found = one.particles
    rows = np.bincount(one.links["particle"][one.links["weight"] > 0], minlength=found.rows)
    momentum = {name: MOMENTUM * found[name].astype(np.float64) for name in ("px", "py", "pz")}
    return {
        "particle_id": np.arange(1, found.rows + 1),
        "particle_type": found["pdg"],
        "q": found["charge"],
        **momentum,
        "pt": np.hypot(momentum["px"], momentum["py"]),
        **{name: found[name] for name in ("vx", "vy", "vz")},
        "radius": np.hypot(found["vx"], found["vy"]),
        "nhits": rows,
    }
