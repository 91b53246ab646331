"""Events of a tracker: an interactive page with hits and lines in space, and panels across and along the beam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.detectors import Detector
from hitforge.objects.track.display_data import TrackStatus
from hitforge.report.events._outline import outline_of, reach_of
from hitforge.report.events._scene import Group, Part, Scene, choices, hit_points, in_groups, lines, outline, view_boxes
from hitforge.report.events._track_view import MAX_POINTS, EventTracks, Lines
from hitforge.report.events._view import on_screen
from hitforge.report.style import Picture, look, new_figure, picture, words

_CLEAR = 400  # lines of true particles that are shown at first; more hide each other
_INNER = np.array([200.0, 200.0, 600.0])  # [mm] half widths of the closer look
_LOOKS: dict[int, tuple[str, float, str]] = {
    TrackStatus.OTHER: ("#94a4a2", 1.0, "solid"),
    TrackStatus.FOUND: ("#3f90da", 1.5, "solid"),
    TrackStatus.DUPLICATE: ("#832db6", 4.0, "solid"),
    TrackStatus.FAKE: ("#ffa90e", 5.0, "dash"),
    TrackStatus.MISSED: ("#bd1f01", 6.0, "solid"),
    TrackStatus.WITHOUT_TRUTH: ("#3f90da", 1.5, "solid"),
}
_STRONG = (TrackStatus.DUPLICATE, TrackStatus.FAKE, TrackStatus.MISSED)
_TRUE = ("#92dadd", "#3f90da", "#bd1f01")  # of true particles by rising momentum
_SILICON = ("#5b6575", "#b9ac70", "#a96b59", "#94a4a2", "#717581", "#c8ccd2", "#2b2d33", "#8a92a0", "#d0b49f")


def track_scenes(events: Sequence[EventTracks], detector: Detector | None) -> list[Scene]:
    """Return events to turn around.

    Lines tell momentum, direction and hits under the pointer. A click on an entry of the legend hides or shows what it
    names, and buttons show all lines, what was found, or what went wrong, in the whole detector or around the beam.

    Args:
        events: None, one or several.
        detector: Whose outline is drawn, or None.
    """
    rims = outline_of(detector)
    return [_scene(event, rims) for event in events]


def tracks_figure(event: EventTracks) -> Figure:
    """Draw an event of a tracker across and along the beam."""
    with look():
        figure = new_figure(14.0, 6.2)
        _panels(figure, event)
        figure.suptitle(words(event.title), fontsize=11)
    return figure


def tracks_figures(events: Sequence[EventTracks]) -> list[Picture]:
    """Draw events for a page; to be called inside ``look``."""
    result = []
    for event in events:
        figure = new_figure(12.5, 5.6)
        _panels(figure, event)
        note = f" Found: {event.definition}." if event.definition else ""
        left_out = f" {event.note[:1].upper()}{event.note[1:]}." if event.note else ""
        result.append(picture(figure, event.title, f"{event.title[:1].upper()}{event.title[1:]}.{note}{left_out}"))
    return result


def _scene(event: EventTracks, rims: list[Array]) -> Scene:
    name, _, title = event.title.partition(": ")
    parts = _hits(event)
    shown = [(place, group) for place, group in enumerate(event.lines) if len(group)]
    for place, group in shown:
        colour, width, dash = _look(group, place)
        parts.append(
            lines(
                f"{group.name} ({len(group) + group.left_out:,})", on_screen(colour),
                np.split(group.points, group.offsets[1:-1]), kind=_kind(group),
                width=width, dash=dash, dots=1.8 if group.status in _STRONG else 0.0, text=group.text,
            )
        )  # fmt: skip
    near = np.maximum(np.abs(event.position).max(axis=0), 100.0) * 1.05
    near[:2] = near[:2].max()
    boxes = [("hits", np.stack([-near, near], axis=1)), ("around the beam", np.stack([-_INNER, _INNER], axis=1))]
    if rims:  # in a part of the detector hits are seen better from nearby
        whole = reach_of(rims, event.position)
        boxes.insert(1 if (near < 0.6 * whole[:, 1]).any() else 0, ("detector", whole))
    parts += [outline(rims), view_boxes(boxes), choices(*_rows([group for _, group in shown]))]
    text = tuple(f"{one[:1].upper()}{one[1:]}." for one in (event.hardest, event.note) if one)
    notes = (f"Found: {event.definition}.",) if event.definition else ()
    return Scene(name, title, text, tuple(part for part in parts if part), notes)


def _kind(group: Lines) -> str:
    return str(int(group.status)) if group.status >= 0 else f"true {group.min_pt:g}"


def _rows(groups: Sequence[Lines]) -> tuple[list[tuple[str, set[str]]], str]:
    """Buttons that show some of the lines, and which is pressed at first."""
    every = {_kind(group) for group in groups}
    if any(group.min_pt for group in groups):
        cuts = sorted(group.min_pt for group in groups)
        rows = [(f"pT > {cut:g} GeV", {_kind(one) for one in groups if one.min_pt >= cut}) for cut in cuts]
        few = [sum(len(one) for one in groups if one.min_pt >= cut) <= _CLEAR for cut in cuts]
        first = next((name for (name, _), one in zip(rows, few, strict=True) if one), rows[-1][0])
        return [*rows, ("no tracks", set())], first
    if not every & {str(int(one)) for one in (TrackStatus.FOUND, *_STRONG)}:
        return [("all tracks", every), ("no tracks", set())], "all tracks"
    wrong, other = {str(int(one)) for one in _STRONG}, {str(int(TrackStatus.OTHER))}
    rows = [("all tracks", every), ("asked for", every - other), ("found", every - wrong - other)]
    return [*rows, ("what went wrong", every & wrong), ("no tracks", set())], "asked for"


def _hits(event: EventTracks) -> list[Part]:
    """The hits, by part of the detector where no tracks were looked for."""
    step = -(-len(event.position) // MAX_POINTS)
    kept = np.arange(0, len(event.position), step)
    thin = f", one in {step}" if step > 1 else ""
    volume, layer = event.subsystem[kept], event.layer[kept]
    told = [("volume", "", volume.tolist()), ("layer", "", layer.tolist())]
    numbers, of = np.unique(volume, return_inverse=True)
    colours = [_SILICON[number % len(_SILICON)] for number in range(len(numbers))]
    groups = [
        Group(f"volume {one}{thin}", on_screen(colour), f"volume {one}")
        for one, colour in zip(numbers.tolist(), colours, strict=True)
    ]
    if event.definition:
        groups, of = [Group(f"hits{thin}", "#8a92a0", "hits")], np.zeros(len(kept), int)
    return [hit_points(event.position[kept], np.full(len(kept), 2.2), told), in_groups("hits", groups, of)]


def _look(group: Lines, place: int) -> tuple[str, float, str]:
    return _LOOKS[group.status] if group.status in _LOOKS else (_TRUE[place % len(_TRUE)], 2.0, "solid")


def _broken(group: Lines) -> Array:
    """The points with a NaN after each line, (P + K, 3)."""
    return np.insert(group.points.astype(np.float64), group.offsets[1:], np.nan, axis=0)


def _panels(figure: Figure, event: EventTracks) -> None:
    across, along = figure.subplots(1, 2, width_ratios=[1.0, 1.35])
    x, y, z = event.position.T
    for axes, one, two, sensors in ((across, x, y, 0), (along, z, kinematics.pt(x, y), 1)):
        axes.grid(False)
        if event.sensors is not None:
            axes.add_collection(
                LineCollection(list(event.sensors[sensors]), colors="#d5d9e0", linewidths=0.8, rasterized=True)
            )
        size = float(np.clip(90.0 / np.sqrt(len(one)), 0.4, 3.0))
        axes.plot(one, two, ".", markersize=size, markeredgewidth=0, color="#a3abb8", rasterized=True, zorder=1)
        for place, group in enumerate(event.lines):
            if group.status != TrackStatus.OTHER:
                _draw(axes, group, place, sensors)
    reach = 1.04 * float(kinematics.pt(x, y).max())
    end = 1.04 * float(np.abs(z).max())
    across.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="x [mm]", ylabel="y [mm]")
    across.set_aspect("equal")
    along.set(xlim=(-end, end), ylim=(0, reach), xlabel="z [mm]", ylabel="r [mm]")
    handles = []
    for place, group in enumerate(event.lines):
        if group.status != TrackStatus.OTHER:
            colour, width, dash = _look(group, place)
            style: dict[str, Any] = {
                "color": colour,
                "linewidth": _thin(width),
                "linestyle": "--" if dash == "dash" else "-",
            }
            handles.append(Line2D([], [], label=words(f"{group.name} ({len(group) + group.left_out:,})"), **style))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=4)


def _draw(axes: Axes, group: Lines, place: int, panel: int) -> None:
    colour, width, dash = _look(group, place)
    flat = _broken(group)
    x, y = (flat[:, 0], flat[:, 1]) if panel == 0 else (flat[:, 2], kinematics.pt(flat[:, 0], flat[:, 1]))
    axes.plot(
        x,
        y,
        color=colour,
        linewidth=_thin(width)
        if group.status in _STRONG
        else _thin(width) * min(1.0, (200 / max(len(group), 1)) ** 0.4),
        linestyle="--" if dash == "dash" else "-",
        alpha=0.8 if len(group) < 200 or group.status in _STRONG else 0.55,
        zorder=2 + _ORDER.index(group.status) if group.status in _ORDER else 2,
        rasterized=len(flat) > _VECTORS,
    )


_ORDER = (TrackStatus.OTHER, TrackStatus.FOUND, TrackStatus.DUPLICATE, TrackStatus.FAKE, TrackStatus.MISSED)
_VECTORS = 3_000  # points of a kind that stay lines in an SVG


def _thin(width: float) -> float:
    return max(0.35 * width, 0.7)
