"""Small files of ColliderML's layouts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NOBODY = 2**64 - 1
Table = dict[str, list[Any]]


def hits_table() -> Table:
    """Two events, numbers 7 and 3: three hits of two particles and noise, and one hit."""
    return {
        "event_id": [7, 3],
        "x": [[30.0, 10.0, 20.0, 5.0], [1.0]],
        "y": [[3.0, 1.0, 2.0, 0.5], [2.0]],
        "z": [[300.0, 100.0, 200.0, 50.0], [3.0]],
        "time": [[1.5, 0.5, 1.0, 0.2], [0.1]],
        "particle_id": [[0, 0, 4, NOBODY], [4]],
        "volume_id": [[17, 17, 24, 17], [16]],
        "layer_id": [[4, 2, 2, 2], [6]],
        "surface_id": [[11, 12, 13, 14], [15]],
        "detector": [[1, 1, 4, 1], [0]],
    }


def particles_table() -> Table:
    """The particles of both, in the other order; 0 is a particle, and the parent of 4 in event 7."""
    one = {"event_id": 3, "particle_id": [4], "pdg_id": [13], "parent_id": [None], "px": [0.5]}
    two = {"event_id": 7, "particle_id": [4, 0], "pdg_id": [11, -211], "parent_id": [0, 99], "px": [1.0, 2.0]}
    table: Table = {name: [one[name], two[name]] for name in one}
    for name in ("py", "pz", "vx", "vy", "vz", "time"):
        table[name] = [[0.25], [0.5, 0.75]]
    return table | {"energy": [[9.0], [5.0, 6.0]], "charge": [[-1.0], [-1.0, -1.0]]}


def cells_table() -> Table:
    """Two hits of event 3, one of event 7; two particles share the first, twice of one of them."""
    return {
        "event_id": [3, 7],
        "detector": [[10, 13], [9]],
        "total_energy": [[4.0, 2.0], [1.0]],
        **{axis: [[1000.0, 2000.0], [3000.0]] for axis in "xyz"},
        "contrib_particle_ids": [[[4, NOBODY, 4], []], [[0, 4]]],
        "contrib_energies": [[[1.0, 1.0, 2.0], []], [[1.5, 0.5]]],
    }


_TYPES = {
    "event_id": pa.uint32(), "particle_id": pa.list_(pa.uint64()), "volume_id": pa.list_(pa.uint8()),
    "layer_id": pa.list_(pa.uint16()), "surface_id": pa.list_(pa.uint32()), "detector": pa.list_(pa.uint8()),
    "parent_id": pa.list_(pa.int64()), "pdg_id": pa.list_(pa.int64()),
    "contrib_particle_ids": pa.list_(pa.list_(pa.uint64())), "contrib_energies": pa.list_(pa.list_(pa.float32())),
}  # fmt: skip


def write_lists(path: Path, table: Table, **options: Any) -> Path:
    """Write a table with the types of Release 1."""
    path.parent.mkdir(exist_ok=True, parents=True)
    columns = {name: pa.array(values, _TYPES.get(name, pa.list_(pa.float32()))) for name, values in table.items()}
    pq.write_table(pa.table(columns), path, **options)
    return path


def release(folder: Path, **changed: Table | None) -> Path:
    """Write the three tables, each in its folder; returns that of hits."""
    tables = {"tracker_hits": hits_table(), "particles": particles_table(), "calo_hits": cells_table(), **changed}
    paths = {}
    for name, table in tables.items():
        if table is not None:
            paths[name] = write_lists(folder / f"ttbar_pu200_{name}" / "train-0.parquet", table)
    return paths["tracker_hits"]


def display(path: Path, **changed: Any) -> Path:
    """Write a display event: two particles, three hits of the tracker, two of the calorimeter."""
    muon = {"pT": 2.0, "pdg_id": 13, "particle_id": 5}
    photon = {"pT": 1.0, "pdg_id": 22, "particle_id": 8}
    event = {
        "metadata": {"event_id": 42},
        "vertex": [0.0, 0.0, 10.0],
        "all_tracker_hits": [
            {"x": 0.0, "y": 100.0, "z": 110.0, "HIT_ID": 9, "volume_id": 24, **muon},
            {"x": 0.0, "y": 30.0, "z": 40.0, "HIT_ID": 2, "volume_id": 17, **muon},
            {"x": 30.0, "y": 0.0, "z": 10.0, "HIT_ID": 4, "volume_id": 99, **muon, "particle_id": 6},
        ],
        "calo_hits": [
            {"x": 3.0, "y": 4.0, "z": 10.0, "energy": 0.5, **photon},
            {"x": 0.0, "y": 1.0, "z": 10.0, "energy": 0.25, **muon},
        ],
        **changed,
    }
    data = json.dumps(event).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path
