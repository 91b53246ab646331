"""Predictions and measurements of a method, as files of a run folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.core.files import atomic, read_json, write_text
from hitforge.events import Collection, Events
from hitforge.events.schema import ORIGIN
from hitforge.metrics import Metric, Predictions, Value
from hitforge.recipe.recipe import Recipe


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write ``predictions.parquet``."""
    with atomic(folder / "predictions.parquet") as temporary:
        pq.write_table(arrow_table(predictions), temporary, compression="zstd")


def read_predictions(folder: Path) -> Predictions:
    """Read ``predictions.parquet``.

    Raises:
        RunError: The file is absent or not whole.
    """
    path = folder / "predictions.parquet"
    try:
        return from_arrow(pq.read_table(path))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise RunError(
            "the run must hold whole predictions", came=error, where=path, do="run it with --resume"
        ) from None


def arrow_table(predictions: Predictions) -> pa.Table:
    """Return predictions as a table: one row an event, lists ``table.column`` for objects."""
    metadata = {b"classes": json.dumps(predictions.classes).encode(), b"signal": str(predictions.signal).encode()}
    metadata[b"chosen"] = json.dumps(predictions.chosen).encode()
    columns = {name: pa.array(values) for name, values in predictions.columns.items()}
    for name, rows in predictions.tables.items():
        offsets = pa.array(rows.offsets, pa.int64())
        for key, values in rows.columns.items():
            columns[f"{name}.{key}"] = pa.LargeListArray.from_arrays(offsets, pa.array(values))
    return pa.table(columns).replace_schema_metadata(metadata)


def from_arrow(table: pa.Table) -> Predictions:
    """Return what ``arrow_table`` was given."""
    metadata = table.schema.metadata or {}
    columns = {name: table.column(name).to_numpy() for name in table.column_names if "." not in name}
    classes, signal = tuple(json.loads(metadata[b"classes"])), int(metadata[b"signal"])
    return Predictions(columns, classes, signal, _tables(table), json.loads(metadata.get(b"chosen", b"{}")))


def _tables(table: pa.Table) -> dict[str, Collection]:
    """The columns ``table.column`` as rows of varying number."""
    offsets: dict[str, Array] = {}
    columns: dict[str, dict[str, Array]] = {}
    for name in table.column_names:
        kind, dot, key = name.partition(".")
        if dot:
            lists = table.column(name).combine_chunks()
            offsets[kind] = lists.offsets.to_numpy() - lists.offsets[0].as_py()
            columns.setdefault(kind, {})[key] = lists.flatten().to_numpy(zero_copy_only=False)
    return {kind: Collection(offsets[kind], values) for kind, values in columns.items()}


def measure(folder: Path, predictions: Predictions, metrics: tuple[Metric, ...], seed: int, split: str) -> None:
    """Write ``tables.json``, then ``metrics.json``, which marks the method as measured."""
    values: dict[str, Any] = {}
    tables: dict[str, Any] = {}
    for metric in metrics:
        result = metric.compute(predictions, seed)
        values |= {f"{split}.{name}": asdict(value) for name, value in result.values.items()}
        tables |= {
            name: {key: np.asarray(column).tolist() for key, column in table.items()}
            for name, table in result.tables.items()
        }
    write_text(folder / "tables.json", json.dumps(tables))
    write_text(folder / "metrics.json", json.dumps(values, indent=1))


def compare(first: Predictions, second: Predictions, metrics: tuple[Metric, ...], seed: int) -> dict[str, Any]:
    """Return the paired differences first - second.

    Raises:
        DataError: The two were not measured on the same events.
    """
    values: dict[str, Value] = {}
    for metric in metrics:
        values |= metric.compare(first, second, seed).values
    return {name: asdict(value) for name, value in values.items()}


def kept_fields(recipe: Recipe, events: Events) -> dict[str, Array]:
    """Return the event fields that are kept beside answers, those that the events have; each (N,).

    They say where an event comes from, and are what the recipe names.
    """
    names = dict.fromkeys([*ORIGIN, *recipe.evaluation.fields])
    return {name: events.fields[name] for name in names if name in events.fields}


def flat_values(folder: Path) -> dict[str, float]:
    """Return every number of a run by one flat name.

    Own numbers are named as in ``metrics.json`` (``test.roc_auc``), those of a method carry its label in front
    (``boosted_trees:test.roc_auc``), and so do paired differences to the run's own network
    (``boosted_trees:roc_auc_difference``, own minus method).
    """
    flat = {name: item["value"] for name, item in read_json(folder / "metrics.json", dict).items()}
    for method in read_json(folder / "methods.json", list):
        if method["path"] == ".":
            continue
        for name, item in read_json(folder / method["path"] / "metrics.json", dict).items():
            flat[f"{method['name']}:{name}"] = item["value"]
    if (folder / "comparison.json").exists():
        for pair in read_json(folder / "comparison.json", list):
            for name, item in pair["values"].items():
                flat[f"{pair['name']}:{name}"] = item["value"]
    return flat
