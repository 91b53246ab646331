"""One self-contained HTML page for a run: opens from disk, loads nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hitforge.core.files import write_text
from hitforge.report import numbers
from hitforge.report._binned import is_bin_ratio
from hitforge.report._data import csv_address
from hitforge.report.parts import PARTS
from hitforge.report.results import MethodResult, RunResults, read_run
from hitforge.report.sections import Headline, Section, Subsection, sections_of
from hitforge.report.style import look

_ROAD = ("detector", "source", "representation", "model", "task", "training")
_COLUMNS = 5  # methods that stand beside each other in a table
_NUMBERS = 6  # that stand beside each other in a table of main numbers
_BRIEF = 110  # letters of a definition in print
_KINDS = {"network": "this run", "baseline": "baseline", "comparison": "other run"}


def write_report(folder: Path) -> Path:
    """Draw the results of a run into ``report.html`` inside its folder.

    A part that the folder lacks is left out of the page; nothing is measured here. Where methods kept events with what
    they found, the page holds them to turn around; those that would make it too large stand in ``events.html``.

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
    source, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]
    with _uncollected():
        with look():
            content = _content(run)
        page = environment.get_template("report.html").render(style=Markup(source), **content)
    path = folder / "report.html"
    write_text(path, page)
    return path


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep what is drawn until the end: nothing of it is garbage before, and looking for some takes a tenth of it."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _content(run: RunResults) -> dict[str, Any]:
    sections = sections_of(run)
    parts = [PARTS.build(name, where="report") for name in PARTS.usable()]
    return {
        "title": str(run.recipe.get("title") or run.recipe.get("name") or run.folder.resolve().name),
        "description": str(run.recipe.get("description") or ""),
        "road": [(block, name) for block in _ROAD if (name := _block_name(run.recipe.get(block)))],
        "methods": run.methods,
        "kinds": _KINDS,
        "truth": run.provenance.get("truth", True),
        "answers": [answer for section in sections if (answer := section.answer(run))],
        "tables": _tables(run, sections),
        "seeds": _seeds(run, sections),
        "answer_pictures": [drawn for section in sections if (drawn := section.answer_picture(run))],
        "sweep": _sweep(run.methods, sections),
        "comparisons": run.comparisons,
        "tests": _tests(run.comparisons),
        "sections": _subsections(run, [*parts, *sections]),
        "metrics": (metrics := _metric_rows(run.methods)),
        "turned": len(run.methods) > max(_COLUMNS, len(metrics)),
        "settings": [str(one) for one in _list(run.provenance.get("settings"))],
        "provenance": run.provenance,
        "facts": _facts(run.provenance),
        "recipe_text": run.recipe_text,
    }


def _subsections(run: RunResults, sections: Sequence[Section]) -> list[tuple[Subsection, str]]:
    """All that have a picture or a note, in the order of the page, and the address of their data."""
    found = [one for section in sections for one in section.subsections(run)]
    found = [replace(one, pictures=[picture for picture in one.pictures if picture is not None]) for one in found]
    shown = sorted((one for one in found if one.pictures or one.note), key=lambda one: one.place)
    return [(one, csv_address(run.methods, one.data)) for one in shown]


