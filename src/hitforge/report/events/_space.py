"""One event of a calorimeter of layers, or of points in space: an interactive page and projections."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from hitforge.core.arrays import Array
from hitforge.detectors import Detector
from hitforge.report.events._outline import layer_lines, outline_of, reach_of
from hitforge.report.events._scene import (
    Part,
    Scene,
    by_scale,
    hit_points,
    in_groups,
    lines,
    outline,
    prisms,
    short,
    view_boxes,
)
from hitforge.report.events._space_view import EventSpace
from hitforge.report.events._view import named_owners, owner_groups
from hitforge.report.style import look, new_figure, quiet, words

_PRISMS = 1_500  # cells are drawn as prisms up to this many hits
_TRUE, _FOUND = "#bd1f01", "#2b2d33"


def space_scene(space: EventSpace, detector: Detector | None) -> Scene:
    """Return the event to turn around; see ``ShowerPictures.event_scene``."""
    view = space.view
    name, _, title = space.title.partition(": ")
    few = space.outline is not None and len(view.energy) <= _PRISMS
    told = [("energy", "GeV", short(view.energy)), ("time", "ns", short(view.time)), ("layer", "", view.layer.tolist())]
    told += [("cell", "", [str(cell) for cell in view.cell.tolist()])] if few else []
    parts = [hit_points(view.position, _sizes(space, 2.0, 11.0), told), *([prisms(*_prisms(space))] if few else [])]
    top, late = max(float(view.energy.max()), 1e-9), float(np.quantile(view.time, 0.95))
    low, first = max(float(view.energy.min()), 1e-4 * top), float(view.time.min())
    parts += [
        by_scale("energy", "energy [GeV]", view.energy, "viridis_r", low, top, log=True),
        by_scale("layer", "layer", view.layer, "cividis", float(view.layer.min()), float(view.layer.max())),
        by_scale("time", "time [ns]", view.time, "plasma", first, max(late, first)),
        in_groups("particle", *owner_groups(view)),
    ]
    whole = np.stack([view.position.min(axis=0) - 20.0, view.position.max(axis=0) + 20.0], axis=1)
    rims = outline_of(detector)
    boxes = [("shower", space.window), ("all hits", whole)]
    boxes += [("detector", reach_of(rims, view.position))] if rims else []
    parts += [*_marks(space), outline(rims), outline(layer_lines(detector, space.window)), view_boxes(boxes)]
    text = [named_owners(view), space.note and f"{space.note[:1].upper()}{space.note[1:]}."]
    return Scene(name, title, tuple(one for one in text if one), tuple(part for part in parts if part))


def space_figure(space: EventSpace) -> Figure:
    """Draw three projections and the longitudinal profile; see ``ShowerPictures.event_figure``."""
    view = space.view
    with look(), mpl.rc_context({"axes.grid": False}):
        figure = new_figure(12.5, 8.6)
        panels = figure.subplots(2, 2)
        top = max(float(view.energy.max()), 1e-9)
        norm = LogNorm(max(float(view.energy[view.energy > 0].min(initial=top / 10)), top * 1e-4), top)
        colours = mpl.colormaps["viridis_r"]
        for axes, across in ((panels[0, 0], 0), (panels[1, 0], 1)):
            _projection(axes, space, 2, across, norm, colours)
        _front(panels[0, 1], space, norm, colours)
        _profile(panels[1, 1], space)
        figure.colorbar(mpl.cm.ScalarMappable(norm, colours), ax=panels[:, 1], label="energy of a hit [GeV]")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=4)
        figure.suptitle(words(space.title), fontsize=11)
    return figure


def _sizes(space: EventSpace, low: float, high: float) -> Array:
    """Size of each hit, which grows with the logarithm of its energy over four decades."""
    energy = space.view.energy
    level = np.log10(np.maximum(energy, 1e-12) / max(float(energy.max()), 1e-12)) / 4.0 + 1.0
    size: Array = (low + (high - low) * np.clip(level, 0.0, 1.0)).astype(np.float32)
    return size


def _marks(space: EventSpace) -> list[Part]:
    """Axes and centres, true and found, and the rim of the region."""
    parts = []
    for name, axis, colour, dash in (
        (space.true_label, space.true_axis, _TRUE, "solid"),
        ("axis of the region", space.found_axis, "ink", "dash"),
    ):
        if axis is not None:
            parts.append(lines(name, colour, [axis], width=3.5, dash=dash, text=[name]))
    for name, place, colour in (
        ("true barycentre", space.true_centre, _TRUE),
        ("centre from the hits", space.found_centre, "ink"),
    ):
        if place is not None:
            parts.append(lines(name, colour, [place[None]], dots=7.0, text=[name]))
    if space.found_axis is not None:
        turn = np.linspace(0, 2 * np.pi, 61)
        ring = space.radius * np.stack([np.cos(turn), np.sin(turn), np.zeros(61)], axis=1)
        wider = space.found_axis[:, 2] / space.found_axis[0, 2]
        rims = [end + scale * ring for end, scale in zip(space.found_axis, wider, strict=True)]
        parts.append(lines(f"region, {space.radius:.0f} mm", "#94a4a2", rims, width=2.0))
    return parts


def _prisms(space: EventSpace) -> tuple[Array, Array]:
    """The lower and the upper face of a prism on each hit's cell, two (N, 6, 3) [mm]."""
    outline, z = space.outline, space.view.position[:, 2]
    assert outline is not None
    count = len(outline)
    low, high = (
        np.concatenate([outline, np.broadcast_to(z[:, None, None] + step, (count, 6, 1))], axis=2)
        for step in (-space.depth, space.depth)
    )
    return low, high


