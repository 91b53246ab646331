"""A run folder of a tracking job with two methods, made without training."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hitforge.events import Collection
from hitforge.metrics import METRICS, Predictions
from tests.drawn_tracks import explain_tracks, found_tracks, helices

LABELS = ("graph $network_1", "Kalman filter")
_ERRORS = {"loc0": 0.02, "z0": 0.05, "phi": 4e-4, "theta": 3e-4}
_EDGES = np.arange(-2.5, 2.6, 0.5)


def _fitted(predictions: Predictions, worse: float) -> Predictions:
    """Add parameters of tracks that are the leading particle's with errors."""
    random = np.random.default_rng(1)
    tracks, particles, matches = (predictions.tables[name] for name in ("tracks", "particles", "matches"))
    track = tracks.offsets[:-1][matches.event] + matches["track"]
    row = np.zeros(tracks.rows, np.int64)
    row[track] = particles.offsets[:-1][matches.event] + matches["particle"]
    true = {name: particles[name][row].astype(np.float64) for name in ("d0", "z0", "phi", "eta", "pt", "charge")}
    theta = 2.0 * np.arctan(np.exp(-true["eta"]))
    columns = {"loc0": true["d0"], "z0": true["z0"], "phi": true["phi"], "theta": theta}
    curve = true["charge"] / (true["pt"] * np.cosh(true["eta"]))
    size = {**{name: np.full(tracks.rows, value) for name, value in _ERRORS.items()}, "q_over_p": 0.02 * np.abs(curve)}
    columns["q_over_p"] = curve
    fitted = {name: values + worse * size[name] * random.normal(size=tracks.rows) for name, values in columns.items()}
    fitted |= {f"sigma_{name}": values for name, values in size.items()} | {"hits": tracks["hits"]}
    return Predictions({}, tables={**predictions.tables, "tracks": Collection(tracks.offsets, fitted)})


def _graph(share: float) -> dict[str, object]:
    pt = {"low": [0.0, 0.5, 1.0, 5.0], "high": [0.5, 1.0, 5.0, 1e9], "particles": [0, 40, 60, 20]}
    eta = {"low": _EDGES[:-1].tolist(), "high": _EDGES[1:].tolist(), "particles": [10] * (len(_EDGES) - 1)}
    for table in (pt, eta):
        for name, loss in (("efficiency", 0.02), ("ceiling", 0.01)):
            table[name] = [share - loss * i / 3 if count else None for i, count in enumerate(table["particles"])]
    return {"events": 40, "hits": 300.0, "edges": 2100.4, "purity": 0.31, "efficiency": share, "pt": pt, "eta": eta}


def make_run(folder: Path, events: int = 40) -> Path:
    """Write a whole run folder."""
    sample, _ = helices((25,) * (events - 3) + (12, 40, 5))
    whole = found_tracks(sample)
    entries = zip(LABELS, ("network", "baseline"), (".", "baselines/kalman"), (1.0, 1.6), strict=True)
    listed, every = [], []
    names = ("tracking_efficiency", "trackml_score", "track_parameters")
    metrics = [METRICS.build(name, where="test") for name in names]
    for place, (label, kind, path, worse) in enumerate(entries):
        predictions = _fitted(whole, worse)
        if place:  # the second method loses the tracks of every other event
            odd = {name: table.event % 2 == 1 for name, table in predictions.tables.items()}
            kept = {name: predictions.tables[name].select_rows(odd[name]) for name in ("tracks", "matches", "members")}
            predictions = Predictions({}, tables={**predictions.tables, **kept})
        every.append(predictions)
        home = folder / path
        home.mkdir(parents=True, exist_ok=True)
        values, tables = {}, {}
        for metric in metrics:
            result = metric.compute(predictions, 0)
            values |= {f"test.{key}": asdict(value) for key, value in result.values.items()}
            for key, table in result.tables.items():
                tables[key] = {column: np.asarray(data).tolist() for column, data in table.items()}
        (home / "metrics.json").write_text(json.dumps(values))
        (home / "tables.json").write_text(json.dumps(tables))
        times = [(3.0 + 7 * i, 9.0 + 8 * i) for i in range(len(_STAGES))]
        rows = [{"median_ms": median, "p90_ms": most, "n": events} for median, most in times]
        stages = dict(zip(_STAGES, rows, strict=True))
        (home / "stages.json").write_text(json.dumps({**stages, "peak_memory_mib": 700.0 + 900 * place}))
        if not place:
            (home / "graph.json").write_text(json.dumps(_graph(0.99)))
        explain_tracks(sample, predictions, home)
        listed.append({"label": label, "kind": kind, "path": path})
    (folder / "methods.json").write_text(json.dumps(listed))
    pair = [metric.compare(*every, 0).values for metric in metrics]
    paired = {name: asdict(value) for values in pair for name, value in values.items()}
    (folder / "comparison.json").write_text(json.dumps([{"first": LABELS[0], "second": LABELS[1], "values": paired}]))
    return folder


_STAGES = ("representation", "network", "building", "fit")
