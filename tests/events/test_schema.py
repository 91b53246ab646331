"""The columns of the event model: typed, with a unit that hitforge knows, and described."""

from __future__ import annotations

import numpy as np

from hitforge.events.schema import COLLECTIONS, SCHEMA_VERSION


def test_columns_are_those_of_the_first_version() -> None:
    """Other columns of a collection are another version: old datasets would no longer read."""
    assert SCHEMA_VERSION == 1
    assert {name: list(columns) for name, columns in COLLECTIONS.items()} == {
        "particles": ["pdg", "charge", "px", "py", "pz", "energy", "vx", "vy", "vz", "time", "parent"],
        "hits": ["x", "y", "z", "time", "energy", "cell", "layer", "subsystem"],
        "links": ["hit", "particle", "weight"],
        "clusters": ["u", "v", "sigma_u", "sigma_v", "size_u", "size_v", "cells", "charge", "weight"],
        "jets": ["px", "py", "pz", "energy", "soft_drop_mass"],
        "constituents": [
            "px",
            "py",
            "pz",
            "energy",
            "charge",
            "pdg",
            "d0",
            "d0_error",
            "z0",
            "z0_error",
            "jet",
        ],
    }


def test_each_column_has_type_unit_and_meaning() -> None:
    for columns in COLLECTIONS.values():
        for name, info in columns.items():
            assert np.dtype(info.dtype).kind in "fi"
            assert info.unit in {"", "e", "GeV", "mm", "ns"}
            assert info.description
            assert {"energy": "GeV", "time": "ns"}.get(name, info.unit) == info.unit
