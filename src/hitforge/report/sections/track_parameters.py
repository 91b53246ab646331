"""Residuals and pulls of the fitted parameters of tracks by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from hitforge.report._binned import Tables, legend, points, tables_of
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_PARAMETERS: dict[str, tuple[str, str, float]] = {
    "d0": (r"$d_0$", "µm", 1e3),
    "z0": (r"$z_0$", "µm", 1e3),
    "phi": (r"$\phi$", "mrad", 1e3),
    "theta": (r"$\theta$", "mrad", 1e3),
    "q_over_pt": (r"$q/p_\mathrm{T}$", "%", 1e2),
}


class TrackParametersSection(Section):
    """Widths against pseudorapidity."""

    place: ClassVar[float] = 170.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("track_parameters", "Track parameters", _parameters(run.methods), self.place)


def _parameters(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw the width of residuals, and of pulls, of the fitted parameters of tracks against pseudorapidity."""
    found = tables_of(methods, "track_parameters.eta")
    pictures = []
    for kind, alt, text in (
        ("sigma68", "Resolution of track parameters", "Half of the central 68.3 % of fitted − true"),
        ("pull_width", "Pulls of track parameters", "The same of the pull, (fitted − true) / fitted error; 1 is right"),
    ):
        names = [name for name in _PARAMETERS if any(f"{name}_{kind}" in table for *_, table in found)]
        if names:
            pictures.append(_widths(found, names, kind, alt, text))
    return pictures


def _widths(found: Tables, names: list[str], kind: str, alt: str, text: str) -> Picture:
    columns = min(len(names), 3)
    lines = -(-len(names) // columns)
    figure = new_figure(4.4 * columns, 3.3 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, names, strict=False):
        symbol, unit, factor = _PARAMETERS[name]
        column, scale = f"{name}_{kind}", factor if kind == "sigma68" else 1.0
        for index, one, table in found:
            ends = ((f"{column}", "value"), (f"{column}_low", "lo"), (f"{column}_high", "hi"))
            rows = {key: table[key] for key in ("low", "high", "n")}
            rows |= {key: scale * table[name_of] for name_of, key in ends if name_of in table}
            if len(rows) == 6:
                points(axes, index, rows, words(one.label, 34), wide=False)
        axes.set_xlabel(r"$|\eta|$")
        axes.set_ylabel(f"{symbol}: resolution [{unit}]" if kind == "sigma68" else f"{symbol}: width of the pull")
        if kind == "pull_width":
            axes.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
        axes.set_ylim(0, None)
        quiet(axes)
    legend(figure, grid[0])
    note = "of the best tracks of prompt particles; cuts stand under Metrics. Intervals: 68.3 %, bootstrap."
    return picture(figure, f"{alt} by method, against pseudorapidity", f"{text}, {note}")
