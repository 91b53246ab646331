"""What the pages of results share: numbers with intervals, tables, commands and heads of runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.report.parts.tuning import profiles
from hitforge.report.results import MethodResult, RunResults

Value = dict[str, Any]
MANY = 20
"""Entries of a bin whose interval is drawn to its end."""
_NAMES = {
    "combinatorial kalman filter": "Kalman filter (CKF)",
    "clue": "CLUE",
    "dbscan": "DBSCAN",
    "seeded cone": "seeded cones",
}


def percent(value: Value | None, scale: float = 100.0, sign: bool = False) -> str:
    """Format a value with its interval, with the digits that the interval allows."""
    if value is None:
        return ""
    middle, low, high = (scale * value[key] for key in ("value", "low", "high"))
    width = max((high - low) / 2, 1e-9)
    digits = int(np.clip(1 - np.floor(np.log10(width)), 1, 3)) if high > low else 2
    plus = "+" if sign else ""
    middle, low, high = (round(end, digits) + 0.0 for end in (middle, low, high))  # no -0
    if low == high:
        return f"{middle:{plus}.{digits}f}"
    return f"{middle:{plus}.{digits}f} [{low:{plus}.{digits}f}, {high:{plus}.{digits}f}]"


def short(number: float) -> str:
    """Format a number with three digits or all that stand before the point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table without the columns that are empty in all rows; nothing where no row has a number."""
    kept = [0, *(i for i in range(1, len(head)) if any(row[i] for row in rows))]
    rows = [row for row in rows if any(row[1:])]
    if len(kept) == 1 or not rows:
        return []
    lines = [[head[i] for i in kept], ["---"] * len(kept), *([row[i] for i in kept] for row in rows)]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def label(run: RunResults, one: MethodResult) -> str:
    """Return the name of a method; the run's own seed is told where there are others."""
    others = any(other.label.startswith("seed ") for other in run.methods)
    own = one.path == "." and one.kind == "network"
    return f"{one.label}, seed {run.provenance['seed']}" if own and others else plain(one.label)


def plain(text: str) -> str:
    """Return a method's label as it stands in the tables."""
    return _NAMES.get(text, text)


def seeds(run: RunResults) -> list[MethodResult]:
    """Return the run's own network and the same with other seeds; of several networks put together, none."""
    own = [one for one in run.methods if one.path == "." and one.kind == "network"]
    return own + [one for one in run.methods if one.label.startswith("seed ")] if len(own) == 1 else []


def spread(same: Sequence[MethodResult], name: str) -> str:
    """Return the mean of a number over seeds and its standard deviation, in percent."""
    values = [value["value"] for one in same if (value := one.metric(name))]
    return f"{100 * np.mean(values):.2f} ± {100 * np.std(values, ddof=1):.2f}" if len(values) > 1 else ""


def over_seeds(run: RunResults, names: Iterable[str]) -> list[list[str]]:
    """Return a row with mean and spread of numbers over the seeds of a run's network; none where there is one seed."""
    same = seeds(run)
    return [[f"mean of {len(same)} seeds, ± spread", *(spread(same, name) for name in names)]] if len(same) > 1 else []


def differences(
    run: RunResults, numbers: dict[str, str], more: Sequence[tuple[str, dict[str, Value]]] = ()
) -> list[str]:
    """Return paired differences own - other on the same events, in percentage points.

    Args:
        run: With its comparisons.
        numbers: Name of each number -> title of its column.
        more: Others that the run's own method was compared with: name and differences.
    """
    rows = [
        [who, *(percent(values.get(f"{name}_difference"), sign=True) for name in numbers)]
        for who, values in [*((plain(pair["second"]), pair["values"]) for pair in run.comparisons), *more]
    ]
    title = f"{label(run, run.methods[0])} minus, same events [percentage points]"
    return table([title, *numbers.values()], rows)


def stages(run: RunResults) -> list[str]:
    """Return the median time of each stage, by method."""
    rows = []
    for one in run.methods:
        times = {name: stage["median_ms"] for name, stage in one.stages.items() if isinstance(stage, dict)}
        if times:
            parts = " + ".join(f"{name} {short(time)}" for name, time in times.items())
            rows.append([label(run, one), parts, short(sum(times.values()))])
    return table(["median time of an event [ms]", "stages", "sum"], rows)


def told(texts: dict[str, str], known: dict[str, str]) -> list[str]:
    """Return definitions that no run before gave, and remember them in ``known``."""
    texts = {title: re.sub(r" \(if without spread[^)]*\)", "", text) for title, text in texts.items()}
    fresh = {title: text for title, text in texts.items() if known.get(title) != text}
    known |= texts
    lines = [f"- {title}: {text}." for title, text in fresh.items()]
    if lines and len(fresh) < len(texts):
        return ["Where the definitions differ from those above:", "", *lines, ""]
    return [*lines, ""] if lines else []