def _projection(axes: Axes, space: EventSpace, along: int, across: int, norm: Any, colours: Any) -> None:
    """Hits seen from the side, the hottest on top."""
    low, high = space.window[:, 0], space.window[:, 1]
    inside = ((space.view.position >= low) & (space.view.position <= high)).all(axis=1)
    place, energy = space.view.position[inside][::-1], space.view.energy[inside][::-1]
    size = _sizes(space, 1.5, 7.0)[inside][::-1] ** 2
    axes.scatter(place[:, along], place[:, across], size, colours(norm(energy)), linewidths=0)
    _lines(axes, space, along, across)
    axes.set(xlim=space.window[along], ylim=space.window[across])
    axes.set(xlabel=f"{'xyz'[along]} [mm]", ylabel=f"{'xyz'[across]} [mm]")
    quiet(axes)


def _lines(axes: Axes, space: EventSpace, along: int, across: int) -> None:
    """Axes and centres, true and found."""
    for axis, colour, line, label in (
        (space.true_axis, _TRUE, "-", space.true_label),
        (space.found_axis, _FOUND, "--", "axis of the region"),
    ):
        if axis is not None:
            axes.plot(axis[:, along], axis[:, across], color=colour, linestyle=line, linewidth=1.2, label=label)
    for place, colour, marker, label in (
        (space.true_centre, _TRUE, "D", "true barycentre"),
        (space.found_centre, _FOUND, "X", "centre from the hits"),
    ):
        if place is not None:
            style: dict[str, Any] = {"color": colour, "markeredgecolor": "white", "markersize": 9, "linestyle": "none"}
            axes.plot(place[along], place[across], marker=marker, label=label, **style)


def _front(axes: Axes, space: EventSpace, norm: Any, colours: Any) -> None:
    """Cells of the hottest layer, or all hits where cells have no outline, seen along z."""
    view = space.view
    axes.set_aspect("equal")
    if space.outline is None:
        place, energy = view.position[::-1], view.energy[::-1]
        axes.scatter(place[:, 0], place[:, 1], _sizes(space, 1.5, 7.0)[::-1] ** 2, colours(norm(energy)), linewidths=0)
        _lines(axes, space, 0, 1)
        axes.set(title="all hits", xlim=space.window[0], ylim=space.window[1])
    else:
        total = np.bincount(view.layer[space.near], view.energy[space.near], int(view.layer.max()) + 1)
        hottest = int(total.argmax())
        side = 1.0 if space.found_axis is None else np.sign(space.found_axis[0, 2])
        mine = (view.layer == hottest) & (view.position[:, 2] * side > 0)
        cells = PolyCollection(list(space.outline[mine]), facecolors=colours(norm(view.energy[mine])))
        cells.set(edgecolors="white", linewidths=0.4)
        axes.add_collection(cells)
        middle = np.average(view.position[mine & space.near, :2], axis=0, weights=view.energy[mine & space.near])
        away = np.hypot(*(view.position[mine & space.near, :2] - middle).T)
        rising = np.argsort(away)
        inside = np.cumsum(view.energy[mine & space.near][rising])
        half = float(np.clip(1.6 * away[rising][np.searchsorted(inside, 0.95 * inside[-1])], 60.0, 160.0))
        for axis, style, colour in ((space.true_axis, "D", _TRUE), (space.found_axis, "X", _FOUND)):
            if axis is not None:
                share = (view.position[mine][0, 2] - axis[0, 2]) / (axis[1, 2] - axis[0, 2])
                x, y, _ = axis[0] + share * (axis[1] - axis[0])
                axes.plot(x, y, marker=style, color=colour, markeredgecolor="white", markersize=9)
        axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
        axes.set_title(f"layer {hottest}, the hottest")
    axes.set(xlabel="x [mm]", ylabel="y [mm]")


def _profile(axes: Axes, space: EventSpace) -> None:
    """Energy of each layer; of slices in z where layers are not known."""
    view = space.view
    place, name = view.layer.astype(float), "layer"
    if place.min() == place.max():
        place, name = view.position[:, 2], "z [mm]"
        edges = np.linspace(space.window[2, 0], space.window[2, 1], 41)
    else:
        edges = np.arange(place.min(), place.max() + 2) - 0.5
    inside = np.histogram(place[space.near], edges, weights=view.energy[space.near])[0]
    if space.radius:
        side = np.sign(space.found_axis[0, 2]) if space.found_axis is not None else 1.0
        same = view.position[:, 2] * side > 0
        every = np.histogram(place[same], edges, weights=view.energy[same])[0]
        axes.stairs(every, edges, color="#94a4a2", linewidth=1.2, label="all hits of this side")
        axes.stairs(inside, edges, color="#832db6", fill=True, alpha=0.25)
        axes.stairs(inside, edges, color="#832db6", linewidth=1.6, label=f"within {space.radius:.0f} mm of the axis")
        axes.legend()
    else:
        axes.stairs(inside, edges, color="#832db6", fill=True, alpha=0.25)
    axes.set(xlabel=name, ylabel="energy [GeV]", xlim=(edges[0], edges[-1]))
    axes.set_ylim(0, None)
    quiet(axes)
