"""Are all numbers still the same? One tiny run for each pillar; hashes of its events and weights, and its metrics.

A change that is none of physics or learning (a move, a new name, another interface) must leave every number as it was,
to the last bit. ``same_numbers.json`` beside this file holds those of the commit that it names. Events and classical
algorithms give them on every machine that we tried; networks only on the same processor with the same libraries.

    python benchmarks/same_numbers.py --against benchmarks/same_numbers.json
    python benchmarks/same_numbers.py --write benchmarks/same_numbers.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from safetensors.numpy import load_file

Numbers = dict[str, Any]

# ---- What is run: the only place that knows keys of recipes -------------------------------------------------------

_SMALL = {"epochs": 2, "threads": 1, "precision": "fp32"}
_SCALES = {"energy_scale": 0.05, "position_scale": 1, "depth_scale": 3}
_SHOWERS = {
    "detector": {"name": "hgcal"},
    "source": {
        "name": "multi_shower_gun", "particles": [2, 4], "energy": [20, 100], "spread": 120, "window": 370,
        "train": 24, "validation": 6, "test": 24, "seed": 1,
    },
    "target": {"name": "shower", "min_deposited": 3.0},
    "training": {**_SMALL, "batch_size": 2, "lr": 2e-3, "monitor": "overlap"},
    "evaluation": {"baselines": ["clue"], "fields": ["multiplicity", "mu", "separation"]},
}  # fmt: skip
_KALMAN = {
    "name": "combinatorial_kalman_filter", "preset": "tuned", "pt_margin": 0.2, "seed_volumes": [7, 8, 9, 12, 13, 14],
    "impact": 20, "eta_margin": 0.2, "max_radius": 700, "delta_r": 180,
}  # fmt: skip
_TRACKS = {
    "detector": {"name": "silicon_barrel_endcap"},
    "source": {
        "name": "fatras", "process": "gun", "multiplicity": 20, "pt": [1, 10], "eta": [-2.5, 2.5], "noise": 0.01,
        "train": 20, "validation": 4, "test": 10, "shard_size": 20, "seed": 1,
    },
    "target": {"name": "track", "min_pt": 1.0, "max_eta": 2.5, "min_hits": 9, "min_track_hits": 7},
    "evaluation": {
        "baselines": [_KALMAN],
        "metrics": ["tracking_efficiency", "trackml_score", "track_parameters"],
        "fields": [],
    },
}  # fmt: skip
_MIN_LOSS = {"monitor": "loss"}
RECIPES: dict[str, Numbers] = {
    "images": {
        "detector": {"name": "crystal_barrel"},
        "source": {
            "name": "particle_gun", "pdg": [22, 11], "pt": [50, 50], "eta": [-1.2, 1.2], "seed": 1,
            "train": 256, "validation": 64, "test": 128,
        },
        "representation": {
            "name": "image", "rows": 8, "columns": 32, "channels": ["log_energy", "energy", "gated_time"]
        },
        "model": {"name": "residual", "version": 2, "widths": [8, 16], "blocks": 1},
        "task": {"name": "classify", "classes": {"photon": [22], "electron": [11, -11]}, "signal": "electron"},
        "training": {**_SMALL, "batch_size": 64, "lr": 4e-3},
        "evaluation": {
            "baselines": ["boosted_trees"],
            "compare": [{"label": "Keras", "set": {"training.engine": "keras"}}],
        },
    },
    "calorimeter": {
        "detector": {"name": "hgcal"},
        "source": {
            "name": "shower_gun", "pdg": [11, -11], "energy": [5, 300], "spectrum": "log", "eta": [1.6, 2.8],
            "window": 110, "seed": 1, "train": 64, "validation": 16, "test": 60,
        },
        "representation": {
            "name": "points", "points": 160, "graph": {"name": "k_nearest", "k": 8}
        },
        "model": {"name": "edge_conv", "graph": "given"},
        "region": {"radius": 110},
        "task": {"name": "shower", **_SCALES},
        "training": {**_SMALL, **_MIN_LOSS, "batch_size": 16, "lr": 2e-3},
        "evaluation": {"baselines": ["weighted_sum"], "fields": ["energy", "eta", "phi", "primary_pdg"]},
    },
    "showers_in_voxels": {
        **_SHOWERS,
        "representation": {"name": "shower_voxels", "pitch": 6},
        "model": {"name": "one_stage_detector", "plane_stride": 2, "head": 16},
        "task": {"name": "detect_showers", "spread": 1.2, "near": 2, "radius": 4, "min_score": 0.01},
    },
    "showers_in_hits": {
        **_SHOWERS,
        "representation": {"name": "shower_hits"},
        "model": {"name": "hit_transformer", "cell": [0.12, 0.2, 0.2]},
        "task": {"name": "condense_showers", "distance": 0.8, "softness": 0.15, "min_score": 0.01, "min_energy": 0.1},
    },
    "tracks_in_graphs": {
        **_TRACKS,
        "representation": {
            "name": "track_graph",
            "edges": {"name": "geometric", "pt_margin": 0.1, "eta_margin": 0.2, "hits_margin": 2},
        },
        "model": {"name": "interaction_network", "width": 16, "iterations": 2},
        "task": {"name": "classify_edges", "build": {"name": "walk"}, "fit": {"name": "kalman"}},
        "training": {**_SMALL, **_MIN_LOSS, "batch_size": 1, "lr": 3e-3},
    },
    "tracks_in_hits": {
        **_TRACKS,
        "representation": {"name": "track_hits", "azimuth": True},
        "model": {
            "name": "window_transformer", "block": 64, "reach": 64, "orders": ["phi", "bend"], "blocks": 1, "waves": 2
        },
        "task": {"name": "condense_hits", "dimensions": 8, "hits_margin": 2, "beta": 0.1},
        "training": {**_SMALL, "batch_size": 1, "lr": 3e-3, "monitor": "efficiency"},
    },
}  # fmt: skip
CLASSICAL = ("boosted_trees", "weighted_sum", "clue", "combinatorial_kalman_filter")

# ---- Where a run keeps what: the only place that knows its folders and files --------------------------------------

RENAMED: dict[str, str] = {
    "particles.visible": "particles.deposited",
    **{f"{split}.event.visible_cells": f"{split}.event.kept_cells" for split in ("train", "validation", "test")},
}
"""Names of arrays and numbers as they were when the hashes were stored -> names now."""


NUMBERED = ("file", "event")
"""Event fields that say where an event comes from: of simulated events numbers in order, which nothing measures."""


def run(recipe: Path, folder: Path, samples: Path) -> None:
    """Run a recipe by the command line, one thread, one process."""
    program = "from hitforge.cli import main; main()"
    words = ["run", str(recipe), "--out", str(folder), "--samples", str(samples), "--workers", "1"]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, env={**os.environ, **threads}
    )
    if done.returncode:
        raise SystemExit(f"{recipe.stem} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def events_of(samples: Path) -> Numbers:
    """Return the hash of each array of the only sample in a folder: as the reader gives it, whatever the file."""
    from hitforge.events import Dataset, Events

    (index,) = samples.rglob("dataset.json")
    dataset, found = Dataset(index.parent), {}
    for split in dataset.splits:
        events = Events.concatenate(list(dataset.read(split)))
        for name in [name for name in events.fields if name not in NUMBERED]:
            found[f"{split}.event.{name}"] = _hash(events.fields[name])
        for name, table in events.collections.items():
            found[f"{split}.{name}.offsets"] = _hash(table.offsets)
            for key, values in table.columns.items():
                found[f"{split}.{name}.{key}"] = _hash(values)
    return found


def weights_of(folder: Path) -> dict[str, Numbers]:
    """Return the hash of each array of weights, for each method of a run that has any."""
    return {
        _method(path, folder): {name: _hash(values) for name, values in load_file(path).items()}
        for path in sorted(folder.rglob("model.safetensors"))
    }


def metrics_of(folder: Path) -> dict[str, Numbers]:
    """Return every number of ``metrics.json`` (value, low, high), for each method of a run."""
    return {
        _method(path, folder): _numbers(json.loads(path.read_text())) for path in sorted(folder.rglob("metrics.json"))
    }


def answers_of(folder: Path) -> dict[str, Numbers]:
    """Return the hash of each column of answers and truth of the test events, for each method of a run."""
    found: dict[str, Numbers] = {}
    for path in sorted(folder.rglob("predictions.parquet")):
        columns = found[_method(path, folder)] = {}
        for name, column in pq.read_table(path).to_pydict().items():
            lists = bool(column) and isinstance(column[0], list)
            flat = [value for row in column for value in row] if lists else column
            counts = [len(row) for row in column] if lists else []
            columns[name] = _hash(np.concatenate([np.array(counts, np.float64), np.array(flat, np.float64)]))
    return found


def differences_of(folder: Path) -> dict[str, Numbers]:
    """Return the paired differences of a run's own method and each other one."""
    pairs = json.loads((folder / "comparison.json").read_text())
    return {pair["name"]: _numbers(pair["values"]) for pair in pairs}


