"""One self-contained HTML page for a run: opens from disk, loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hitforge.core.files import write_text
from hitforge.report import figures_counts as counts
from hitforge.report import figures_curves as curves
from hitforge.report import figures_images as images
from hitforge.report import figures_regression as regression
from hitforge.report import figures_showers as showers
from hitforge.report import figures_space as space
from hitforge.report import figures_tracks as tracks
from hitforge.report import numbers
from hitforge.report.display_showers import showers_figures, showers_page
from hitforge.report.display_tracks import tracks_figures, tracks_page
from hitforge.report.event_showers import stored_showers
from hitforge.report.event_tracks import stored_events
from hitforge.report.results import Contestant, RunResults, read_run
from hitforge.report.style import Picture, look

_ROAD = ("detector", "source", "representation", "model", "task", "training")
_SWEPT = (("energy_error", "mean absolute relative error of the energy"), ("roc_auc", "ROC AUC"))
_HEADLINES = (regression.headline_table, tracks.headline_table, showers.headline_table, counts.headline_table)
_KINDS = {"network": "this run", "baseline": "baseline", "comparison": "other run"}


@dataclass(frozen=True)
class Section:
    """A part of the page that holds pictures."""

    key: str
    title: str
    pictures: tuple[Picture, ...]
    links: tuple[tuple[str, str], ...] = ()


def write_report(folder: Path) -> Path:
    """Draw the results of a run into ``report.html`` inside its folder.

    A part that the folder lacks is left out of the page; nothing is measured here. Where a method kept events with its
    tracks or showers, ``tracks.html`` or ``showers.html`` in its folder shows them, and the page links to it.

    Args:
        folder: Run folder.

    Returns:
        Path of the page.

    Raises:
        RunError: The folder is absent, or a file in it is damaged.
        DataError: The page cannot be written.
    """
    run = read_run(folder)
    environment = Environment(
        loader=PackageLoader("hitforge.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        measured=numbers.measured, plain=numbers.plain, p_value=numbers.p_value, duration=numbers.duration
    )
    with look():
        content = _content(run)
    source, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]
    page = environment.get_template("report.html").render(style=Markup(source), **content)
    path = folder / "report.html"
    write_text(path, page)
    return path


def _content(run: RunResults) -> dict[str, Any]:
    classes, signal, background = _classes(run)
    names = {"units": _units(run), **run.sample}
    both = (images.read_sample(names, run.sample_arrays, prefix) for prefix in ("", "reference_"))
    samples = [sample for sample in both if sample is not None]
    return {
        "title": str(run.recipe.get("title") or run.recipe.get("name") or run.folder.resolve().name),
        "description": str(run.recipe.get("description") or ""),
        "road": [(block, name) for block in _ROAD if (name := _block_name(run.recipe.get(block)))],
        "signal": signal,
        "background": background,
        "contestants": run.contestants,
        "kinds": _KINDS,
        "truth": run.provenance.get("truth", True),
        "answer": [(one, value) for one in run.contestants if (value := one.metric("roc_auc"))],
        "tables": [one for one in _headline_tables(run.contestants) if one],
        "headline": curves.headline(run.contestants),
        "sweep": _sweep(run.contestants),
        "comparisons": run.comparisons,
        "tests": _tests(run.comparisons),
        "differences": _differences(run),
        "sections": [part for part in _sections(run, classes, signal, background, samples) if part.pictures],
        "metrics": _metric_rows(run.contestants),
        "provenance": run.provenance,
        "facts": _facts(run.provenance),
        "recipe_text": run.recipe_text,
    }


def _sections(
    run: RunResults, classes: Sequence[str], signal: str, background: str, samples: Sequence[images.Sample]
) -> list[Section]:
    methods = run.contestants
    first = samples[0] if samples else None
    rows: list[tuple[str, str, Sequence[Picture | None]]] = [
        ("sample", "Sample", [*images.examples(samples), *images.means(samples), images.distributions(samples)]),
        ("training", "Training", [curves.training(methods)]),
        ("resolution", "Energy resolution", [regression.resolution(methods)]),
        ("response", "Response and linearity", [regression.response(methods)]),
        ("errors", "Relative error", [regression.errors(methods)]),
        ("position", "Position", [regression.position(methods)]),
        ("direction", "Direction", [regression.direction(methods)]),
        ("predictions", "Predictions", [regression.predictions(methods)]),
        ("ratios", "Method over method", regression.paired(run.comparisons, methods)),
        ("roc", "ROC", [curves.roc(methods, signal, background)]),
        ("scores", "Scores", [curves.scores(methods, classes, signal)]),
        ("calibration", "Calibration", [curves.calibration(methods, signal)]),
        ("profiles", "Where it works", curves.profiles(methods, classes, signal)),
        ("class_roc", "ROC by class", [regression.class_roc(methods)]),
        ("confusion", "Confusion", [curves.confusion(methods, classes)]),
        ("tracks", "Efficiency, fakes and duplicates", tracks.rates(methods)),
        ("track_parameters", "Track parameters", tracks.parameters(methods)),
        ("graph", "Graph", [tracks.graph(methods)]),
        ("precision", "Average precision", [showers.precision_recall(methods), *showers.average_precisions(methods)]),
        ("showers", "Efficiency, fakes, merged and split showers", showers.rates(methods)),
        ("shower_response", "Energy of showers", showers.response(methods)),
        ("pairs", "Two showers", showers.pairs(methods)),
        ("shower_kinds", "Class of showers", [showers.confusion(methods)]),
        ("stages", "Time and memory", [tracks.stages(methods)]),
        ("events", "Events", _events(methods[0]) if methods else []),
        ("saliency", "Saliency", images.saliency(run.saliency, first, signal)),
        ("saliency_space", "Saliency in depth", space.saliency(run.saliency_space)),
    ]
    links = {"events": _event_pages(run)}
    return [
        Section(key, title, tuple(one for one in pictures if one is not None), links.get(key, ()))
        for key, title, pictures in rows
    ]


def _headline_tables(contestants: Sequence[Contestant]) -> list[dict[str, Any] | None]:
    return [draw(contestants) for draw in _HEADLINES]


def _events(one: Contestant) -> list[Picture]:
    return [*tracks_figures(stored_events(one.events)), *showers_figures(stored_showers(one.showers))]


def _event_pages(run: RunResults) -> tuple[tuple[str, str], ...]:
    """Write the page of each method that kept events; label and address from the report."""
    links = []
    for one in run.contestants:
        pages = []
        if events := stored_events(one.events):
            pages.append(tracks_page(events, run.folder / one.path / "tracks.html"))
        if found := stored_showers(one.showers):
            pages.append(showers_page(found, run.folder / one.path / "showers.html"))
        links += [(one.label, quote(f"{one.path}/{page.name}".removeprefix("./"))) for page in pages]
    return tuple(links)


def _classes(run: RunResults) -> tuple[list[str], str, str]:
    """Names of the classes, of the signal and of the background, from wherever the folder tells them."""
    task = run.recipe.get("task")
    block = task if isinstance(task, dict) else {}
    named = block.get("classes")  # tasks that find showers have a weight of this name
    classes = list(map(str, run.sample.get("classes") or (named if isinstance(named, (dict, list)) else ())))
    if not classes:
        prefix = "count_"
        tables = [one.table("score_distribution") for one in run.contestants]
        classes = [name.removeprefix(prefix) for table in tables[:1] for name in table if name.startswith(prefix)]
    signal = str(run.sample.get("signal") or block.get("signal") or (classes[-1] if classes else "signal"))
    rest = [name for name in classes if name != signal]
    return classes, signal, rest[0] if len(rest) == 1 else "background"


def _units(run: RunResults) -> list[str]:
    """What each channel of the images is measured in, from the scales that the representation was given."""
    block = run.recipe.get("representation")
    scales = block if isinstance(block, dict) else {}
    result = []
    for channel in map(str, run.sample.get("channels", ())):
        kind = "energy" if channel == "energy" else "time" if channel in ("time", "gated_time") else ""
        scale, unit = scales.get(f"{kind}_scale", 1.0), {"energy": "GeV", "time": "ns"}.get(kind, "")
        result.append(unit if scale == 1.0 or not unit else f"{scale:g} {unit}")
    return result


def _block_name(block: Any) -> str:
    """The plug-in that a recipe block names; for training the engine."""
    if isinstance(block, dict):
        return str(block.get("name") or block.get("engine") or "")
    return block if isinstance(block, str) else ""


def _tests(comparisons: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Name and definition of each number that a comparison gives; ratios in bins are drawn instead."""
    values = (item for pair in comparisons for item in pair["values"].items())
    return {name: str(value.get("definition", "")) for name, value in values if not regression.is_bin_ratio(name)}


