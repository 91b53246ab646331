"""How the classical algorithms were tuned: what was tried, what was chosen, and whether the scan was wide enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from hitforge.report._binned import grid_of, spelled
from hitforge.report.numbers import plain
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import METHOD_COLOURS, Picture, picture, quiet, words

_MOST = 12  # panels of a figure
RULE = (
    "A classical algorithm is tuned as its authors would tune it: on training events, for each sample, with every "
    "setting open; no chosen setting lies on the edge of its scan."
)


class TuningPart(Section):
    """The scan of each classical algorithm that was tuned."""

    place: ClassVar[float] = 253.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a method."""
        tuned = [(index, one) for index, one in enumerate(run.methods) if one.record.get("scan")]
        pictures = [_profiles(index, one) for index, one in tuned]
        note = " ".join([*(_told(one) for _, one in tuned), *([RULE] if tuned else [])])
        yield Subsection("tuning", "Tuning of the classical algorithms", pictures, self.place, note=note)


def profiles(scan: dict[str, Any]) -> dict[str, list[tuple[Any, float, float]]]:
    """Return each setting's way through the best settings: (value, what it gave, how far a bound is exceeded), rising.

    Args:
        scan: As ``record.json`` keeps it.
    """
    best = scan["best"]
    found: dict[str, list[tuple[Any, float, float]]] = {name: [] for name in best}
    for trial in scan["tried"]:
        others = [name for name, value in trial["settings"].items() if value != best[name]]
        for name in best if not others else others if len(others) == 1 else ():
            found[name].append((trial["settings"][name], float(trial["value"]), float(trial["excess"])))
    return {name: sorted(rows, key=lambda row: _order(row[0])) for name, rows in found.items() if len(rows) > 1}


def _order(value: Any) -> tuple[int, Any]:
    """Numbers rise, then texts and lists, and none (no limit) is the last."""
    if isinstance(value, int | float):
        return 0, value
    return (2, "") if value is None else (1, str(value))


def _profiles(index: int, one: MethodResult) -> Picture | None:
    scan = one.record["scan"]
    ways = profiles(scan)
    drawn = dict(sorted(ways.items(), key=lambda item: -_reach(item[1]))[:_MOST])  # what matters most first
    left = f" {len(ways) - len(drawn)} settings that matter less are in record.json." if len(ways) > len(drawn) else ""
    if not drawn:
        return None
    figure, grid = grid_of(len(drawn), 2.6, extra=0.0)
    for axes, (name, rows) in zip(grid, drawn.items(), strict=True):
        place = range(len(rows))
        axes.plot(place, [value for _, value, _ in rows], color=METHOD_COLOURS[index % len(METHOD_COLOURS)])
        for at, (value, height, excess) in enumerate(rows):
            chosen = value == scan["best"][name]
            axes.plot(at, height, "o" if excess == 0 else "x", color="black", ms=8 if chosen else 4)
        axes.set_xticks(list(place), [_spelled(value) for value, *_ in rows], rotation=30 if len(rows) > 5 else 0)
        axes.set_xlabel(words(name.replace("_", " ")))
        axes.ticklabel_format(axis="y", useOffset=False)
        quiet(axes)
    texts = [
        f"{spelled(name)} {', '.join(f'{_spelled(value)}: {height:.4g}' for value, height, _ in rows)}"
        for name, rows in drawn.items()
    ]
    return picture(
        figure,
        f"Scan of {one.label}: {scan['objective']}. {'; '.join(texts)}.",
        f"{one.label}: {scan['objective']}, on {plain(scan['events'])} training events, against one setting after the "
        f"other through the best ones (large dots), those that matter most first. Crosses exceed a bound.{left}",
    )


def _reach(rows: list[tuple[Any, float, float]]) -> float:
    """How far apart the values of a profile lie."""
    heights = [height for _, height, _ in rows]
    return max(heights) - min(heights)


def _told(one: MethodResult) -> str:
    scan = one.record["scan"]
    best = ", ".join(f"{name.replace('_', ' ')} {_spelled(value)}" for name, value in scan["best"].items())
    text = (
        f"{one.label}: {plain(len(scan['tried']))} combinations on {plain(scan['events'])} training events, judged by "
        f"{scan['objective']}; chosen: {best}."
    )
    if scan["edges"]:
        names = ", ".join(name.replace("_", " ") for name in scan["edges"])
        text += f" On the edge of what was tried, so that a wider scan might find better: {names}."
    if not scan["settled"]:
        text += " The search ended before it had settled."
    return text


def _spelled(value: Any) -> str:
    if value is None:
        return "any"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " to ".join(_spelled(part) for part in value) if len(value) == 2 else ", ".join(map(_spelled, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)
