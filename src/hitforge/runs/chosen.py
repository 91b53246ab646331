"""What metrics leave open, such as the cut on a score: chosen for a method on its validation events, and kept."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hitforge.core.errors import RunError
from hitforge.core.progress import Progress
from hitforge.events import Dataset
from hitforge.methods import Method
from hitforge.methods.truth import has_truth
from hitforge.metrics import Metric


def read_chosen(folder: Path) -> dict[str, float]:
    """Return what was chosen on validation events for the method of a run, from ``predictions.parquet``.

    Raises:
        RunError: The file is absent or not whole.
    """
    path = folder / "predictions.parquet"
    try:
        metadata = pq.read_schema(path).metadata or {}
        chosen = {str(name): float(value) for name, value in json.loads(metadata.get(b"chosen", b"{}")).items()}
    except (OSError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise RunError(
            "the run must hold whole predictions", came=error, where=path, do="run it with --resume"
        ) from None
    return chosen


def choose(method: Method, metrics: tuple[Metric, ...], dataset: Dataset, progress: Progress) -> dict[str, float]:
    """Return the settings that metrics leave open, as they are best for a method on its validation events.

    Empty where there is nothing to choose, or the validation events, if any, have no truth.
    """
    left = [metric for metric in metrics if metric.to_choose]
    if not left or not dataset.count("validation") or not has_truth(dataset, "validation"):
        return {}
    validation = method.predictions(dataset, "validation", {}, None, progress)
    return {f"{one.name}.{name}": value for one in left for name, value in one.choose(validation).items()}
