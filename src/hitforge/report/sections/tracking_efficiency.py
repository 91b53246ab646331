"""Efficiency, fake and duplicate rate of tracks by method."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from markupsafe import Markup
from matplotlib.ticker import PercentFormatter

from hitforge.report._answers import Told, compared, dots, first_with
from hitforge.report._binned import (
    ALONG,
    Panel,
    beside,
    binned_points,
    data_of,
    grid_of,
    has_something,
    legend,
    panels_of,
    reach,
    scale,
    spoken,
    told,
    without_picture,
)
from hitforge.report.numbers import plain
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, picture, quiet, words

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

    def answer(self, run: RunResults) -> Markup | None:
        """Say what share of the particles inside the target's cuts is found and of tracks is fake, beside others."""
        found, fakes = _told(_rule(run.methods))
        first = first_with(run, found.name)
        if first is None:
            return None
        one, value = first
        cuts = _CUTS.search(str(value.get("definition", "")))
        text = Markup("Of {} {}, <b>{}</b> finds {}").format(
            plain(value.get("n") or 0),
            _signs(cuts[1]) if cuts else "particles",
            one.label,
            found.bold(found.of(one) or {}),
        )
        false = one.metric(fakes.name)
        if false:
            of = f"its {plain(false['n'])} tracks" if false.get("n") else "its tracks"
            text += Markup("; {} of {} are fakes").format(fakes.bold(fakes.of(one) or {}), of)
        return text + "." + compared(run, one, (found, fakes))

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw efficiency and rate of fakes of each method."""
        return dots(run.methods, _told(_rule(run.methods)))

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a rate."""
        rule = _rule(run.methods)
        data = data_of(run, *(f"{self.name}.{name}_{rule}.{axis}" for name in _RATES for axis in _VARIABLES))
        yield Subsection(
            "tracks", "Efficiency, fakes and duplicates", _rates(run.methods, rule), self.place, data=data,
            note=_too_few(run.methods, rule),
        )  # fmt: skip


_CUTS = re.compile(r": share of (.+?) to which")  # of the definition of an efficiency


def _signs(text: str) -> str:
    for name, sign in ((">=", "≥"), ("<=", "≤"), ("|eta|", "|η|")):
        text = text.replace(name, sign)
    return text


def _told(rule: str) -> tuple[Told, Told]:
    return (
        Told(f"efficiency_{rule}", "efficiency", "efficiency", better="max"),
        Told(f"fake_rate_{rule}", "fake rate", "fakes"),
    )


def _rule(methods: Sequence[MethodResult]) -> str:
    known = (rule for rule in _RULES if any(one.metric(f"efficiency_{rule}") for one in methods))
    return next(known, _RULES[0])


def _panels(methods: Sequence[MethodResult], rate: str, rule: str) -> tuple[list[Panel], str]:
    names = {axis: f"tracking_efficiency.{rate}_{rule}.{axis}" for axis in _VARIABLES}
    return panels_of(methods, names)


def _rates(methods: Sequence[MethodResult], rule: str) -> list[Picture]:
    """Draw efficiency, fake and duplicate rate against momentum, direction and place of production, all methods."""
    pictures = []
    for number, title in _RATES.items():
        panels, few = _panels(methods, number, rule)
        if has_something(panels):
            pictures.append(_rate(f"{number}_{rule}", title, panels, few))
    return pictures


def _too_few(methods: Sequence[MethodResult], rule: str) -> str:
    """Say which rates have no picture, and why."""
    texts = (without_picture(title, *_panels(methods, rate, rule)) for rate, title in _RATES.items())
    return " ".join(filter(None, texts))


def _rate(name: str, title: str, panels: list[Panel], few: str) -> Picture:
    figure, grid = grid_of(len(panels))
    for axes, panel in zip(grid, panels, strict=True):
        is_wide = panel.axis in _WIDE
        for place, (index, one, table) in enumerate(panel.found):
            binned_points(axes, index, table, words(one.label, 34), is_wide, beside(place, len(panel.found)))
        scale(axes, ALONG[panel.axis], panel.tables, is_wide)
        least, most = reach(panel.tables)
        span = max(most - least, 0.005)
        if "efficiency" in name:
            axes.set_ylim(max(least - 0.08 * span, -0.02), min(most + 0.08 * span, 1.02))
        else:
            axes.set_ylim(-0.04 * most - 1e-4, 1.1 * most + 1e-4)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel(title)
        quiet(axes)
    legend(figure)
    values = (one.metric(name) for _, one, _ in panels[0].found)
    definition = next((str(value.get("definition", "")) for value in values if value), "")
    numbers = ". ".join(f"Against {spoken(panel.axis)}: {told(panel.found, panel.axis)}" for panel in panels)
    caption = f"{definition}; 68.3 % intervals." if definition else "68.3 % intervals."
    return picture(figure, f"{title[:1].upper()}{title[1:]} by method. {numbers}.", f"{caption}{few}")
