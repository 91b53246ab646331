"""Events of a tracker: an interactive page with hits and lines in space, and panels across and along the beam."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.files import atomic
from hitforge.objects.track.display_data import TrackStatus
from hitforge.report.events._page import figure_page
from hitforge.report.events._track_view import MAX_POINTS, EventTracks, Lines
from hitforge.report.style import Picture, look, new_figure, picture, words

_SCENE = (2, 0, 1)  # the beam, z, lies to the right, x to the back, y upwards
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


def tracks_page(events: Sequence[EventTracks], path: Path) -> Path:
    """Write events as an interactive page that opens without network, one figure an event.

    Lines tell momentum, direction and hits under the pointer. A click on an entry of the legend hides or shows what it
    names, and buttons show all lines, what was found, or what went wrong, in the whole detector or around the beam.

    Args:
        events: At least one.
        path: HTML file to write.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """

    def text(event: EventTracks) -> str:
        return "; ".join(one for one in (event.definition and f"found: {event.definition}", event.note) if one)

    return figure_page(((event.title, text(event), _figure(event)) for event in events), path)


def tracks_picture(event: EventTracks, path: Path) -> Path:
    """Draw an event of a tracker across and along the beam into a PNG file.

    Raises:
        DataError: The file cannot be written.
    """
    with look():
        figure = new_figure(14.0, 6.2)
        _panels(figure, event)
        figure.suptitle(words(event.title), fontsize=11)
        with atomic(path) as temporary:
            figure.savefig(temporary, format="png", dpi=130)
    return path


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


def _figure(event: EventTracks) -> Any:
    import plotly.graph_objects as go  # takes half a second, which other users of this module need not wait

    traces = _hits(go, event)
    silicon = len(traces)
    for place, lines in enumerate(event.lines):
        if len(lines):
            traces.append(_trace(go, lines, place))
    status = [TrackStatus.OTHER] * silicon + [lines.status for lines in event.lines if len(lines)]
    shown = {*TrackStatus, -1} - {TrackStatus.OTHER}
    for trace, one in zip(traces[silicon:], status[silicon:], strict=True):
        trace.visible = True if one in shown else "legendonly"
    menus: list[list[tuple[str, str, list[Any]]]] = []
    if any(one in _LOOKS and one != TrackStatus.WITHOUT_TRUTH for one in status[silicon:]):
        menus.append(
            [
                ("all tracks", "restyle", ["visible", [True] * len(traces)]),
                ("asked for", "restyle", ["visible", _shown(status, silicon, shown)]),
                ("found", "restyle", ["visible", _shown(status, silicon, {TrackStatus.FOUND})]),
                (
                    "what went wrong",
                    "restyle",
                    ["visible", _shown(status, silicon, {TrackStatus.MISSED, TrackStatus.FAKE, TrackStatus.DUPLICATE})],
                ),
            ]
        )
    reach = 1.05 * np.maximum(np.abs(event.position).max(axis=0), 100.0)
    reach[:2] = reach[:2].max()
    menus.append([("detector", "relayout", [_ranges(reach)]), ("around the beam", "relayout", [_ranges(_INNER)])])
    names = [f"{'xyz'[i]} [mm]" for i in _SCENE]
    scene: dict[str, Any] = {
        f"{axis}axis": {"title": {"text": text}, "backgroundcolor": "#f5f6f8", "range": [-float(end), float(end)]}
        for axis, text, end in zip("xyz", names, reach[list(_SCENE)], strict=True)
    }
    far = max(float(reach[2] / reach[0]) / 3.0, 0.6) ** (2.0 / 3.0)  # the longer the detector, the farther away
    eye = {axis: far * step for axis, step in (("x", -0.35), ("y", -1.8), ("z", 0.6))}
    menu = {"type": "buttons", "direction": "right", "xanchor": "left", "yanchor": "bottom", "y": 1.0}
    figure = go.Figure(traces)
    figure.update_layout(
        template="plotly_white",
        updatemenus=[
            {**menu, "x": 0.01 + 0.42 * place, "active": 1 if len(buttons) > 2 else 0, "buttons": _buttons(buttons)}
            for place, buttons in enumerate(menus)
        ],
        margin={"l": 0, "r": 0, "b": 0, "t": 50},
        legend={"x": 0.01, "y": 0.98, "bgcolor": "rgba(255,255,255,0.7)", "itemsizing": "constant"},
        scene={**scene, "aspectmode": "data", "camera": {"eye": eye, "center": {"x": 0, "y": 0, "z": -0.1}}},
    )
    return figure


def _shown(status: list[int], silicon: int, which: set[int]) -> list[Any]:
    return [True] * silicon + [True if one in which else "legendonly" for one in status[silicon:]]


def _buttons(rows: Sequence[tuple[str, str, list[Any]]]) -> list[dict[str, Any]]:
    return [{"label": label, "method": method, "args": args} for label, method, args in rows]


def _ranges(reach: Array) -> dict[str, Any]:
    order = zip("xyz", reach[list(_SCENE)], strict=True)
    return {f"scene.{axis}axis.range": [-float(end), float(end)] for axis, end in order}


def _hits(go: Any, event: EventTracks) -> list[Any]:
    """A trace for each part of the detector, coloured where no tracks were looked for."""
    step = -(-len(event.position) // MAX_POINTS)
    kept = np.arange(0, len(event.position), step)
    groups = [(f"volume {one}", kept[event.subsystem[kept] == one]) for one in np.unique(event.subsystem[kept])]
    if event.definition:
        groups = [("hits", kept)]
    traces = []
    for number, (name, rows) in enumerate(groups):
        x, y, z = event.position[rows][:, _SCENE].astype(np.float32).T
        colour = "#8a92a0" if event.definition else _SILICON[number % len(_SILICON)]
        marker = {"size": 1.6, "color": colour, "opacity": 0.55, "line": {"width": 0}}
        told = np.stack([event.subsystem[rows], event.layer[rows]], axis=1).astype(np.int16)
        label = name + (f", one in {step}" if step > 1 else "")
        text = "volume %{customdata[0]}, layer %{customdata[1]}<extra></extra>"
        hover = {"customdata": told, "hovertemplate": text}
        traces.append(go.Scatter3d(x=x, y=y, z=z, mode="markers", name=label, marker=marker, **hover))
    return traces


def _trace(go: Any, lines: Lines, place: int) -> Any:
    """All lines of a kind as one trace with gaps."""
    colour, width, dash = _look(lines, place)
    flat = _broken(lines)[:, _SCENE].astype(np.float32)
    owner = np.repeat(np.arange(len(lines)), np.diff(lines.offsets) + 1)
    x, y, z = flat.T
    number = len(lines) + lines.left_out
    strong = lines.status in _STRONG
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines+markers" if strong else "lines",
        name=html.escape(f"{lines.name} ({number:,})"),
        line={"color": colour, "width": width, "dash": dash},
        marker={"size": 3.0, "color": colour},
        text=[lines.text[one] for one in owner],
        hovertemplate="%{text}<extra></extra>",
    )


def _look(lines: Lines, place: int) -> tuple[str, float, str]:
    return _LOOKS[lines.status] if lines.status in _LOOKS else (_TRUE[place % len(_TRUE)], 2.0, "solid")


def _broken(lines: Lines) -> Array:
    """The points with a NaN after each line, (P + K, 3)."""
    return np.insert(lines.points.astype(np.float64), lines.offsets[1:], np.nan, axis=0)


def _panels(figure: Figure, event: EventTracks) -> None:
    across, along = figure.subplots(1, 2, width_ratios=[1.0, 1.35])
    x, y, z = event.position.T
    for axes, one, two, sensors in ((across, x, y, 0), (along, z, kinematics.pt(x, y), 1)):
        axes.grid(False)
        if event.sensors is not None:
            axes.add_collection(LineCollection(list(event.sensors[sensors]), colors="#e3e6eb", linewidths=0.8))
        size = float(np.clip(90.0 / np.sqrt(len(one)), 0.4, 3.0))
        axes.plot(one, two, ".", markersize=size, markeredgewidth=0, color="#a3abb8", rasterized=True, zorder=1)
        for place, lines in enumerate(event.lines):
            if lines.status != TrackStatus.OTHER:
                _draw(axes, lines, place, sensors)
    reach = 1.04 * float(kinematics.pt(x, y).max())
    end = 1.04 * float(np.abs(z).max())
    across.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="x [mm]", ylabel="y [mm]")
    across.set_aspect("equal")
    along.set(xlim=(-end, end), ylim=(0, reach), xlabel="z [mm]", ylabel="r [mm]")
    handles = []
    for place, lines in enumerate(event.lines):
        if lines.status != TrackStatus.OTHER:
            colour, width, dash = _look(lines, place)
            style: dict[str, Any] = {
                "color": colour,
                "linewidth": _thin(width),
                "linestyle": "--" if dash == "dash" else "-",
            }
            handles.append(Line2D([], [], label=words(f"{lines.name} ({len(lines) + lines.left_out:,})"), **style))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=4)


def _draw(axes: Axes, lines: Lines, place: int, panel: int) -> None:
    colour, width, dash = _look(lines, place)
    flat = _broken(lines)
    x, y = (flat[:, 0], flat[:, 1]) if panel == 0 else (flat[:, 2], kinematics.pt(flat[:, 0], flat[:, 1]))
    axes.plot(
        x,
        y,
        color=colour,
        linewidth=_thin(width)
        if lines.status in _STRONG
        else _thin(width) * min(1.0, (200 / max(len(lines), 1)) ** 0.4),
        linestyle="--" if dash == "dash" else "-",
        alpha=0.8 if len(lines) < 200 or lines.status in _STRONG else 0.55,
        zorder=2 + _ORDER.index(lines.status) if lines.status in _ORDER else 2,
        rasterized=len(flat) > _VECTORS,
    )


_ORDER = (TrackStatus.OTHER, TrackStatus.FOUND, TrackStatus.DUPLICATE, TrackStatus.FAKE, TrackStatus.MISSED)
_VECTORS = 3_000  # points of a kind that stay lines in an SVG


def _thin(width: float) -> float:
    return 0.35 * width
