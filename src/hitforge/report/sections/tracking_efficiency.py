"""Efficiency, fake and duplicate rate of tracks by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from matplotlib.ticker import PercentFormatter

from hitforge.report._binned import ALONG, Tables, beside, legend, points, reach, scale, tables_of
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_RATES = {
    "efficiency": "efficiency",
    "technical_efficiency": "technical efficiency",
    "fake_rate": "fake rate",
    "duplicate_rate": "duplicate rate",
}
_RULES = ("double_majority", "lhc", "atlas_two_way", "atlas_one_way", "perfect")  # the first that was measured is drawn
_VARIABLES = ("pt", "eta", "phi", "radius")
_WIDE = {"pt", "radius"}  # drawn on a logarithmic axis where they span more than a factor of 8


class TrackingEfficiencySection(Section):
    """Rates against momentum, direction and place of production."""

    place: ClassVar[float] = 160.0

    def headline(self, run: RunResults) -> Headline:
        """Rates in percent, with the first rule of matching that was measured."""
        rule = _rule(run.methods)
        columns = tuple((f"{name}_{rule}", f"{title} [%]", 100.0) for name, title in _RATES.items())
        told = f"Matching: {rule.replace('_', ' ')}; each number's cuts stand under Metrics, and under the pointer"
        return Headline("tracks", columns, told)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a rate."""
        yield Subsection("tracks", "Efficiency, fakes and duplicates", _rates(run.methods), self.place)


def _rule(methods: Sequence[MethodResult]) -> str:
    known = (rule for rule in _RULES if any(one.metric(f"efficiency_{rule}") for one in methods))
    return next(known, _RULES[0])


def _rates(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw efficiency, fake and duplicate rate against momentum, direction and place of production, all methods."""
    pictures, rule = [], _rule(methods)
    for number, title in _RATES.items():
        name = f"{number}_{rule}"
        tables = [(axis, tables_of(methods, f"tracking_efficiency.{name}.{axis}")) for axis in _VARIABLES]
        panels = [(axis, found) for axis, found in tables if any(len(table["low"]) > 1 for *_, table in found)]
        if panels:
            pictures.append(_rate(name, title, panels))
    return pictures


def _rate(name: str, title: str, panels: list[tuple[str, Tables]]) -> Picture:
    columns = 2 if len(panels) > 1 else 1
    lines = -(-len(panels) // columns)
    figure = new_figure(6.1 * columns, 3.5 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, (axis, found) in zip(grid, panels, strict=False):
        for place, (index, one, table) in enumerate(found):
            points(axes, index, table, words(one.label, 34), axis in _WIDE, beside(place, len(found)))
        scale(axes, ALONG[axis], [table for *_, table in found], axis in _WIDE)
        least, most = reach([table for *_, table in found])
        span = max(most - least, 0.005)
        if "efficiency" in name:
            axes.set_ylim(max(least - 0.08 * span, -0.02), min(most + 0.08 * span, 1.02))
        else:
            axes.set_ylim(-0.04 * most - 1e-4, 1.1 * most + 1e-4)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel(title)
        quiet(axes)
    legend(figure, grid[0])
    values = (one.metric(name) for _, one, _ in panels[0][1])
    definition = next((str(value.get("definition", "")) for value in values if value), "")
    alt = f"{title[:1].upper()}{title[1:]} by method against {', '.join(axis for axis, _ in panels)}"
    return picture(figure, alt, f"{definition}; 68.3 % intervals." if definition else "68.3 % intervals.")
