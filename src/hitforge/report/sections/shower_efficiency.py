"""Efficiency, and rates of fakes, merged and split showers, by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from markupsafe import Markup

from hitforge.report._answers import compared, first_with, listed, shared_picture
from hitforge.report._binned import Panel, data_of, has_something, panels_of, without_picture
from hitforge.report._showers import OF_PARTICLE, SHOWER_ANSWERS, curves
from hitforge.report.numbers import plain
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

    def answer(self, run: RunResults) -> Markup | None:
        """Say what share of the particles is found and of showers is false, beside other methods."""
        efficiency, fakes, unmatched = SHOWER_ANSWERS[self.name]
        found = first_with(run, efficiency.name)
        if found is None:
            return None
        one, value = found
        text = Markup("Of {} particles to be found, <b>{}</b> finds {}").format(
            plain(value.get("n") or 0), one.label, efficiency.bold(efficiency.of(one) or {})
        )
        told = [
            Markup("{} {}").format(number.bold(rate), what)
            for number, what in ((fakes, "are fakes"), (unmatched, "match no particle"))
            if (rate := number.of(one))
        ]
        if told:
            count = next(rate.get("n") for number in (fakes, unmatched) if (rate := one.metric(number.name)))
            text += Markup("; of its {} showers {}").format(plain(count or 0), listed(told))
        return text + "." + compared(run, one, (efficiency, fakes, unmatched))

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw these rates of each method, with the resolution of the energy."""
        return shared_picture(run, SHOWER_ANSWERS, self.name)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a rate."""
        drawn = {name: _panels(run.methods, name) for name in _RATES}
        pictures = [
            _rate(run.methods, name, panels, few) for name, (panels, few) in drawn.items() if has_something(panels)
        ]
        note = " ".join(filter(None, (without_picture(_RATES[name], *found) for name, found in drawn.items())))
        data = data_of(run, *(f"{self.name}.{name}.{axis}" for name in _RATES for axis in OF_PARTICLE))
        title = "Efficiency, fakes, merged and split showers"
        yield Subsection("showers", title, pictures, self.place, data=data, note=note)


def _panels(methods: Sequence[MethodResult], name: str) -> tuple[list[Panel], str]:
    return panels_of(methods, {axis: f"shower_efficiency.{name}.{axis}" for axis in OF_PARTICLE})


def _rate(methods: Sequence[MethodResult], name: str, panels: Sequence[Panel], few: str) -> Picture:
    """Draw a rate against energy, distance, direction and depth."""
    title = _RATES[name]
    definition = next((str(value.get("definition", "")) for one in methods if (value := one.metric(name))), "")
    return curves(panels, title, f"{title[:1].upper()}{title[1:]}", definition, few, of_showers=name in _OF_SHOWERS)
