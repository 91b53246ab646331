"""Columns of the event model, with their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1
"""Version of the event model on disk."""

ColumnType = Literal["float32", "float64", "int8", "int32", "int64"]
Loss = Literal["", "sum", "largest", "flag"]


@dataclass(frozen=True)
class FieldInfo:
    """Type, unit and meaning of one column.

    Attributes:
        dtype: Type on disk.
        unit: Empty for none.
        description: In words.
        loss: How an event field tells what was dropped, clipped, moved, unmatched or guessed, so that it is shown to
            whoever converts, runs or inspects: ``sum`` counts it, ``largest`` is how far it goes, and a ``flag`` is 0
            where something is not known. Empty for other fields.
    """

    dtype: ColumnType
    unit: str
    description: str
    loss: Loss = ""


def _info(dtype: ColumnType, unit: str, description: str) -> FieldInfo:
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
    "clusters": {
        "u": _info("float32", "mm", "measured position on the sensor along its first axis, from its centre"),
        "v": _info("float32", "mm", "the same along its second axis"),
        "sigma_u": _info("float32", "mm", "expected error of u; 0 where unknown"),
        "sigma_v": _info("float32", "mm", "expected error of v; 0 where unknown"),
        "size_u": _info("int32", "", "channels of the cluster along u; 0 where unknown"),
        "size_v": _info("int32", "", "channels of the cluster along v; 0 where unknown"),
        "cells": _info("int32", "", "channels of the cluster; 0 where unknown"),
        "charge": _info("float32", "", "sum over the channels, in the units of the source; 0 where unknown"),
        "weight": _info("float32", "", "weight of the hit in the TrackML score; 0 where unknown"),
    },
    "jets": {
        "px": _info("float32", "GeV", "momentum along x"),
        "py": _info("float32", "GeV", "momentum along y"),
        "pz": _info("float32", "GeV", "momentum along z"),
        "energy": _info("float32", "GeV", "total energy"),
        "soft_drop_mass": _info("float32", "GeV", "mass of what soft drop leaves; -1 where unknown"),
    },
    "constituents": {
        "px": _info("float32", "GeV", "momentum along x"),
        "py": _info("float32", "GeV", "momentum along y"),
        "pz": _info("float32", "GeV", "momentum along z"),
        "energy": _info("float32", "GeV", "total energy"),
        "charge": _info("float32", "e", "charge, as reconstructed"),
        "pdg": _info("int32", "", "identity as reconstructed; 211 any charged, 130 any neutral hadron, 0 unknown"),
        "d0": _info(
            "float32", "mm", "-x sin(phi) + y cos(phi) of the track where it is nearest to the vertex; 0 without one"
        ),
        "d0_error": _info("float32", "mm", "expected error of d0; 0 where unknown"),
        "z0": _info("float32", "mm", "z there, from the vertex; 0 without a track"),
        "z0_error": _info("float32", "mm", "expected error of z0; 0 where unknown"),
        "jet": _info("int32", "", "index of its jet within the event"),
    },
}

MEASURED = frozenset({"hits", "clusters", "jets", "constituents"})
"""Collections of what the detector saw; the others of an event are truth. Of clusters, ``weight`` is truth too."""

ORIGIN: dict[str, FieldInfo] = {
    "file": _info("int32", "", "place of the file in the source's list of files, from 0"),
    "event": _info("int64", "", "number of the event, from 0: in its file, or in its split where it was simulated"),
    "part": _info("int8", "", "part of the file, or of its event, that the event is; the reader says which"),
    "event_number": _info("int64", "", "number that the file itself gives the event, -1 for none"),
}
"""Event fields that say where an event comes from; every source gives those of them that it knows."""