def _differences(run: RunResults) -> list[dict[str, Any]]:
    """How far the run's own AUC lies above or below that of each method that it was compared with."""
    rows = []
    for pair in run.comparisons:
        test = pair["values"].get("roc_auc_difference")
        if test and run.contestants and pair["first"] == run.contestants[0].label:
            above = test["value"] >= 0
            size = test if above else {"value": -test["value"], "low": -test["high"], "high": -test["low"]}
            p = pair["values"].get("p_value", {}).get("value")
            rows.append({"second": pair["second"], "size": size, "side": "above" if above else "below", "p": p})
    return rows


def _sweep(contestants: Sequence[Contestant]) -> dict[str, Any] | None:
    """Return the headline number of a sweep over two settings, rows of the first against columns of the second."""
    swept = [one for one in contestants if len(one.axes) == 2]
    keys = next((tuple(one.axes) for one in swept), ())
    swept = [one for one in swept if tuple(one.axes) == keys]
    metric = next(((name, text) for name, text in _SWEPT if any(one.metric(name) for one in swept)), None)
    if metric is None:
        return None
    rows, columns = (list(dict.fromkeys(one.axes[key] for one in swept)) for key in keys)
    cells = {tuple(one.axes.values()): one.metric(metric[0]) for one in swept}
    return {
        "keys": keys,
        "number": metric[1],
        "columns": columns,
        "rows": [(row, [cells.get((row, column)) for column in columns]) for row in rows],
    }


