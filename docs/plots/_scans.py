"""How classical algorithms were tuned, for the pages of results."""

from __future__ import annotations

from typing import Any

from _results import plain, table

from hitforge.report.parts.tuning import profiles
from hitforge.report.results import RunResults


def scans(run: RunResults) -> list[str]:
    """Return how classical algorithms were tuned: what was chosen, and what each ladder gave."""
    lines: list[str] = []
    for one in run.methods:
        scan = one.record.get("scan")
        if not isinstance(scan, dict) or "tried" not in scan:
            continue
        edges = ", ".join(f"`{name}`" for name in scan["edges"])
        facts = [
            f"{plain(one.label)}: {len(scan['tried'])} combinations on {scan['events']:,} training events;"
            f" {scan['objective']}: {100 * scan['value']:.2f} with the chosen ones,"
            f" {100 * scan['tried'][0]['value']:.2f} with those it began with.",
            f"On the edge of what was tried: {edges}."
            if edges
            else "No chosen setting lies on the edge of what was tried.",
            "" if scan["settled"] else "The search ended before it had settled.",
        ]
        lines += [" ".join(filter(None, facts)), ""]
        ways = profiles(scan)
        rows = [
            [f"`{name}`", spelled(value), ", ".join(_step(*step) for step in ways.get(name, ()))]
            for name, value in scan["best"].items()
        ]
        lines += table(["setting", "chosen", "tried, the others as chosen [%]; * too many fakes"], rows)
    return ["Tuned on training events:", "", *lines] if lines else []


def spelled(value: Any) -> str:
    """Return a value of a setting in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no limit" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)


def _step(at: Any, gave: float, excess: float) -> str:
    return f"{spelled(at)}: {100 * gave:.2f}{'*' if excess > 0 else ''}"
