"""Position of the barycentre by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from markupsafe import Markup

from hitforge.report._answers import compared, counted, first_with, listed, shared_picture
from hitforge.report._binned import curves_of, data_of, legend, one_bin, tables_of, told, unfilled
from hitforge.report._energy import REGRESSION_ANSWERS, energy_axis, energy_points, histograms, without_answer
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_COLUMNS = (
    ("barycentre_x_error", "barycentre x [mm]", 1.0),
    ("barycentre_y_error", "barycentre y [mm]", 1.0),
    ("barycentre_z_error", "barycentre z [mm]", 1.0),
)


class PositionResolutionSection(Section):
    """Error of each coordinate of the barycentre."""

    place: ClassVar[float] = 60.0
    labels: ClassVar[dict[str, str]] = {f"barycentre_{axis}_error": f"error of {axis}" for axis in "xyz"}

    def headline(self, run: RunResults) -> Headline:
        """Errors in millimetres."""
        return Headline("regression", _COLUMNS, "barycentre: mean absolute error", counted=True)

    def answer(self, run: RunResults) -> Markup | None:
        """Say the errors of the first method, and how far other ones lie."""
        numbers = REGRESSION_ANSWERS[self.name]
        found = next(filter(None, (first_with(run, item.name) for item in numbers)), None)
        if found is None:
            return None
        one, value = found
        errors = [Markup("{} in {}").format(item.bold(own), item.within) for item in numbers if (own := item.of(one))]
        text = Markup("{}<b>{}</b> finds the barycentre with a mean absolute error of {}{}.")
        text = text.format(counted(value), one.label, listed(errors), without_answer(one, "barycentre"))
        return text + compared(run, one, numbers)

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw the errors of each method, with those of energy and direction."""
        return shared_picture(run, REGRESSION_ANSWERS, self.name)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        bins = [f"{self.name}.barycentre_{axis}" for axis in "xyz"]
        few = unfilled(run, self.name, "edges", "min_events", curves_of(run.methods, bins[0]))
        data = data_of(run, *bins, *(f"{self.name}.histogram_{axis}" for axis in "xyz"))
        texts = [one_bin(run, name, "energy", "error", 1.0, "mm") for name in bins]
        note = " ".join(f"{axis}: {text}" for axis, text in zip("xyz", texts, strict=True) if text)
        yield Subsection("position", "Position", [_position(run.methods, few)], self.place, data=data, note=note)


def _position(methods: Sequence[MethodResult], few: str) -> Picture | None:
    """Draw the error of each coordinate of the barycentre against the energy if there are bins, and its histogram."""
    axes_of = [axis for axis in "xyz" if tables_of(methods, f"position_resolution.histogram_{axis}")]
    if not axes_of:
        return None
    curves = {axis: curves_of(methods, f"position_resolution.barycentre_{axis}") for axis in axes_of}
    lines = 2 if all(curves.values()) else 1
    figure = new_figure(4.2 * len(axes_of), 3.5 * lines + 0.4)
    grid = figure.subplots(lines, len(axes_of), squeeze=False)
    for axis, axes in zip(axes_of, grid[0], strict=True):
        if lines == 1:
            break
        for index, one, table in curves[axis]:
            energy_points(axes, index, table, "error", 1.0, words(one.label, 26))
        energy_axis((axes,), [table for *_, table in curves[axis]])
        axes.set(ylabel=f"mean |predicted − true| of {axis} [mm]")
        axes.set_ylim(0, None)
        quiet(axes)
    for axis, axes in zip(axes_of, grid[-1], strict=True):
        histograms(axes, tables_of(methods, f"position_resolution.histogram_{axis}"), 1.0, 26)
        axes.set(xlabel=f"predicted − true {axis} [mm]", ylabel="share of the events in a bin [%]")
        quiet(axes)
    legend(figure)
    numbers = "; ".join(f"{one.label} {', '.join(_errors(one))}" for one in methods if _errors(one))
    binned = " ".join(
        f"Of {axis}: {told(curves[axis], 'energy', 'error', 1.0, 'mm')}." for axis in axes_of[: 3 * lines - 3]
    )
    text = "Mean absolute error in bins of the true energy with 68.3 % intervals, and the" if lines == 2 else "The"
    return picture(
        figure,
        f"Error of the barycentre by coordinate and method. Mean: {numbers}. {binned}".rstrip(),
        f"{text} distribution of the error. The true barycentre is the energy-weighted mean of the particle's "
        f"deposits.{few if lines == 2 else ''}",
    )


def _errors(one: MethodResult) -> list[str]:
    return [
        f"{item.text(value)} in {item.within}"
        for item in REGRESSION_ANSWERS["position_resolution"]
        if (value := item.of(one))
    ]
