"""Small files of jets, in the layouts that the public ones have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Events

CLOUD: Detector = DETECTORS.build("point_cloud", where="test")
KINDS = ("Electron", "Muon", "Photon", "ChargedHadron", "NeutralHadron")
COUNTS = (3, 0, 5, 2)


def jetclass_columns(counts: tuple[int, ...] = COUNTS, seed: int = 1) -> dict[str, Any]:
    """Columns of JetClass-II: lists of Python a jet, and numbers."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"part_is{kind}": [] for kind in KINDS}
    columns |= {
        f"part_{name}": [] for name in ("px", "py", "pz", "energy", "charge", "d0val", "d0err", "dzval", "dzerr")
    }
    columns |= {f"jet_{name}": [] for name in ("pt", "eta", "phi", "energy", "sdmass", "nparticles", "tau1", "label")}
    columns["genjet_pt"] = []
    for number, count in enumerate(counts):
        momentum = random.normal([100.0, 30.0, 50.0], 20, (count, 3))
        energy = np.linalg.norm(momentum, axis=1) + 0.1
        kind = np.arange(count) % 5
        for i, name in enumerate(KINDS):
            columns[f"part_is{name}"].append((kind == i).tolist())
        charge = np.where((kind == 2) | (kind == 4), 0, np.where(np.arange(count) % 2, 1, -1))
        values = {"px": momentum[:, 0], "py": momentum[:, 1], "pz": momentum[:, 2], "energy": energy, "charge": charge}
        values |= {name: random.random(count) for name in ("d0val", "d0err", "dzval", "dzerr")}
        for name, value in values.items():
            columns[f"part_{name}"].append(value.tolist())
        whole = momentum.sum(axis=0) if count else np.array([10.0, 0.0, 0.0])
        pt = np.hypot(*whole[:2])
        jet = {"pt": pt, "eta": np.arcsinh(whole[2] / pt), "phi": np.arctan2(whole[1], whole[0]), "tau1": 0.1 * number}
        jet |= {
            "energy": energy.sum() if count else 10.0,
            "sdmass": 5.0 + number,
            "nparticles": count,
            "label": 3 * number,
        }
        for name, value in jet.items():
            columns[f"jet_{name}"].append(value)
        columns["genjet_pt"].append(pt + 1.0)
    return columns


def write_parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    lists = {name: pa.list_(pa.bool_() if "_is" in name else pa.float32()) for name in columns if name[:5] == "part_"}
    arrays = {name: pa.array(values, lists.get(name)) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), path, **options)
    return path


def write_root(path: Path, tree: str, columns: dict[str, Any]) -> Path:
    arrays = {name: values if isinstance(values, ak.Array) else ak.Array(values) for name, values in columns.items()}
    arrays = {name: values_as(values) for name, values in arrays.items()}
    with uproot.recreate(path) as file:
        file.mktree(tree, {name: ak.type(values).content for name, values in arrays.items()}).extend(arrays)
    return path


def values_as(values: ak.Array) -> ak.Array:
    """Lists of 32 bits, also where all are empty."""
    if values.ndim == 2:
        return ak.values_astype(values, np.float32)
    return ak.values_astype(values, np.float32 if "float" in str(ak.type(values)) else np.int32)


def jetclass_root_columns() -> dict[str, Any]:
    """The same jets with the labels of JetClass."""
    columns = jetclass_columns()
    labels = columns.pop("jet_label")
    names = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
    return columns | {f"label_{name}": [int(label == i) for label in labels] for i, name in enumerate(names)}


def write_top_tagging(path: Path, momenta: np.ndarray, label: np.ndarray, top: np.ndarray, **options: Any) -> Path:
    """A table as pandas writes it: momenta (N, 200, 4), labels (N,), true tops (N, 4)."""
    kind = np.dtype([("index", "<i8"), ("values_block_0", "<f4", (804,)), ("values_block_1", "<i8", (2,))])
    table = np.zeros(len(momenta), kind)
    table["index"] = np.arange(len(momenta))
    table["values_block_0"] = np.concatenate([momenta.reshape(len(momenta), -1), top], axis=1)
    table["values_block_1"][:, 1] = label
    with h5py.File(path, "w") as file:
        file.create_dataset("table/table", data=table, **options)
    return path


def read_all(reader: Any) -> Events:
    """All events of all splits, by file and number."""
    shards = [reader.shard(split, i) for split, count in reader.splits().items() for i in range(count)]
    events = Events.concatenate(shards)
    return events.take(np.lexsort((events.field("event"), events.field("file"))))