def _metric_rows(contestants: Sequence[Contestant]) -> list[dict[str, Any]]:
    """One row a metric, in the order of their first appearance: name, definition, number of the note, values."""
    rows: dict[str, dict[str, Any]] = {}
    for one in contestants:
        for name, value in one.metrics.items():
            if isinstance(value, dict):
                rows.setdefault(name, {"name": name, "definition": str(value.get("definition", "")), "values": []})
    for name, row in rows.items():
        row["values"] = [one.metrics.get(name) for one in contestants]
    return list(rows.values())


def _facts(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """Provenance as pairs of words."""
    facts: list[tuple[str, str]] = []
    command = provenance.get("command")
    machine = provenance.get("machine")
    dataset = provenance.get("dataset") or {}
    wall = provenance.get("wall_s") or {}
    pairs = (
        ("command", " ".join(map(str, command)) if isinstance(command, list) else command),
        ("time", provenance.get("time")),
        ("commit", provenance.get("commit")),
        ("seed", provenance.get("seed")),
        ("device", provenance.get("device")),
        ("machine", _listed(machine)),
        ("trainable parameters", _count(provenance.get("parameters"))),
        ("dataset", dataset.get("name")),
        ("dataset hash", dataset.get("hash")),
        ("events", ", ".join(f"{_count(value)} {key}" for key, value in (dataset.get("counts") or {}).items())),
        ("wall time", _listed({key: numbers.duration(value) for key, value in wall.items() if value is not None})),
    )
    facts.extend((name, str(value)) for name, value in pairs if value not in (None, ""))
    return facts


def _listed(values: Any) -> Any:
    return ", ".join(f"{key} {value}" for key, value in values.items()) if isinstance(values, dict) else values


def _count(value: Any) -> str:
    return numbers.plain(value) if isinstance(value, (int, float)) else "" if value is None else str(value)
