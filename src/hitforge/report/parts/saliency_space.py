"""Saliency in space: hits or constituents of single events, coloured by energy and by their share in the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Normalize, TwoSlopeNorm

from hitforge.core.arrays import Array
from hitforge.report.results import RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, new_figure, picture

_MOST = 3  # events in a picture


class SaliencySpacePart(Section):
    """Energy, and integrated gradient of the answer: hits from the side, constituents of a jet about its axis."""

    place: ClassVar[float] = 270.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        title = "Saliency of constituents" if "deta" in run.saliency_space else "Saliency in depth"
        yield Subsection("saliency_space", title, _hits(run.saliency_space), self.place)


def _hits(maps: Mapping[str, Array]) -> list[Picture]:
    """Draw some events of ``saliency_space.npz``: energy, and integrated gradient of the answer.

    Args:
        maps: Rows ``event``, ``x``, ``depth`` or ``dphi``, ``deta``, and ``size``, ``integrated``, and ``chosen``, the
            numbers of the events; empty where a run has none.
    """
    if not len(maps.get("chosen", ())) or not len(maps["event"]):
        return []
    filled = np.unique(maps["event"].astype(int))  # some may have no hit
    jets = "deta" in maps
    what = "Constituents" if jets else "Hits"
    up, along = ("dphi", "deta") if jets else ("x", "depth")
    events = filled[np.unique(np.linspace(0, len(filled) - 1, _MOST).astype(int))]
    with mpl.rc_context({"axes.grid": False}):
        figure = new_figure(10.5, 3.1 * len(events))
        grid = figure.subplots(len(events), 2, squeeze=False, sharex=True)
        for axes, event in zip(grid, events, strict=True):
            rows = np.flatnonzero(maps["event"] == event)
            x, depth, size, share = (maps[name][rows] for name in (up, along, "size", "integrated"))
            area = 4.0 + 60.0 * size / max(float(size.max(initial=0.0)), 1e-9)
            span = max(float(np.quantile(np.abs(share), 0.98)) if len(share) else 0.0, 1e-9)
            panels: tuple[tuple[Array, str, Normalize, str], ...] = (
                (
                    size,
                    "viridis_r",
                    Normalize(0.0, max(float(size.max(initial=0.0)), 1e-9)),
                    "pT [GeV]" if jets else "energy, as given",
                ),
                (share, "RdBu_r", TwoSlopeNorm(0.0, -span, span), "integrated gradient"),
            )
            for one, (values, colours, norm, label) in zip(axes, panels, strict=True):
                order = np.argsort(np.abs(values))
                points = one.scatter(
                    depth[order],
                    x[order],
                    s=area[order],
                    c=values[order],
                    cmap=colours,
                    norm=norm,
                    linewidths=0,
                    rasterized=True,
                )
                figure.colorbar(points, ax=one, label=label)
                one.set_title(f"event {int(maps['chosen'][event])}", fontsize=10)
                one.set_ylabel("Δφ from the axis" if jets else "x from the axis")
        for one in grid[-1]:
            one.set_xlabel("Δη from the axis" if jets else "depth, in units of the representation")
    sums = "; ".join(
        f"event {int(maps['chosen'][event])}: {int(rows.sum())} {what.lower()}, integrated gradients sum to "
        f"{maps['integrated'][rows].sum():+.2g}"
        for event in events
        for rows in [maps["event"] == event]
    )
    seen = "pT" if jets else "energy"
    text = f"{what} of single events{'' if jets else ' from the side'}, by {seen} and by integrated gradient. {sums}."
    return [
        picture(
            figure,
            text,
            f"Red {what.lower()} raise what is explained (of a regression its first answer), blue ones lower it.",
        )
    ]
