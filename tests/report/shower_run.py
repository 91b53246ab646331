"""A run folder of a job that finds showers, with two methods, made without training."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hitforge.metrics import METRICS
from tests.drawn_showers import HGCAL, explain_showers, found_showers, shower_events

LABELS = ("mask $transformer_1", "CLUE3D")
_METRICS = (
    {"name": "average_precision", "replicas": 50},
    {"name": "shower_efficiency", "replicas": 50},
    {"name": "shower_response", "replicas": 50, "bin_size": 5},
)


def make_run(folder: Path, events: int = 60) -> Path:
    """Write a whole run folder; every other event has two particles."""
    sample = shower_events((2, 4, 2, 6, 2, 3, 2, 5) * (events // 8), spots=120, noise=40)
    listed, every = [], []
    metrics = [METRICS.build(settings, where="test") for settings in _METRICS]
    entries = zip(LABELS, ("network", "baseline"), (".", "baselines/clue"), (0.05, 0.3), strict=True)
    for label, kind, path, worse in entries:
        home = folder / path
        home.mkdir(parents=True, exist_ok=True)
        predictions = found_showers(sample, worse)
        every.append(predictions)
        values, tables = {}, {}
        for metric in metrics:
            result = metric.compute(predictions, 0)
            values |= {f"test.{key}": asdict(value) for key, value in result.values.items()}
            for key, table in result.tables.items():
                tables[f"test.{key}"] = {column: np.asarray(data).tolist() for column, data in table.items()}
        (home / "metrics.json").write_text(json.dumps(values))
        (home / "tables.json").write_text(json.dumps(tables))
        explain_showers(sample, predictions, home, HGCAL, metrics)
        listed.append({"label": label, "kind": kind, "path": path})
    (folder / "methods.json").write_text(json.dumps(listed))
    pair = [metric.compare(*every, 0).values for metric in metrics]
    paired = {name: asdict(value) for values in pair for name, value in values.items()}
    (folder / "comparison.json").write_text(json.dumps([{"first": LABELS[0], "second": LABELS[1], "values": paired}]))
    return folder