def _tables(run: RunResults, sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Return the tables of main numbers: ``columns``, ``rows`` (method, values), number of events ``n``, ``note``.

    One is ``turned``, numbers down and methods across, where only so it fits the page.
    """
    headlines: dict[str, list[Headline]] = {}
    for section in sections:
        told = section.headline(run)
        if told is not None:
            columns = tuple(column for column in told.columns if any(one.metric(column[0]) for one in run.methods))
            headlines.setdefault(told.table, []).extend([replace(told, columns=columns)] if columns else [])
    tables = []
    for parts in filter(None, headlines.values()):
        shown = [column for part in parts for column in part.columns]
        rows = [(one, [numbers.rescaled(one.metric(name), factor) for name, _, factor in shown]) for one in run.methods]
        rows = [row for row in rows if any(row[1])]
        first = next(value for _, values in rows for value in values if value)
        note = "; ".join(part.note for part in parts if part.note)
        tables.append(
            {
                "columns": [title for _, title, _ in shown],
                "rows": rows,
                "turned": len(rows) <= _COLUMNS and len(shown) > _NUMBERS,
                "n": first.get("n") if any(part.counted for part in parts) else None,
                "note": f"{note[:1].upper()}{note[1:]}." if note else "",
            }
        )
    return tables


def _seeds(run: RunResults, sections: Sequence[Section]) -> str:
    """Say how far the run's own network spreads over training seeds, which the intervals do not hold."""
    told = [headline for section in sections if (headline := section.headline(run)) is not None]
    shown = [column for headline in told for column in headline.columns]
    shown = shown or [(*section.swept, 1.0) for section in sections if section.swept is not None]
    same = [one for one in run.methods if one.kind == "network" and one.path == "."]
    if not same or not any(same[0].metric(name) for name, *_ in shown):
        return ""
    same += [one for one in run.methods if one.label.startswith("seed ")]
    if len(same) < 2:
        return "One training seed: what another would give is not in the intervals."
    texts = []
    for name, title, factor in shown:
        found = [factor * value["value"] for one in same if (value := one.metric(name)) is not None]
        if len(found) == len(same):
            mean, spread = float(np.mean(found)), float(np.std(found, ddof=1))
            texts.append(f"{title} {numbers.measured({'value': mean, 'low': mean - spread, 'high': mean + spread})}")
    return f"Over {len(same)} training seeds, mean ± standard deviation: {', '.join(texts)}."


def _block_name(block: Any) -> str:
    """The plug-in that a recipe block names; for training the engine."""
    if isinstance(block, dict):
        return str(block.get("name") or block.get("engine") or "")
    return block if isinstance(block, str) else ""


def _tests(comparisons: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Name and definition of each number that a comparison gives; ratios in bins are drawn instead."""
    values = (item for pair in comparisons for item in pair["values"].items())
    return {name: str(value.get("definition", "")) for name, value in values if not is_bin_ratio(name)}


def _sweep(methods: Sequence[MethodResult], sections: Sequence[Section]) -> dict[str, Any] | None:
    """Return the headline number of a sweep over two settings, rows of the first against columns of the second."""
    swept = [one for one in methods if len(one.axes) == 2]
    keys = next((tuple(one.axes) for one in swept), ())
    swept = [one for one in swept if tuple(one.axes) == keys]
    named = [section.swept for section in sections if section.swept]
    metric = next(((name, text) for name, text in named if any(one.metric(name) for one in swept)), None)
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


def _metric_rows(methods: Sequence[MethodResult]) -> list[dict[str, Any]]:
    """One row a metric, in the order of their first appearance: name, definition, the same in brief, values."""
    rows: dict[str, dict[str, Any]] = {}
    for one in methods:
        for name, value in one.metrics.items():
            if isinstance(value, dict):
                text = str(value.get("definition", ""))
                rows.setdefault(name, {"name": name, "definition": text, "brief": _brief(text), "values": []})
    for name, row in rows.items():
        row["values"] = [one.metrics.get(name) for one in methods]
    return list(rows.values())


def _brief(definition: str) -> str:
    """The first part of a definition."""
    first = definition.partition("; ")[0]
    return first if len(first) <= _BRIEF else f"{first[:_BRIEF].rsplit(' ', 1)[0].rstrip(',;:')} …"


def _facts(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """Provenance as pairs of words."""
    facts: list[tuple[str, str]] = []
    command = provenance.get("command")
    machine = provenance.get("machine")
    dataset = provenance.get("dataset") or {}
    wall = _flat(provenance.get("wall_s"))
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
        ("losses in the sample", "; ".join(map(str, _list(dataset.get("losses"))))),
        ("wall time", _listed({key: numbers.duration(value) for key, value in wall.items()})),
        ("packages outside hitforge", _listed(provenance.get("packages") or None)),
    )
    facts.extend((name, str(value)) for name, value in pairs if value not in (None, ""))
    return facts


def _flat(values: Any) -> dict[str, float]:
    """Times by name; those of a block inside by both names, with a space."""
    found: dict[str, float] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        inner = {f"{key} {name}": time for name, time in _flat(value).items()}
        found |= inner or ({str(key): float(value)} if isinstance(value, (int, float)) else {})
    return found


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []


def _listed(values: Any) -> Any:
    return ", ".join(f"{key} {value}" for key, value in values.items()) if isinstance(values, dict) else values


def _count(value: Any) -> str:
    return numbers.plain(value) if isinstance(value, (int, float)) else "" if value is None else str(value)
