"""Events of many showers: an interactive page with hits, owners and boxes in space, and projections with boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from hitforge.core.arrays import Array
from hitforge.detectors import Detector, LayeredDetector
from hitforge.objects.shower.display_data import ParticleFate, ShowerStatus
from hitforge.report.events._outline import layer_lines, outline_of, reach_of
from hitforge.report.events._scene import (
    Group,
    Part,
    Scene,
    choices,
    hit_points,
    in_groups,
    lines,
    outline,
    short,
    view_boxes,
)
from hitforge.report.events._shower_view import VERDICTS, DrawnObjects, EventShowers
from hitforge.report.events._view import MANY_COLOUR, NOISE_COLOUR, on_screen
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_MANY = 30  # objects with an entry of their own in the legend
_EDGES = tuple((a, a | bit) for bit in (4, 2, 1) for a in range(8) if not a & bit)  # of a box, by number of corner


def shower_scenes(events: Sequence[EventShowers], detector: Detector | None) -> list[Scene]:
    """Return events to turn around.

    Buttons colour the hits by the true particle, by the found shower, or by whether the two agree, show the boxes of
    true and found objects, and show the showers, all hits or the detector. Hits and boxes tell their numbers under the
    pointer; a click on an entry of the legend hides or shows an object's hits and box.

    Args:
        events: None, one or several.
        detector: Whose outline is drawn, or None.
    """
    rims = outline_of(detector)
    return [_scene(event, detector, rims) for event in events]


def _scene(event: EventShowers, detector: Detector | None, rims: list[Array]) -> Scene:
    name, _, title = event.title.partition(": ")
    truth, proposals = len(event.particles) > 0, event.showers.status == ShowerStatus.PROPOSAL
    told = [("energy", "GeV", short(event.energy)), ("layer", "", event.place[:, 0].astype(int).tolist())]
    parts = [hit_points(event.position, _sizes(event, 1.6, 12.0), told)]
    colours = [in_groups("found shower", *_groups(event.finder, event.showers, "f", "in no shower"))]
    if truth:
        verdicts = [
            Group(told, on_screen(colour), f"verdict {number}") for number, (told, colour) in enumerate(VERDICTS)
        ]
        colours.insert(0, in_groups("true particle", *_groups(event.owner, event.particles, "t", "noise and others")))
        colours.append(in_groups("right or wrong", verdicts, event.verdict))
    parts += colours
    parts += _boxes(event, event.particles, np.arange(len(event.particles)), "true")
    parts += _boxes(event, event.showers, np.flatnonzero(~proposals), "found")
    parts += _boxes(event, event.showers, np.flatnonzero(proposals), "proposals")
    rows = [("boxes of both", {"true", "found"}), ("true boxes", {"true"})] if truth else []
    rows += [
        ("found boxes", {"found"}),
        *([("proposals", {"proposals"})] if proposals.any() else []),
        ("no boxes", set()),
    ]
    near = _window(event)
    boxes = [("showers", near), ("all hits", reach_of([], event.position) + np.array([-20.0, 20.0]))]
    boxes += [("detector", reach_of(rims, event.position))] if rims else []
    parts += [outline(rims), outline(layer_lines(detector, near)), view_boxes(boxes), choices(rows, rows[0][0])]
    text = [_listed("true", event.particles.names)] if truth else []
    text += [_listed("found", [one for one, far in zip(event.showers.names, proposals, strict=True) if not far])]
    text += [f"{event.note[:1].upper()}{event.note[1:]}."] if event.note else []
    notes = ((f"Found: {event.definition}.",) if event.definition else ()) + (f"{_BOXES[:1].upper()}{_BOXES[1:]}.",)
    return Scene(name, title, tuple(text), tuple(part for part in parts if part), notes)


def _listed(title: str, names: Sequence[str]) -> str:
    more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{title[:1].upper()}{title[1:]}: {'; '.join(names[:_NAMED]) or 'none'}{more}."


_BOXES = "boxes hold 2 to 98 % of the energy in depth, u and v, solid of true particles, dashed of found showers"


def showers_figures(events: Sequence[EventShowers], detector: Detector | None = None) -> list[Picture]:
    """Draw events for a page, from two sides and from the front, true above found; to be called inside ``look``.

    Where sections of the detector begin, lines are drawn across the depth.
    """
    section = detector.layers.section if isinstance(detector, LayeredDetector) else np.zeros(0)
    begin = (np.flatnonzero(np.diff(section)) + 0.5).tolist()
    result = []
    for event in events:
        figure = new_figure(13.0, 7.4 if len(event.particles) else 4.2)
        _panels(figure, event, begin)
        note = f" {event.note[:1].upper()}{event.note[1:]}." if event.note else ""
        means = f" Found: {event.definition}." if event.definition else ""
        means += " Grey lines part sections of the detector." if len(begin) else ""
        caption = (
            f"{event.title[:1].upper()}{event.title[1:]}.{means} {_BOXES[:1].upper()}{_BOXES[1:]}; "
            f"u and v are x and y seen from the origin at |z| = {event.plane:.0f} mm.{note}"
        )
        result.append(picture(figure, event.title, caption))
    return result


def _drawn(event: EventShowers) -> Array:
    """Boxes that a picture is cut out around, (K, 6): showers that reach much farther than particles do not count."""
    both = event.particles.boxes, event.showers.boxes[event.showers.status != ShowerStatus.PROPOSAL]
    true, found = (boxes[np.isfinite(boxes).all(axis=1)] for boxes in both)
    if len(true):
        reach = np.maximum(2.0 * (true[:, 4:] - true[:, 1:3]).max(axis=0), 100.0)
        found = found[((found[:, 4:] - found[:, 1:3]) < reach).all(axis=1)]
    return np.concatenate([true, found])


def _window(event: EventShowers) -> Array:
    """Least and largest x, y, z of the boxes, with a margin, (3, 2) [mm]; of the hits where there is no box."""
    boxes = _drawn(event)
    points = np.concatenate([event.corners(box) for box in boxes]) if len(boxes) else event.position
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.array([40.0, 40.0, 60.0])
    return np.stack([low - margin, high + margin], axis=1)


def _sizes(event: EventShowers, low: float, high: float) -> Array:
    """Size of each hit, whose area grows nearly with its energy."""
    share = event.energy / max(float(event.energy.max(initial=0.0)), 1e-9)
    size: Array = (low + (high - low) * share**0.45).astype(np.float32)
    return size


def _groups(owner: Array, objects: DrawnObjects, letter: str, rest: str) -> tuple[list[Group], Array]:
    """Groups of hits by their owner, the last of many together, and the number of each hit's group."""
    most = min(len(objects), _MANY)
    groups = [Group(objects.names[i], on_screen(objects.colours[i]), f"{letter}{i}") for i in range(most)]
    groups += [
        Group(f"{len(objects) - most} more", on_screen(MANY_COLOUR), f"{letter} more"),
        Group(rest, "faint", rest),
    ]
    return groups, np.where(owner < 0, most + 1, np.minimum(owner, most))


