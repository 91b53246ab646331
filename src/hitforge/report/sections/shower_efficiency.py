"""Efficiency, and rates of fakes, merged and split showers, by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from hitforge.report._binned import tables_of
from hitforge.report._showers import OF_PARTICLE, curves
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture

_RATES = {
    "efficiency": "efficiency",
    "particle_merge_rate": "merged particles",
    "split_rate": "split particles",
    "fake_rate": "fake showers",
    "unmatched_rate": "showers without match",
    "merge_rate": "showers that merge",
}
_OF_SHOWERS = ("fake_rate", "unmatched_rate", "merge_rate")  # the others are shares of particles
_HEADLINE = {
    "efficiency": "efficiency",
    "fake_rate": "fakes",
    "unmatched_rate": "without match",
    "merge_rate": "showers that merge",
    "split_rate": "split particles",
}


class ShowerEfficiencySection(Section):
    """Rates against energy, distance, direction and depth."""

    place: ClassVar[float] = 200.0

    def headline(self, run: RunResults) -> Headline:
        """Rates in percent."""
        columns = tuple((name, f"{title} [%]", 100.0) for name, title in _HEADLINE.items())
        return Headline("showers", columns, "the rates hold for showers above a cut that stands under Metrics")

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a rate."""
        yield Subsection("showers", "Efficiency, fakes, merged and split showers", _rates(run.methods), self.place)


def _rates(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw efficiency and the rates of fakes, merged and split ones against energy, distance, direction and depth."""
    pictures = []
    for name, title in _RATES.items():
        panels = [(axis, tables_of(methods, f"shower_efficiency.{name}.{axis}")) for axis in OF_PARTICLE]
        panels = [(axis, found) for axis, found in panels if any(len(table["low"]) > 1 for *_, table in found)]
        if panels:
            values = (one.metric(name) for _, one, _ in panels[0][1])
            definition = next((str(value.get("definition", "")) for value in values if value), "")
            alt = f"{title[:1].upper()}{title[1:]}"
            pictures.append(curves(panels, title, alt, definition, of_showers=name in _OF_SHOWERS))
    return pictures
