"""Direction by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from hitforge.report._binned import tables_of
from hitforge.report._energy import energy_axis, energy_points
from hitforge.report.numbers import measured
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_COLUMNS = (("direction_error", "direction [mrad]", 1.0),)


class DirectionResolutionSection(Section):
    """Angle between true and predicted direction."""

    place: ClassVar[float] = 70.0
    labels: ClassVar[dict[str, str]] = {"direction_error": "error of the direction"}

    def headline(self, run: RunResults) -> Headline:
        """Mean angle in milliradians."""
        return Headline("regression", _COLUMNS, "direction: mean angle", counted=True)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("direction", "Direction", [_direction(run.methods)], self.place)


def _direction(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the mean angle between true and predicted direction against the energy."""
    found = tables_of(methods, "direction_resolution.bins")
    if not found:
        return None
    figure = new_figure(7.0, 4.6)
    axes = figure.subplots()
    for index, one, table in found:
        value = one.metric("direction_error")
        note = f", all: {measured(value)} mrad" if value else ""
        energy_points(axes, index, table, "error", 1.0, words(one.label, 34) + note)
    energy_axis((axes,), [table for *_, table in found])
    axes.set(ylabel="mean angle to the true direction [mrad]")
    axes.set_ylim(0, None)
    axes.legend(fontsize=9)
    quiet(axes)
    return picture(figure, "Error of the direction against energy", "Intervals: 68.3 %, bootstrap.")