def _method(path: Path, folder: Path) -> str:
    """Name of a method: that of its folder; 'own' for the run's own."""
    return "own" if path.parent == folder else path.parent.name


# -------------------------------------------------------------------------------------------------------------------


def _numbers(values: Numbers) -> Numbers:
    return {
        f"{name}.{part}": repr(item[part]) for name, item in values.items() for part in ("value", "low", "high", "n")
        if part in item
    }  # fmt: skip


def _hash(values: Any) -> str:
    values = np.ascontiguousarray(values)
    return hashlib.sha256(f"{values.dtype.str} {values.shape}".encode() + values.tobytes()).hexdigest()[:16]


def measure(name: str, where: Path) -> tuple[Numbers, Numbers]:
    """Run one recipe; return what does not depend on the processor and what does."""
    where.mkdir(parents=True)
    recipe, folder, samples = where / f"{name}.yaml", where / "run", where / "samples"
    recipe.write_text(json.dumps({"title": name, **RECIPES[name]}))  # JSON is YAML
    run(recipe, folder, samples)
    everywhere, here = {"events": events_of(samples)}, {}
    for what, parts in (
        ("weights", weights_of(folder)),
        ("answers", answers_of(folder)),
        ("metrics", metrics_of(folder)),
    ):
        for method, values in parts.items():
            (everywhere if method in CLASSICAL else here)[f"{what} {method}"] = values
    return everywhere, here | {f"differences {key}": values for key, values in differences_of(folder).items()}