def _boxes(event: EventShowers, objects: DrawnObjects, rows: Array, kind: str) -> list[Part]:
    """The edges of objects' boxes, each by itself; of proposals, and of many the last, together."""
    rows = rows[np.isfinite(objects.boxes[rows]).all(axis=1)]
    alone = rows[:0] if kind == "proposals" else rows[:_MANY]
    rest = rows[len(alone) :]
    style: dict[str, Any] = {
        "kind": kind, "width": 3.0 if kind == "true" else 2.5,
        "dash": {"true": "solid", "found": "dash", "proposals": "dot"}[kind],
    }  # fmt: skip
    parts = []
    for number in alone.tolist():
        name, key = objects.names[number], f"{kind[0]}{number}"
        text = [objects.text[number]] * 12
        colour = on_screen(objects.colours[number])
        parts.append(lines(f"{kind}: {name}", colour, _edges(event, objects, number), key=key, text=text, **style))
    if len(rest):
        places = [edge for number in rest.tolist() for edge in _edges(event, objects, number)]
        text = [objects.text[number] for number in rest.tolist() for _ in range(12)]
        name = f"{len(rest)} proposal{'s' if len(rest) > 1 else ''}" if kind == "proposals" else f"{len(rest)} more"
        parts.append(lines(name, "#717581", places, key=f"{kind} more", text=text, **style))
    return parts


