"""What a run folder holds, read for drawing; every part may be absent."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.config import parse_yaml
from hitforge.core.errors import RunError

Array = NDArray[Any]
Value = dict[str, Any]
_SPLITS = ("test.", "validation.", "train.")


@dataclass(frozen=True)
class Contestant:
    """One method that took part.

    Attributes:
        label: Its name for people.
        kind: ``network``, ``baseline`` or ``compare`` (another run).
        metrics: Flat name -> {value, low, high, definition, n}.
        tables: Name, without split -> column -> values.
        history: Column -> (epochs,) float64; empty for a method that has no epochs.
        axes: Its place in a sweep, setting -> value; empty for a method outside it.
        path: Its folder, from that of the run.
        stages: Stage -> {median_ms, p90_ms, n}, and ``peak_memory_mib`` (``stages.json``).
        graph: How good the graph of hits is (``graph.json``).
        events: Some test events with their tracks (``display_tracks.npz``; see ``event_tracks``).
        showers: Some test events with their showers (``display_showers.npz``; see ``event_showers``).
    """

    label: str
    kind: str
    metrics: dict[str, Value]
    tables: dict[str, dict[str, Array]]
    history: dict[str, Array]
    axes: dict[str, str] = field(default_factory=dict)
    path: str = "."
    stages: dict[str, Any] = field(default_factory=dict)
    graph: dict[str, Any] = field(default_factory=dict)
    events: dict[str, Array] = field(default_factory=dict)
    showers: dict[str, Array] = field(default_factory=dict)

    def metric(self, name: str) -> Value | None:
        """Return a metric by its name without split: that of the test sample if there is one; None if absent."""
        for key in (*(split + name for split in _SPLITS), name):
            if key in self.metrics and self.metrics[key].get("value") is not None:
                return self.metrics[key]
        return None

    def table(self, name: str) -> dict[str, Array]:
        """Return a table; empty if absent."""
        return self.tables.get(name, {})


@dataclass(frozen=True)
class RunResults:
    """All that a report draws. A part that the folder lacks is empty.

    Attributes:
        folder: The run folder.
        recipe_text: The resolved recipe as it stands in the file.
        recipe: The same, parsed.
        provenance: What made the run.
        contestants: All methods, the run's own first.
        comparisons: Paired tests: {first, second, values}.
        sample: Names and histograms (``sample.json``).
        sample_arrays: Mean and example images (``sample.npz``).
        saliency: ``input``, ``gradient``, ``integrated`` (k, rows, columns, channels), ``target``, ``score`` (k,).
        saliency_space: ``chosen`` (k,), and the rows of their hits: ``event``, ``x``, ``y``, ``depth``, ``size``,
            ``gradient``, ``integrated``.
    """

    folder: Path
    recipe_text: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    contestants: tuple[Contestant, ...] = ()
    comparisons: tuple[dict[str, Any], ...] = ()
    sample: dict[str, Any] = field(default_factory=dict)
    sample_arrays: dict[str, Array] = field(default_factory=dict)
    saliency: dict[str, Array] = field(default_factory=dict)
    saliency_space: dict[str, Array] = field(default_factory=dict)


def read_run(folder: Path) -> RunResults:
    """Read a run folder.

    Raises:
        RunError: The folder is absent, or a file in it is damaged.
    """
    if not folder.is_dir():
        raise RunError("the run folder must exist", came="none", where=folder)
    recipe_path = folder / "recipe.yaml"
    text = recipe_path.read_text(encoding="utf-8") if recipe_path.exists() else ""
    recipe = parse_yaml(text, str(recipe_path)) if text else {}
    alone = {"label": folder.resolve().name, "kind": "network", "path": "."}
    entries = _json(folder / "methods.json", list) or [alone]
    return RunResults(
        folder=folder,
        recipe_text=text,
        recipe=recipe if isinstance(recipe, dict) else {},
        provenance=_json(folder / "provenance.json", dict),
        contestants=tuple(_contestant(folder, entry) for entry in entries),
        comparisons=tuple(_json(folder / "comparison.json", list)),
        sample=_json(folder / "sample.json", dict),
        sample_arrays=_arrays(folder / "sample.npz"),
        saliency=_arrays(folder / "saliency.npz"),
        saliency_space=_arrays(folder / "saliency_space.npz"),
    )


def _contestant(folder: Path, entry: dict[str, Any]) -> Contestant:
    home = folder / str(entry.get("path", "."))
    tables: dict[str, dict[str, Array]] = {}
    for name, table in _json(home / "tables.json", dict).items():
        plain = next((name.removeprefix(split) for split in _SPLITS if name.startswith(split)), name)
        tables[plain] = {column: _column(values) for column, values in table.items()}
    return Contestant(
        str(entry.get("label", home.name)),
        str(entry.get("kind", "network")),
        _json(home / "metrics.json", dict),
        tables,
        _history(home / "history.csv"),
        {str(key): str(value) for key, value in (entry.get("axes") or {}).items()},
        str(entry.get("path", ".")),
        _json(home / "stages.json", dict),
        _json(home / "graph.json", dict),
        _arrays(home / "display_tracks.npz"),
        _arrays(home / "display_showers.npz"),
    )


def _column(values: Any) -> Array:
    """A column of numbers (None becomes NaN) or of names."""
    array = np.asarray(values)
    return np.asarray(values, np.float64) if array.dtype.kind in "Obiuf" else array


def _json(path: Path, kind: type) -> Any:
    """The content of a JSON file, an empty ``kind`` if there is no file."""
    if not path.exists():
        return kind()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RunError("the file must be readable JSON", came=error, where=path, do="evaluate the run again") from None
    if not isinstance(content, kind):
        raise RunError(
            f"the file must hold a JSON {'object' if kind is dict else 'list'}", came=type(content).__name__, where=path
        )
    return content


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of an npz file; pickled objects are refused by NumPy."""
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise RunError("the file must be a NumPy npz file without pickles", came=error, where=path) from None


def _history(path: Path) -> dict[str, Array]:
    """The columns of a history; an empty cell is NaN."""
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        if not rows:
            return {}
        return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    except (ValueError, TypeError, csv.Error) as error:
        raise RunError("the history must be a table of numbers", came=error, where=path) from None