def machine() -> dict[str, str]:
    """Return what the numbers of networks depend on: processor and versions of libraries."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    units = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    libraries = ("numpy", "numba", "scipy", "torch", "tensorflow-cpu", "keras", "xgboost-cpu", "pyacts")
    return {"processor": " ".join([*names[:1], *units])} | {name: version(name) for name in libraries}


def differences(old: Numbers, new: Numbers, where: str) -> list[str]:
    """Return what differs, one line a number; arrays that only changed their names are the same."""
    lines = []
    for part in sorted(set(old) | set(new)):
        before = {RENAMED.get(name, name): value for name, value in old.get(part, {}).items()}
        after = new.get(part, {})
        if before == after:
            continue
        if part.startswith(("weights", "answers")):  # what arrays are called does not matter, nor that more came
            lost = Counter(before.values()) - Counter(after.values())
            new_weights = part.startswith("weights") and len(after) != len(before)
            if not lost and not new_weights:
                print(f"{where}: {part}: the same arrays by other names")
                continue
        lines += [
            f"{where}: {part}: {name}: {before.get(name, 'absent')} -> {after.get(name, 'absent')}"
            for name in sorted(set(before) | set(after))
            if before.get(name) != after.get(name)
        ]
    return lines


def main() -> None:
    """Measure, then write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="store the numbers in this file")
    parser.add_argument(
        "--against", type=Path, help="compare with the numbers of this file; exit status 1 if any differs"
    )
    parser.add_argument("--only", nargs="*", choices=list(RECIPES), help="only these recipes")
    parser.add_argument("--commit", default="", help="with --write: the commit that was measured")
    chosen = parser.parse_args()
    new: Numbers = {"commit": chosen.commit, "machine": machine(), "every processor": {}, "this processor": {}}
    with tempfile.TemporaryDirectory() as root:
        for name in chosen.only or RECIPES:
            everywhere, here = measure(name, Path(root) / name)
            new["every processor"][name], new["this processor"][name] = everywhere, here
            print(f"{name}: {sum(len(part) for part in [*everywhere.values(), *here.values()])} numbers", flush=True)
    if chosen.write:
        chosen.write.write_text(json.dumps(new, indent=1) + "\n")
    if chosen.against:
        old = json.loads(chosen.against.read_text())
        lines = []
        for name in chosen.only or RECIPES:
            lines += differences(old["every processor"][name], new["every processor"][name], name)
            lines += differences(old["this processor"][name], new["this processor"][name], name)
        other = {key: (old["machine"].get(key), value) for key, value in new["machine"].items()}
        other = {key: values for key, values in other.items() if values[0] != values[1]}
        if other:
            print(f"another machine than that of the stored numbers, those of networks may differ: {other}")
        print("\n".join(lines) or "all numbers are the same")
        raise SystemExit(bool(lines))


if __name__ == "__main__":
    main()
