"""Residuals and pulls of the fitted parameters of tracks by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from hitforge.report._binned import (
    Tables,
    binned_points,
    curves_of,
    data_of,
    filled,
    grid_of,
    legend,
    one_bin,
    tables_of,
    told,
    unfilled,
)
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, picture, quiet, words

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
        name = f"{self.name}.eta"
        few = unfilled(run, self.name, "eta_edges", "min_tracks", curves_of(run.methods, name))
        data, note = data_of(run, name), one_bin(run, name, "eta", "q_over_pt_sigma68")
        pictures = _parameters(run.methods, few)
        note = f"Resolution of q/pT: {note}" if note else ""
        yield Subsection("track_parameters", "Track parameters", pictures, self.place, data=data, note=note)


def _parameters(methods: Sequence[MethodResult], few: str) -> list[Picture]:
    """Draw the width of residuals, and of pulls, of the fitted parameters of tracks against pseudorapidity."""
    pictures = []
    for kind, alt, text in (
        ("sigma68", "Resolution of track parameters", "Half of the central 68.3 % of fitted − true"),
        ("pull_width", "Pulls of track parameters", "The same of the pull, (fitted − true) / fitted error; 1 is right"),
    ):
        panels = {name: _filled(methods, f"{name}_{kind}") for name in _PARAMETERS}
        panels = {name: found for name, found in panels.items() if any(len(table["low"]) > 1 for *_, table in found)}
        if panels:
            pictures.append(_widths(panels, kind, alt, text, few))
    return pictures


def _filled(methods: Sequence[MethodResult], column: str) -> Tables:
    """The tables that have a column with its interval, without bins in which it is not finite."""
    ends = {column: "value", f"{column}_low": "lo", f"{column}_high": "hi"}
    found = [
        (index, one, {key: table[key] for key in ("low", "high", "n")} | {ends[key]: table[key] for key in ends})
        for index, one, table in tables_of(methods, "track_parameters.eta")
        if ends.keys() <= table.keys()
    ]
    return filled(found)[0]


def _widths(panels: dict[str, Tables], kind: str, alt: str, text: str, few: str) -> Picture:
    figure, grid = grid_of(len(panels), 3.3)
    numbers = []
    for axes, (name, found) in zip(grid, panels.items(), strict=True):
        symbol, unit, factor = _PARAMETERS[name]
        factor, unit = (factor, unit) if kind == "sigma68" else (1.0, "")
        for index, one, table in found:
            scaled = table | {key: factor * table[key] for key in ("value", "lo", "hi")}
            binned_points(axes, index, scaled, words(one.label, 34), wide=False)
        axes.set_xlabel(r"$|\eta|$")
        axes.set_ylabel(f"{symbol}: resolution [{unit}]" if kind == "sigma68" else f"{symbol}: width of the pull")
        if kind == "pull_width":
            axes.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
        axes.set_ylim(0, None)
        quiet(axes)
        numbers.append(f"{name.replace('_over_', '/')}: {told(found, 'eta', 'value', factor, unit)}")
    legend(figure)
    note = f"of the best tracks of prompt particles; cuts stand under Metrics. Intervals: 68.3 %, bootstrap.{few}"
    return picture(figure, f"{alt} by method, against pseudorapidity. {'. '.join(numbers)}.", f"{text}, {note}")
