"""Whether a score is a probability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from hitforge.core.arrays import Array
from hitforge.report._binned import FEW, data_of, tables_of
from hitforge.report.numbers import measured, plain
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import MARKERS, Picture, method_style, new_figure, picture, quiet, words


class CalibrationSection(Section):
    """Observed share of signal against the mean score."""

    place: ClassVar[float] = 120.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        pictures, data = [_reliability(run.methods, run.signal)], data_of(run, self.name)
        yield Subsection("calibration", "Calibration", pictures, self.place, data=data)


def _reliability(methods: Sequence[MethodResult], signal: str) -> Picture | None:
    """Draw observed share of signal against mean score, and their difference."""
    found, gone = [], 0
    for index, one, table in tables_of(methods, "calibration"):
        rows = table.get("n", np.full(len(table["score"]), FEW)) >= FEW
        gone += int((~rows).sum())
        if rows.sum() > 1:
            found.append((index, one, {name: values[rows] for name, values in table.items()}))
    if not found:
        return None
    figure = new_figure(11.0, 4.4)
    upper, lower = figure.subplots(1, 2)
    upper.plot([0, 1], [0, 1], color="#999999", linewidth=1.0, linestyle="--", label="perfect")
    lower.axhline(0.0, color="#999999", linewidth=1.0, linestyle="--")
    for index, one, table in found:
        seen = table["observed"]
        bars = np.maximum([seen - table["low"], table["high"] - seen], 0.0)
        style = {
            "fmt": MARKERS[index % len(MARKERS)] + "-",
            "color": method_style(index)["color"],
            "capsize": 2,
            "linewidth": 1.2,
            "markersize": 4.5,
        }
        upper.errorbar(table["score"], seen, yerr=bars, label=words(one.label, 36), **style)
        lower.errorbar(table["score"], seen - table["score"], yerr=bars, **style)
    upper.set(ylabel=f"observed share of {words(signal)}", xlim=(0, 1), ylim=(0, 1))
    upper.set_xlabel(f"mean score ({words(signal)})")
    lower.set(ylabel="observed share − mean score", xlabel=f"mean score ({words(signal)})", xlim=(0, 1))
    upper.legend(loc="upper left")
    quiet(upper)
    quiet(lower)
    few = f" Left out: {plain(gone)} {'bin' if gone == 1 else 'bins'} with fewer than {FEW} events." if gone else ""
    return picture(
        figure,
        f"Reliability curve: observed share of {signal} against mean score. " + "; ".join(map(_largest, found)) + ".",
        f"On the diagonal the score is a probability. Bars: Clopper-Pearson, 68.3 %.{few}",
    )


def _largest(row: tuple[int, MethodResult, dict[str, Array]]) -> str:
    """Where a method's observed share lies farthest from its score, in words."""
    _, one, table = row
    away = table["observed"] - table["score"]
    worst = int(np.argmax(np.abs(away)))
    found = [one.metric(f"calibration.error{kind}") for kind in ("", "_seen", "_chance")]
    texts = ("calibration error less chance {}", "with it {}", "by chance alone {}")
    mean = "".join(f", {text.format(measured(error))}" for text, error in zip(texts, found, strict=True) if error)
    return (
        f"{one.label}: farthest from the diagonal by {away[worst]:+.2g} at a score of {table['score'][worst]:.2g}{mean}"
    )
