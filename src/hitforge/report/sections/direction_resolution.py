"""Direction by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from markupsafe import Markup

from hitforge.report._answers import compared, counted, first_with, shared_picture
from hitforge.report._binned import curves_of, data_of, inner_legends, one_bin, told, unfilled
from hitforge.report._energy import REGRESSION_ANSWERS, energy_axis, energy_points, without_answer
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

    def answer(self, run: RunResults) -> Markup | None:
        """Say the mean angle of the first method, and how far other ones lie."""
        (error,) = REGRESSION_ANSWERS[self.name]
        found = first_with(run, error.name)
        if found is None:
            return None
        one, value = found
        text = Markup("{}<b>{}</b> finds the direction with a mean angle of {} to the true one{}.")
        text = text.format(counted(value), one.label, error.bold(value), without_answer(one, "direction"))
        return text + compared(run, one, (error,))

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw the angle of each method, with errors of energy and position."""
        return shared_picture(run, REGRESSION_ANSWERS, self.name)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        name = f"{self.name}.bins"
        few = unfilled(run, self.name, "edges", "min_events", curves_of(run.methods, name))
        note = one_bin(run, name, "energy", "error", 1.0, "mrad")
        pictures = [_direction(run.methods, few)]
        yield Subsection("direction", "Direction", pictures, self.place, data=data_of(run, name), note=note)


def _direction(methods: Sequence[MethodResult], few: str) -> Picture | None:
    """Draw the mean angle between true and predicted direction against the energy."""
    found = curves_of(methods, "direction_resolution.bins")
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
    inner_legends(figure, (axes,), len(found))
    quiet(axes)
    numbers = told(found, "energy", "error", 1.0, "mrad")
    alt = f"Error of the direction against energy by method: {numbers}."
    return picture(figure, alt, f"Intervals: 68.3 %, bootstrap.{few}")
