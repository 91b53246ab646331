"""A run folder of a job that measures energy, position and direction, with two methods, made without training."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.metrics import METRICS, Predictions

LABELS = ("graph $network_1", "weighted sum")
METHODS = ("energy_resolution", "position_resolution", "direction_resolution")


def predictions(worse: float) -> Predictions:
    random = np.random.default_rng(1)
    count = 1500
    energy = random.uniform(5, 300, count)
    columns = {"true_energy": energy}
    columns["predicted_energy"] = energy * (1 + worse * random.normal(0, 0.2, count) / np.sqrt(energy))
    for axis in "xyz":
        columns[f"true_barycentre_{axis}"] = random.normal(100, 50, count)
        columns[f"predicted_barycentre_{axis}"] = columns[f"true_barycentre_{axis}"] + random.normal(0, worse, count)
        columns[f"true_direction_{axis}"] = np.full(count, float(axis == "z"))
        columns[f"predicted_direction_{axis}"] = columns[f"true_direction_{axis}"] + random.normal(0, 0.01, count)
    return Predictions(columns)


def make_run(folder: Path) -> Path:
    samples = [predictions(worse) for worse in (1.0, 1.5)]
    for path, sample in zip((".", "baselines/sum"), samples, strict=True):
        values: dict[str, Any] = {}
        tables: dict[str, Any] = {}
        for name in METHODS:
            result = METRICS.build({"name": name, "replicas": 100}, where="test").compute(sample, 0)
            values |= {f"test.{key}": asdict(value) for key, value in result.values.items()}
            for key, table in result.tables.items():
                tables[key] = {column: np.asarray(data).tolist() for column, data in table.items()}
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "metrics.json").write_text(json.dumps(values))
        (folder / path / "tables.json").write_text(json.dumps(tables))
    entries = zip(LABELS, ("network", "baseline"), (".", "baselines/sum"), strict=True)
    (folder / "methods.json").write_text(
        json.dumps([{"label": label, "kind": kind, "path": path} for label, kind, path in entries])
    )
    pair = METRICS.build({"name": "energy_resolution", "replicas": 100}, where="test").compare(*samples, 0)
    values = {key: asdict(value) for key, value in pair.values.items()}
    (folder / "comparison.json").write_text(json.dumps([{"first": LABELS[0], "second": LABELS[1], "values": values}]))
    return folder
