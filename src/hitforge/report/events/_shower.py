"""Events of many showers: an interactive page with hits, owners and boxes in space, and projections with boxes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from hitforge.core.arrays import Array
from hitforge.objects.shower.display_data import ParticleFate, ShowerStatus
from hitforge.report.events._page import figure_page
from hitforge.report.events._shower_view import VERDICTS, DrawnObjects, EventShowers
from hitforge.report.events._view import NOISE_COLOUR
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_SCENE = (2, 0, 1)  # the beam, z, lies to the right, x to the back, y upwards
_MANY = 30  # objects with an entry of their own in the legend
_EDGES = tuple((a, a | bit) for bit in (4, 2, 1) for a in range(8) if not a & bit)  # of a box, by number of corner
_LEGEND = ("hits by true particle", "hits by found shower", "right or wrong")


def showers_page(events: Sequence[EventShowers], path: Path) -> Path:
    """Write events as an interactive page that opens without network, one figure an event.

    Buttons colour the hits by the true particle, by the found shower, or by whether the two agree, show the boxes of
    true and found objects, and show the showers or all hits. Hits and boxes tell their numbers under the pointer; a
    click on an entry of the legend hides or shows an object's hits and box.

    Args:
        events: At least one.
        path: HTML file to write.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """

    def text(event: EventShowers) -> str:
        return "; ".join(one for one in (event.definition and f"found: {event.definition}", _BOXES, event.note) if one)

    return figure_page(((event.title, text(event), _figure(event)) for event in events), path)


_BOXES = "boxes hold 2 to 98 % of the energy in depth, u and v, solid of true particles, dashed of found showers"


def showers_figures(events: Sequence[EventShowers]) -> list[Picture]:
    """Draw events for a page, from two sides and from the front, true above found; to be called inside ``look``."""
    result = []
    for event in events:
        figure = new_figure(13.0, 7.4 if len(event.particles) else 4.2)
        _panels(figure, event)
        note = f" {event.note[:1].upper()}{event.note[1:]}." if event.note else ""
        means = f" Found: {event.definition}." if event.definition else ""
        caption = (
            f"{event.title[:1].upper()}{event.title[1:]}.{means} {_BOXES[:1].upper()}{_BOXES[1:]}; "
            f"u and v are x and y seen from the origin at |z| = {event.plane:.0f} mm.{note}"
        )
        result.append(picture(figure, event.title, caption))
    return result


def _figure(event: EventShowers) -> Any:
    import plotly.graph_objects as go  # takes half a second, which other users of this module need not wait

    hits: list[tuple[str, Any]] = []
    if len(event.particles):
        hits += [("true", one) for one in _coloured(go, event, event.owner, event.particles, "t", "noise and others")]
    hits += [("found", one) for one in _coloured(go, event, event.finder, event.showers, "f", "in no shower")]
    if len(event.particles):
        hits += [("status", one) for one in _with_truth(go, event)]
    counted = np.flatnonzero(event.showers.status != ShowerStatus.PROPOSAL)
    proposals = np.flatnonzero(event.showers.status == ShowerStatus.PROPOSAL)
    boxes = [("true", one) for one in _boxes(go, event, event.particles, np.arange(len(event.particles)), "t")]
    boxes += [("found", one) for one in _boxes(go, event, event.showers, counted, "f")]
    boxes += [("proposals", one) for one in _boxes(go, event, event.showers, proposals, "p")]
    first = hits[0][0]
    for kind, trace in hits:
        trace.visible = kind == first
    for kind, trace in boxes:
        trace.visible = kind != "proposals"
    figure = go.Figure([trace for _, trace in hits + boxes])
    views = dict(zip(("true", "found", "status"), _LEGEND, strict=True))
    kinds = [kind for kind, _ in hits]
    colours = [_shown(label, kinds, {kind}, 0) for kind, label in views.items() if kind in kinds]
    kinds = [kind for kind, _ in boxes]
    choices = [("boxes: true and found", {"true", "found"}), ("true", {"true"}), ("found", {"found"})]
    choices += [("proposals", {"proposals"})] if len(proposals) else []
    shown = [_shown(label, kinds, chosen, len(hits)) for label, chosen in [*choices, ("none", set())]]
    near, far = _window(event), np.stack([event.position.min(axis=0) - 20, event.position.max(axis=0) + 20], axis=1)
    zoom = [
        {"label": label, "method": "relayout", "args": [_ranges(window)]}
        for label, window in (("showers", near), ("all hits", far))
    ]
    menu = {"type": "buttons", "direction": "right", "xanchor": "left", "yanchor": "bottom", "y": 1.0}
    places = zip((0.01, 0.40, 0.80), (colours, shown, zoom), strict=True)
    scene: dict[str, dict[str, Any]] = {
        f"{axis}axis": {"title": {"text": f"{'xyz'[i]} [mm]"}, "backgroundcolor": "#f5f6f8", "range": near[i].tolist()}
        for axis, i in zip("xyz", _SCENE, strict=True)
    }
    figure.update_layout(
        template="plotly_white",
        updatemenus=[{**menu, "x": x, "buttons": buttons} for x, buttons in places if len(buttons) > 1],
        margin={"l": 0, "r": 0, "b": 0, "t": 50},
        legend={"x": 0.01, "y": 0.98, "bgcolor": "rgba(255,255,255,0.7)", "itemsizing": "constant"},
        scene={**scene, "aspectmode": "data", "camera": {"eye": {"x": -0.6, "y": -1.5, "z": 0.7}}},
    )
    return figure


def _shown(label: str, kinds: list[str], chosen: set[str], first: int) -> dict[str, Any]:
    """A button that changes the traces from ``first`` on alone, so that each row of buttons keeps what others did."""
    visible = [kind in chosen for kind in kinds]
    return {
        "label": label, "method": "restyle",
        "args": [{"visible": visible}, list(range(first, first + len(kinds)))],
    }  # fmt: skip


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


def _ranges(window: Array) -> dict[str, Any]:
    order = zip("xyz", window[list(_SCENE)], strict=True)
    return {f"scene.{axis}axis.range": [float(low), float(high)] for axis, (low, high) in order}


def _sizes(event: EventShowers, low: float, high: float) -> Array:
    """Size of each hit, whose area grows nearly with its energy."""
    share = event.energy / max(float(event.energy.max(initial=0.0)), 1e-9)
    size: Array = (low + (high - low) * share**0.45).astype(np.float32)
    return size


def _coloured(go: Any, event: EventShowers, owner: Array, objects: DrawnObjects, group: str, rest: str) -> list[Any]:
    """The hits in the colours of their owners, a trace for each; of many the last are one trace."""
    traces = []
    for number in range(min(len(objects), _MANY)):
        mine = owner == number
        if mine.any():
            style = {"name": html.escape(objects.names[number]), "legendgroup": f"{group}{number}"}
            traces.append(_points(go, event, mine, objects.colours[number], 0.85, **style))
    if (owner >= _MANY).any():
        colours = np.array(objects.colours)[owner[owner >= _MANY]]
        traces.append(_points(go, event, owner >= _MANY, colours, 0.85, name=f"{len(objects) - _MANY} more"))
    if (owner < 0).any():
        traces.append(_points(go, event, owner < 0, NOISE_COLOUR, 0.5, name=rest))
    return traces


def _with_truth(go: Any, event: EventShowers) -> list[Any]:
    """The hits by what became of them."""
    traces = []
    for number, (name, colour) in reversed(list(enumerate(VERDICTS))):
        mine = event.verdict == number
        if mine.any():
            told = f"{name} ({event.energy[mine].sum():.3g} GeV)"
            traces.append(_points(go, event, mine, colour, 0.85 if number else 0.5, name=told))
    return traces


def _points(go: Any, event: EventShowers, mine: Array, colour: Any, opacity: float, **style: Any) -> Any:
    x, y, z = event.position[mine][:, _SCENE].astype(np.float32).T
    marker = {"size": _sizes(event, 1.6, 12.0)[mine], "color": colour, "opacity": opacity, "line": {"width": 0}}
    table = np.stack([event.energy[mine], event.place[mine, 0]], axis=1).astype(np.float32)
    hover = {"customdata": table, "hovertemplate": "%{customdata[0]:.3g} GeV, layer %{customdata[1]}"}
    return go.Scatter3d(x=x, y=y, z=z, mode="markers", marker=marker, **hover, **style)


def _boxes(go: Any, event: EventShowers, objects: DrawnObjects, rows: Array, group: str) -> list[Any]:
    """The edges of objects' boxes, a trace for each; what there is more of than ``_MANY`` as one trace."""
    rows = rows[np.isfinite(objects.boxes[rows]).all(axis=1)]
    groups = [rows[i : i + 1] for i in range(min(len(rows), _MANY))] if group != "p" else []
    rest = rows[len(groups) :]
    traces = []
    for some in [*groups, *([rest] if len(rest) else [])]:
        lines = [_wire(event.corners(objects.boxes[one])) for one in some]
        x, y, z = np.concatenate(lines)[:, _SCENE].astype(np.float32).T
        text = [objects.text[one] for one, line in zip(some, lines, strict=True) for _ in line]
        alone = len(some) == 1 and group != "p"
        line = {
            "color": objects.colours[some[0]] if alone else "#717581",
            "width": 4 if group == "t" else 3,
            "dash": "solid" if group == "t" else "dash" if group == "f" else "dot",
        }
        hover = {"text": text, "hovertemplate": "%{text}<extra></extra>", "showlegend": False}
        style = {"legendgroup": f"{group}{some[0]}"} if alone else {}
        traces.append(go.Scatter3d(x=x, y=y, z=z, mode="lines", line=line, **hover, **style))
    return traces


def _wire(corners: Array) -> Array:
    """Twelve edges as one line with gaps, (36, 3)."""
    edges = corners[np.array(_EDGES)]  # (12, 2, 3)
    return np.concatenate([edges, np.full((12, 1, 3), np.nan)], axis=1).reshape(-1, 3)


def _panels(figure: Figure, event: EventShowers) -> None:
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
            axes.scatter(x, y, size, colour, linewidths=0, alpha=0.8, rasterized=len(order) > _VECTORS)
            if title == "found":
                for number in np.flatnonzero(event.particles.status != ParticleFate.FOUND):
                    _rectangle(axes, event.particles.boxes[number], across, up, _LOST, ":")
            for number in which:
                style = "-" if title == "true" else "--"
                _rectangle(axes, objects.boxes[number], across, up, objects.colours[number], style)
            axes.set(xlim=limits[across], ylim=limits[up], xlabel=_PLACES[across], ylabel=f"{title}: {_PLACES[up]}")
            if across:
                axes.set_aspect("equal")
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
_VECTORS = 300  # hits that stay points in an SVG


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
