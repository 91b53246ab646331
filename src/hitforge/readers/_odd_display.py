"""Display events of ColliderML: JSON with tracker and calorimeter hits and the number of each hit's particle."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.particles import charges
from hitforge.readers._event_fields import energy_of

_SAME_PT = 1e-4  # share within which the momenta of one particle agree
_FARTHEST = 1e9  # mm; squares of what is much farther overflow


class Display(NamedTuple):
    """What a display event holds."""

    number: int
    tracker: dict[str, Array]
    """Columns of the hits of the tracker: x, y, z [mm], hit_id, volume_id, particle_id, (H,) each."""
    calorimeter: dict[str, Array]
    """The same of the calorimeter: x, y, z [mm], energy [GeV], particle_id."""
    particles: dict[str, Array]
    """Columns of particles, (P,) each; ``particle_id`` rises."""


def is_display(path: Path) -> bool:
    """True for a file whose name says JSON, plain or gzipped."""
    return path.name.lower().endswith((".json", ".json.gz"))


def read_display(path: Path) -> Display:
    """Read one event.

    Such an event gives pT and kind of each particle, but no direction and no vertex: a particle is taken to come from
    the vertex of the event and to fly to the hit of its that is nearest to it, one of the tracker if it has any.

    Raises:
        DataError: The file is no such event, an entry is no number, or rows of one particle contradict each other.
    """
    with gzip.open(path, "rt") if path.name.lower().endswith(".gz") else path.open(encoding="utf-8") as file:
        content = json.load(file)
    if not isinstance(content, dict) or "all_tracker_hits" not in content:
        must = "the file must be an event with 'all_tracker_hits'"
        raise DataError(must, came=type(content).__name__ if not isinstance(content, dict) else "none", where=path)
    others = [key for key in content if "calo" in key.lower() and content[key]]
    if "calo_hits" not in content and others:
        must = "the hits of the calorimeter must stand under 'calo_hits'"
        raise DataError(must, came=f"'{others[0]}'", where=path, do="rename the key")
    metadata = content.get("metadata", {})
    number = metadata.get("event_id", -1) if isinstance(metadata, dict) else None
    if not isinstance(number, int) or not -1 <= number < 2**63:
        raise DataError("'metadata.event_id' must be a whole number >= 0", came=str(number)[:60], where=path)
    tracker = {"hit_id": "HIT_ID", "volume_id": "volume_id"}
    hits = _columns(content["all_tracker_hits"], "all_tracker_hits", tracker, path)
    cells = _columns(content.get("calo_hits", []), "calo_hits", {"energy": "energy"}, path)
    once, counts = np.unique(hits["hit_id"], return_counts=True)
    if len(once) < len(hits["hit_id"]):
        raise DataError("each 'HIT_ID' must stand once", came=f"{once[counts > 1][0]} again", where=path)
    vertex = _vertex(content.get("vertex", [0.0, 0.0, 0.0]), path)
    everyone = {name: np.concatenate([hits[name], cells[name]]) for name in ("x", "y", "z", "particle_id", "pt", "pdg")}
    of_calorimeter = np.repeat([False, True], [len(hits["x"]), len(cells["x"])])
    return Display(number, hits, cells, _particles(everyone, of_calorimeter, vertex, path))


def _columns(rows: Any, name: str, more: dict[str, str], path: Path) -> dict[str, Array]:
    """Columns of a list of hits."""
    names = {**{axis: axis for axis in "xyz"}, "particle_id": "particle_id", "pt": "pT", "pdg": "pdg_id", **more}
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"'{name}' must be a list of hits", came=type(rows).__name__, where=path)
    found = {}
    for ours, theirs in names.items():
        values = [row.get(theirs) for row in rows]
        kinds = (int,) if theirs in ("particle_id", "pdg_id", "HIT_ID", "volume_id") else (int, float)
        bad = [at for at, value in enumerate(values) if isinstance(value, bool) or not isinstance(value, kinds)]
        if bad:
            kind = "a whole number" if len(kinds) == 1 else "a number"
            came = f"{str(values[bad[0]])[:40]} in row {bad[0]}, and {len(bad) - 1} more such rows"
            raise DataError(f"'{theirs}' of a hit in '{name}' must be {kind}", came=came, where=path)
        try:
            found[ours] = np.array(values, np.int64 if len(kinds) == 1 else np.float64)
        except OverflowError:
            raise DataError(f"'{theirs}' must fit into 64 bits", came=str(max(values, key=abs)), where=path) from None
        if not np.isfinite(found[ours]).all():
            raise DataError(f"'{theirs}' of a hit must be finite", came="one that is not", where=f"{path}, {name}")
        if theirs in "xyz" and (far := np.abs(found[ours]).max(initial=0.0)) > _FARTHEST:
            raise DataError(f"'{theirs}' of a hit must be up to {_FARTHEST:g} mm", came=far, where=f"{path}, {name}")
    return found


def _vertex(values: Any, path: Path) -> Array:
    good = isinstance(values, list) and len(values) == 3 and all(type(value) in (int, float) for value in values)
    if not good or not (np.abs(values) <= _FARTHEST).all():
        must = f"'vertex' must be three numbers up to {_FARTHEST:g} mm"
        raise DataError(must, came=str(values)[:60], where=path)
    return np.array(values, np.float64)


def _particles(rows: dict[str, Array], of_calorimeter: Array, vertex: Array, path: Path) -> dict[str, Array]:
    """Particles of the hits, in the order of their numbers."""
    ids, first, owner = np.unique(rows["particle_id"], return_index=True, return_inverse=True)
    pt, pdg = rows["pt"][first], rows["pdg"][first]
    wrong = np.flatnonzero(
        (np.abs(rows["pt"] - pt[owner]) > _SAME_PT * np.abs(pt[owner])) | (rows["pdg"] != pdg[owner])
    )
    if len(wrong):
        at = wrong[0]
        came = f"{pdg[owner][at]} of {pt[owner][at]:g} GeV and {rows['pdg'][at]} of {rows['pt'][at]:g} GeV"
        must = "all hits of a particle must give it one kind and one pT"
        raise DataError(must, came=f"{came} for particle {rows['particle_id'][at]}", where=path)
    if (pt < 0).any():
        raise DataError("'pT' must be >= 0 GeV", came=pt.min(), where=path)
    away = np.stack([rows[axis] for axis in "xyz"]) - vertex[:, None]  # (3, H)
    order = np.lexsort(((away**2).sum(0), of_calorimeter, owner))
    nearest = order[np.searchsorted(owner[order], np.arange(len(ids)))]  # (P,)
    x, y, z = away[:, nearest]
    radius = np.maximum(np.hypot(x, y), 1e-6)
    momentum = np.stack([pt * x, pt * y, pt * z]) / radius
    return {
        "particle_id": ids,
        "pdg": pdg,
        "charge": charges(pdg),
        **dict(zip(("px", "py", "pz"), momentum, strict=True)),
        **{f"v{axis}": np.full(len(ids), value) for axis, value in zip("xyz", vertex, strict=True)},
        "energy": energy_of(momentum, pdg),
    }