def scans(records: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return how classical algorithms were tuned: what was chosen, and what else gave, the others as chosen.

    Args:
        records: Name of each method and its ``record.json``.
    """
    lines = []
    for name, scan in ((name, record.get("scan")) for name, record in records):
        if not scan:
            continue
        edges = ", ".join(f"`{edge}`" for edge in scan["edges"])
        facts = [
            f"{name}: {len(scan['tried'])} combinations on {scan['events']:,} training events."
            f" Sought was {scan['objective']}:"
            f" {scan['value']:.4g} with those chosen, {scan['tried'][0]['value']:.4g} with those it began with.",
            f"On the edge of what was tried: {edges}."
            if edges
            else "None lies on the edge of what was tried"
            " (where a setting ends by itself, as without a limit, is no edge).",
            "" if scan["settled"] else "The search ended before it had settled.",
        ]
        ways = profiles(scan)
        rows = [
            [
                f"`{key}`",
                _chosen(value),
                ", ".join(f"{_chosen(at)}: {gave:.4g}{'*' if excess > 0 else ''}" for at, gave, excess in ways[key]),
            ]
            for key, value in scan["best"].items()
            if key in ways
        ]
        beyond = "; * too many fakes or duplicates" if any("*" in row[-1] for row in rows) else ""
        lines += [
            " ".join(filter(None, facts)),
            "",
            *table(["setting", "chosen", f"tried, the others as chosen{beyond}"], rows),
        ]
    return ["Tuned on training events:", "", *lines] if lines else []


def _chosen(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no limit" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)


def command(folder: Path, run: RunResults, recipes: str) -> str:
    """Return the command that makes the run, from what the run says of itself, without places on a machine.

    Args:
        folder: Of the run.
        run: What it holds.
        recipes: Folder of the recipe below ``recipes/``.
    """
    said = run.provenance.get("command", [])
    changed = [said[i + 1] for i, word in enumerate(said[:-1]) if word == "--set"]
    changed += [word.removeprefix("--set=") for word in said if word.startswith("--set=")]
    data = os.environ.get("HITFORGE_DATA", "").rstrip("/")
    settings = [one.replace(f"{data}/", "") if data else one for one in changed]
    more = "".join(f" --set '{one}'" if set(one) & set(" {[*$") else f" --set {one}" for one in settings)
    if "trained_in" in run.provenance:
        trained = Path(run.provenance["trained_in"]).name
        return f"hitforge evaluate runs/{trained} --out runs/{folder.name}{more}"
    asked = next((word for word in said if word.startswith(f"{recipes}/")), f"{recipes}/{folder.name}")
    out = "" if asked == f"{recipes}/{folder.name}" else f" --out runs/{folder.name}"
    return f"hitforge run {asked}{out}{more}"


def head(folder: Path, run: RunResults, title: str, recipes: str, source: Iterable[str]) -> list[str]:
    """Return title, command, sample, seed and device of a run.

    Args:
        folder: Of the run.
        run: What it holds.
        title: Of the section.
        recipes: Folder of the recipe below ``recipes/``.
        source: Settings of the source to tell, by dotted key.
    """
    record, sample = run.provenance, run.provenance["dataset"]
    counts = " / ".join(f"{sample['counts'].get(split, 0):,}" for split in ("train", "validation", "test"))
    threads = run.recipe.get("training", {}).get("threads", 0)
    took = record.get("wall_s", {})
    words = [
        f"Events for training / validation / test: {counts}; sample `{sample['test_hash'][:12]}` (test); seed"
        f" {record['seed']}; {record.get('device', record['machine']['processor'])}"
        + (f", {threads} thread{'s' * (threads > 1)}" if threads else "")
        + "."
    ]
    if "train" in took:
        words.append(f"The training took {short(took['train'] / 60)} minutes, the command {short(took['total'] / 60)}.")
    if "parameters" in record:
        words.append(f"The network has {record['parameters']:,} parameters.")
    said = _settings(run.recipe.get("source", {}), source)
    words.append("Source: " + ", ".join(f"{key} {value}" for key, value in said.items()) + ".")
    description = str(run.recipe.get("description", "")) if "trained_in" not in record else ""
    return [f"## {title}", "", f"`{command(folder, run, recipes)}`. {description}".strip(), "", " ".join(words), ""]


def _settings(block: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return the settings of a block that it has and that are set."""
    found = {}
    for key in keys:
        value: Any = block
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[key] = value
    return found


def measured(folder: Path) -> str:
    """Return the text of what a run measured; empty where it did not."""
    path = folder / "metrics.json"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def done(folder: Path) -> bool:
    """Return whether a run went to its end."""
    return (folder / "provenance.json").exists()
