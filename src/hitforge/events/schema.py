"""Columns of the event model, with their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1
"""Version of the event model on disk."""

Kind = Literal["float32", "float64", "int8", "int32", "int64"]


@dataclass(frozen=True)
class FieldInfo:
    """Type, unit and meaning of one column."""

    dtype: Kind
    unit: str
    description: str


def _info(dtype: Kind, unit: str, description: str) -> FieldInfo:
    return FieldInfo(dtype, unit, description)


COLLECTIONS: dict[str, dict[str, FieldInfo]] = {
    "particles": {
        "pdg": _info("int32", "", "particle identity, PDG Monte Carlo numbering"),
        "charge": _info("float32", "e", "charge"),
        "px": _info("float32", "GeV", "momentum along x"),
        "py": _info("float32", "GeV", "momentum along y"),
        "pz": _info("float32", "GeV", "momentum along z"),
        "energy": _info("float32", "GeV", "total energy"),
        "vx": _info("float32", "mm", "production vertex x"),
        "vy": _info("float32", "mm", "production vertex y"),
        "vz": _info("float32", "mm", "production vertex z"),
        "time": _info("float32", "ns", "production time"),
        "parent": _info("int32", "", "index of the parent within the event, -1 for none"),
    },
    "hits": {
        "x": _info("float32", "mm", "position x"),
        "y": _info("float32", "mm", "position y"),
        "z": _info("float32", "mm", "position z"),
        "time": _info("float32", "ns", "time"),
        "energy": _info("float32", "GeV", "energy"),
        "cell": _info("int64", "", "the detector's own cell number"),
        "layer": _info("int32", "", "layer number"),
        "subsystem": _info("int32", "", "part of the detector"),
    },
    "links": {
        "hit": _info("int32", "", "index of the hit within the event"),
        "particle": _info("int32", "", "index of the particle within the event"),
        "weight": _info("float32", "", "share of the hit's energy; sums to <= 1 a hit, the rest is noise"),
    },
}
