"""Position of the barycentre by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from hitforge.report._binned import tables_of
from hitforge.report._energy import energy_axis, energy_points, histograms
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_COLUMNS = (
    ("barycentre_x_error", "barycentre x [cm]", 0.1),
    ("barycentre_y_error", "barycentre y [cm]", 0.1),
    ("barycentre_z_error", "barycentre z [cm]", 0.1),
)


class PositionResolutionSection(Section):
    """Error of each coordinate of the barycentre."""

    place: ClassVar[float] = 60.0
    labels: ClassVar[dict[str, str]] = {f"barycentre_{axis}_error": f"error of {axis}" for axis in "xyz"}

    def headline(self, run: RunResults) -> Headline:
        """Errors in centimetres."""
        return Headline("regression", _COLUMNS, "barycentre: mean absolute error", counted=True)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("position", "Position", [_position(run.methods)], self.place)


def _position(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the error of each coordinate of the barycentre against the energy, and the histogram of it."""
    axes_of = [axis for axis in "xyz" if tables_of(methods, f"position_resolution.histogram_{axis}")]
    if not axes_of:
        return None
    figure = new_figure(4.6 * len(axes_of), 7.4)
    grid = figure.subplots(2, len(axes_of), squeeze=False)
    for upper, lower, axis in zip(*grid, axes_of, strict=True):
        binned = tables_of(methods, f"position_resolution.barycentre_{axis}")
        for index, one, table in binned:
            energy_points(upper, index, table, "error", 1.0, words(one.label, 26))
        if binned:
            energy_axis((upper,), [table for *_, table in binned])
            upper.set(ylabel=f"mean |predicted − true| of {axis} [mm]")
            upper.set_ylim(0, None)
        histograms(lower, tables_of(methods, f"position_resolution.histogram_{axis}"), 1.0)
        lower.set(xlabel=f"predicted − true {axis} [mm]", ylabel="share of the events in a bin [%]")
        quiet(upper)
        quiet(lower)
    names = grid[0, 0].get_legend_handles_labels()
    if names[1]:  # inside, the names of many methods would cover the points
        figure.legend(*names, loc="outside lower center", ncols=min(len(names[1]), 6), fontsize=9)
    return picture(
        figure,
        "Error of the barycentre by coordinate and method",
        "Mean absolute error in bins of the true energy with 68.3 % intervals, and the distribution of the error. "
        "The true barycentre is the energy-weighted mean of the particle's deposits.",
    )