def _edges(event: EventShowers, objects: DrawnObjects, number: int) -> list[Array]:
    """Twelve edges of an object's box, (2, 3) each."""
    return list(event.corners(objects.boxes[number])[np.array(_EDGES)])


def _panels(figure: Figure, event: EventShowers, begin: Sequence[float] = ()) -> None:
    """Depth against u, depth against v, and v against u; a row for the truth where it is known, one for the found."""
    rows: list[tuple[str, Array, DrawnObjects, Array]] = []
    kept = np.flatnonzero(event.showers.status != ShowerStatus.PROPOSAL)
    if len(event.particles):
        rows.append(("true", event.owner, event.particles, np.arange(len(event.particles))))
    rows.append(("found", event.finder, event.showers, kept))
    grid = figure.subplots(len(rows), 3, squeeze=False, width_ratios=[1.25, 1.25, 1.0])
    limits = _limits(event)
    order = np.argsort(event.energy, kind="stable")  # the hottest on top
    size = _sizes(event, 0.8, 9.0)[order] ** 2
    for line, (title, owner, objects, which) in zip(grid, rows, strict=True):
        colour = np.array([*objects.colours, NOISE_COLOUR])[owner[order]]
        for axes, (across, up) in zip(line, ((0, 1), (0, 2), (1, 2)), strict=True):
            x, y = event.place[order][:, across], event.place[order][:, up]
            axes.scatter(x, y, size, colour, linewidths=0, alpha=0.8, rasterized=True)
            if title == "found":
                for number in np.flatnonzero(event.particles.status != ParticleFate.FOUND):
                    _rectangle(axes, event.particles.boxes[number], across, up, _LOST, ":")
            for number in which:
                style = "-" if title == "true" else "--"
                _rectangle(axes, objects.boxes[number], across, up, objects.colours[number], style)
            axes.set(xlim=limits[across], ylim=limits[up], xlabel=_PLACES[across], ylabel=f"{title}: {_PLACES[up]}")
            if across:
                axes.set_aspect("equal")
            for depth in begin if not across else ():
                axes.axvline(depth, color="#9aa5b5", linewidth=0.9, zorder=0.5)
            quiet(axes)
    handles = []
    for title, _, objects, which in rows:
        for number in which[:_NAMED].tolist():
            look: dict[str, Any] = {"color": objects.colours[number], "linestyle": "-" if title == "true" else "--"}
            handles.append(Line2D([], [], linewidth=1.6, label=words(objects.names[number]), **look))
    if (event.particles.status != ParticleFate.FOUND).any():
        name = "box of a particle that was not found"
        handles.append(Line2D([], [], color=_LOST, linestyle=":", linewidth=1.6, label=name))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9)


_PLACES = ("depth [layer]", "u [mm]", "v [mm]")
_LOST = "#1c2330"  # of the box of a particle that was not found
_NAMED = 10  # objects of a kind in the legend of a figure


def _limits(event: EventShowers) -> Array:
    """What is drawn of depth, u and v, (3, 2): boxes with a margin, u and v with the same length."""
    boxes = _drawn(event)
    low, high = (boxes[:, :3], boxes[:, 3:]) if len(boxes) else (event.place, event.place)
    low, high = low.min(axis=0), high.max(axis=0)
    middle, half = 0.5 * (low + high), 0.5 * (high - low) + [1.5, 25.0, 25.0]
    half[1:] = half[1:].max()
    return np.stack([middle - half, middle + half], axis=1)


def _rectangle(axes: Axes, box: Array, across: int, up: int, colour: str, style: str) -> None:
    if np.isfinite(box).all():
        low, size = box[[across, up]], box[3:][[across, up]] - box[[across, up]]
        look: dict[str, Any] = {"edgecolor": colour, "linestyle": style, "linewidth": 1.4, "fill": False}
        axes.add_patch(Rectangle((float(low[0]), float(low[1])), float(size[0]), float(size[1]), **look))
