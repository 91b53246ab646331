"""What a run folder holds, read for drawing; every part may be absent."""

from __future__ import annotations

import csv
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.config import parse_yaml
from hitforge.core.errors import RunError
from hitforge.core.files import read_json

Number = dict[str, Any]
_SPLITS = ("test.", "validation.", "train.")
_DEFINED = re.compile(r"(\w+) v\d+: ")  # how a definition begins: name and version of the metric


@dataclass(frozen=True)
class MethodResult:
    """One method that took part.

    Attributes:
        label: Its name for people.
        kind: ``network``, ``baseline`` or ``comparison`` (another run).
        metrics: Flat name -> {value, low, high, definition, n}.
        tables: Name, without split -> column -> values.
        history: Column -> (epochs,) float64; empty for a method that has no epochs.
        axes: Its place in a sweep, setting -> value; empty for a method outside it.
        path: Its folder, from that of the run.
        stages: Stage -> {median_ms, p90_ms, n}, and ``peak_memory_mib`` (``stages.json``).
        graph: How good the graph of hits is (``graph.json``).
        displays: Kind of object -> arrays of some test events with the objects found in them (``display_<kind>.npz``;
            see ``objects/<kind>/display_data.py``).
        record: How a classical algorithm was tuned (``record.json``).
    """

    label: str
    kind: str
    metrics: dict[str, Number]
    tables: dict[str, dict[str, Array]]
    history: dict[str, Array]
    axes: dict[str, str] = field(default_factory=dict)
    path: str = "."
    stages: dict[str, Any] = field(default_factory=dict)
    graph: dict[str, Any] = field(default_factory=dict)
    displays: dict[str, dict[str, Array]] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    def metric(self, name: str) -> Number | None:
        """Return a metric by its name without split: that of the test sample if there is one; None if absent."""
        for key in (*(split + name for split in _SPLITS), name):
            if key in self.metrics and self.metrics[key].get("value") is not None:
                return self.metrics[key]
        return None

    def numbers_of(self, metric: str) -> list[str]:
        """Return the names, without split, of the numbers whose definition says that they are of a metric."""
        return [
            name.partition(".")[2] or name
            for name, value in self.metrics.items()
            if (found := _DEFINED.match(str(value.get("definition", "")))) and found[1] == metric
        ]

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
        methods: All methods, the run's own first.
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
    methods: tuple[MethodResult, ...] = ()
    comparisons: tuple[dict[str, Any], ...] = ()
    sample: dict[str, Any] = field(default_factory=dict)
    sample_arrays: dict[str, Array] = field(default_factory=dict)
    saliency: dict[str, Array] = field(default_factory=dict)
    saliency_space: dict[str, Array] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of the recipe, and of those that numbers and tables of a method are of."""
        block = self.recipe.get("evaluation")
        listed = (block.get("metrics") if isinstance(block, dict) else None) or ()
        names = [str(one.get("name", "") if isinstance(one, dict) else one) for one in listed]
        for one in self.methods:
            texts = (str(value.get("definition", "")) for value in one.metrics.values() if isinstance(value, dict))
            names += [found[1] for text in texts if (found := _DEFINED.match(text))]
            names += [table.partition(".")[0] for table in one.tables]
        return tuple(dict.fromkeys(names))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, from wherever the folder tells them; empty where nothing is classified."""
        named = self._task.get("classes")  # tasks that find showers have a weight of this name
        classes = self.sample.get("classes") or (named if isinstance(named, (dict, list)) else ())
        if not classes:  # columns count_<class> of a table
            tables = [table for one in self.methods[:1] for table in one.tables.values()]
            classes = [name.removeprefix("count_") for table in tables for name in table if name.startswith("count_")]
        return tuple(dict.fromkeys(map(str, classes)))

    @property
    def signal(self) -> str:
        """Name of the class that is looked for."""
        last = self.classes[-1] if self.classes else "signal"
        return str(self.sample.get("signal") or self._task.get("signal") or last)

    @property
    def background(self) -> str:
        """Name of the only other class, or of all others."""
        rest = [name for name in self.classes if name != self.signal]
        return rest[0] if len(rest) == 1 else "background"

    @property
    def _task(self) -> dict[str, Any]:
        task = self.recipe.get("task")
        return task if isinstance(task, dict) else {}


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
        methods=tuple(_method(folder, entry) for entry in entries),
        comparisons=tuple(_json(folder / "comparison.json", list)),
        sample=_json(folder / "sample.json", dict),
        sample_arrays=_arrays(folder / "sample.npz"),
        saliency=_arrays(folder / "saliency.npz"),
        saliency_space=_arrays(folder / "saliency_space.npz"),
    )


def _method(folder: Path, entry: dict[str, Any]) -> MethodResult:
    home = folder / str(entry.get("path", "."))
    tables: dict[str, dict[str, Array]] = {}
    for name, table in _json(home / "tables.json", dict).items():
        plain = next((name.removeprefix(split) for split in _SPLITS if name.startswith(split)), name)
        tables[plain] = {column: _column(values) for column, values in table.items()}
    return MethodResult(
        str(entry.get("label", home.name)),
        str(entry.get("kind", "network")),
        _json(home / "metrics.json", dict),
        tables,
        _history(home / "history.csv"),
        {str(key): str(value) for key, value in (entry.get("axes") or {}).items()},
        str(entry.get("path", ".")),
        _json(home / "stages.json", dict),
        _json(home / "graph.json", dict),
        {path.stem.removeprefix("display_"): _arrays(path) for path in sorted(home.glob("display_*.npz"))},
        # the first of a recipe without a network writes its answers at the top, what it was fitted to in its own folder
        _json(home / "record.json", dict) or _json(home / "baselines" / str(entry.get("name")) / "record.json", dict),
    )


def _column(values: Any) -> Array:
    """A column of numbers (None becomes NaN) or of names."""
    array = np.asarray(values)
    return np.asarray(values, np.float64) if array.dtype.kind in "Obiuf" else array


def _json(path: Path, kind: type[Any]) -> Any:
    """The content of a JSON file, an empty ``kind`` if there is no file."""
    return read_json(path, kind) if path.exists() else kind()


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
