"""One event of a calorimeter of layers, or of points in space: an interactive page and projections."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from hitforge.core.files import atomic, write_text
from hitforge.report.events._space_view import EventSpace
from hitforge.report.events._view import LEGEND, NOISE_COLOUR, owner_colour
from hitforge.report.style import look, new_figure, quiet, words

Array = NDArray[Any]
_PRISMS = 1_500  # cells are drawn as prisms up to this many hits
_TRUE, _FOUND = "#bd1f01", "#2b2d33"
_SCENE = (2, 0, 1)  # the beam, z, lies to the right, x to the back, y upwards


def space_page(space: EventSpace, path: Path) -> Path:
    """Write an interactive page that opens without network; see ``ShowerPictures.event_page``."""
    import plotly.graph_objects as go  # takes half a second, which other users of this module need not wait

    view = space.view
    level = np.log10(np.maximum(view.energy, max(float(view.energy.max()) * 1e-4, 1e-9)))
    span = float(np.quantile(np.abs(view.time), 0.95)) or 1.0
    scales: dict[str, tuple[Array, str, dict[str, Any]]] = {
        "energy": (level, "log₁₀(energy / GeV)", {"colorscale": "Viridis", "reversescale": True}),
        "layer": (view.layer.astype(float), "layer", {"colorscale": "Turbo"}),
        "time": (view.time, "time [ns]", {"colorscale": "Plasma", "cmin": float(view.time.min()), "cmax": span}),
    }
    traces, kind = [], []
    for name, (values, title, scale) in scales.items():
        traces.append(_hits(go, space, name, values, title, scale))
        kind.append(name)
    for trace in _owners(go, space):
        traces.append(trace)
        kind.append("owner")
    for trace in _marks(go, space):
        traces.append(trace)
        kind.append("always")
    for trace, which in zip(traces, kind, strict=True):
        trace.visible = which in ("energy", "always")
    shown = [
        {"label": which, "method": "restyle", "args": ["visible", [one in (which, "always") for one in kind]]}
        for which in ("energy", "layer", "time", "owner")
    ]
    box = np.stack([view.position.min(axis=0) - 20.0, view.position.max(axis=0) + 20.0], axis=1)
    zoom = [
        {"label": label, "method": "relayout", "args": [_ranges(window)]}
        for label, window in (("shower", space.window), ("all hits", box))
    ]
    menu = {"type": "buttons", "direction": "right", "xanchor": "left", "yanchor": "bottom", "y": 1.0}
    lines = [space.title, *filter(None, [space.note])]
    names = [f"{'xyz'[i]} [mm]" for i in _SCENE]
    scene: dict[str, dict[str, Any]] = {
        f"{axis}axis": {"title": {"text": text}} for axis, text in zip("xyz", names, strict=True)
    }
    for axis, (low, high) in zip("xyz", space.window[list(_SCENE)], strict=True):
        scene[f"{axis}axis"] |= {"range": [low, high], "backgroundcolor": "#f5f6f8"}
    figure = go.Figure(traces)
    figure.update_layout(
        title={
            "text": "<br>".join(map(html.escape, lines)),
            "font": {"size": 14},
            "x": 0.01,
            "y": 0.985,
            "yanchor": "top",
        },
        template="plotly_white",
        updatemenus=[{**menu, "buttons": shown, "x": 0.01}, {**menu, "buttons": zoom, "x": 0.32}],
        margin={"l": 0, "r": 0, "b": 0, "t": 130},
        legend={"x": 0.01, "y": 0.98, "bgcolor": "rgba(255,255,255,0.7)", "itemsizing": "constant"},
        scene={
            **scene,
            "aspectmode": "data",
            "camera": {"eye": {"x": -0.7, "y": -2.0, "z": 0.75}, "up": {"x": 0, "y": 0, "z": 1}},
        },
    )
    settings = {"displaylogo": False, "responsive": True}
    write_text(path, figure.to_html(include_plotlyjs=True, default_height="94vh", config=settings))
    return path


def space_picture(space: EventSpace, path: Path) -> Path:
    """Draw three projections and the longitudinal profile; see ``ShowerPictures.event_picture``."""
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
        with atomic(path) as temporary:
            figure.savefig(temporary, format="png", dpi=130)
    return path


def _ranges(window: Array) -> dict[str, Any]:
    order = zip("xyz", window[list(_SCENE)], strict=True)
    return {f"scene.{axis}axis.range": [float(low), float(high)] for axis, (low, high) in order}


def _sizes(space: EventSpace, low: float, high: float) -> Array:
    """Size of each hit, which grows with the logarithm of its energy over four decades."""
    energy = space.view.energy
    level = np.log10(np.maximum(energy, 1e-12) / max(float(energy.max()), 1e-12)) / 4.0 + 1.0
    size: Array = (low + (high - low) * np.clip(level, 0.0, 1.0)).astype(np.float32)
    return size


def _hover(space: EventSpace) -> dict[str, Any]:
    """Numbers under the pointer, in a form that stays small for many hits."""
    view = space.view
    table = np.stack([view.energy, view.time, view.layer], axis=1).astype(np.float32)
    text = "%{customdata[0]:.3g} GeV<br>%{customdata[1]:.3g} ns<br>layer %{customdata[2]}"
    return {"customdata": table, "hovertemplate": text}


def _text(space: EventSpace) -> list[str]:
    view = space.view
    owners = [view.names[owner] if owner >= 0 else "noise or unknown" for owner in view.owner]
    rows = zip(view.energy, view.time, view.layer, view.cell, owners, strict=True)
    return [f"{e:.3g} GeV<br>{t:.3g} ns<br>layer {layer}, cell {cell}<br>{o}" for e, t, layer, cell, o in rows]


def _hits(go: Any, space: EventSpace, name: str, values: Array, title: str, scale: dict[str, Any]) -> Any:
    """The hits as one trace, coloured by values: prisms if they are few and cells are known, else points."""
    bar = {"title": title, "x": 0.98, "len": 0.75, "thickness": 14}
    colour = {**scale, "colorbar": bar, "showscale": True}
    if space.outline is not None and len(values) <= _PRISMS:
        mesh, faces = _prisms(space)
        return go.Mesh3d(**mesh, name=name, intensity=np.repeat(values, faces), intensitymode="cell", **colour)
    x, y, z = space.view.position[:, _SCENE].astype(np.float32).T
    marker = {
        "size": _sizes(space, 1.5, 11.0),
        "color": values.astype(np.float32),
        "opacity": 0.85,
        "line": {"width": 0},
        **colour,
    }
    return go.Scatter3d(x=x, y=y, z=z, mode="markers", name=name, marker=marker, showlegend=False, **_hover(space))


def _owners(go: Any, space: EventSpace) -> list[Any]:
    """A trace for each owner, with an entry in the legend."""
    view = space.view
    group = np.where(view.owner < 0, -1, np.minimum(view.owner, LEGEND))
    traces, size, hover = [], _sizes(space, 1.5, 11.0), _hover(space)
    for number in sorted(set(group.tolist()), key=lambda value: value if value >= 0 else LEGEND + 1):
        mine = group == number
        label = "noise or unknown" if number < 0 else "others" if number == LEGEND else view.names[number]
        colour = NOISE_COLOUR if number < 0 else owner_colour(number)
        x, y, z = view.position[mine][:, _SCENE].astype(np.float32).T
        marker = {"size": size[mine], "color": colour, "opacity": 0.85, "line": {"width": 0}}
        numbers = {**hover, "customdata": hover["customdata"][mine]}
        name = html.escape(label)
        traces.append(go.Scatter3d(x=x, y=y, z=z, mode="markers", name=name, marker=marker, **numbers))
    return traces


def _marks(go: Any, space: EventSpace) -> list[Any]:
    """Axes and centres, true and found, and the rim of the region."""
    traces = []
    for name, axis, colour, dash in (
        (space.true_label, space.true_axis, _TRUE, "solid"),
        ("axis of the region", space.found_axis, _FOUND, "dash"),
    ):
        if axis is not None:
            x, y, z = axis[:, _SCENE].T
            line = {"color": colour, "width": 5, "dash": dash}
            traces.append(go.Scatter3d(x=x, y=y, z=z, mode="lines", name=name, line=line, hoverinfo="name"))
    for name, place, colour, symbol in (
        ("true barycentre", space.true_centre, _TRUE, "diamond"),
        ("centre from the hits", space.found_centre, _FOUND, "cross"),
    ):
        if place is not None:
            x, y, z = place[list(_SCENE)][:, None]
            marker = {"size": 8, "color": colour, "symbol": symbol}
            traces.append(go.Scatter3d(x=x, y=y, z=z, mode="markers", name=name, marker=marker, hoverinfo="name"))
    if space.found_axis is not None:
        turn = np.append(np.linspace(0, 2 * np.pi, 61), np.nan)
        ring = space.radius * np.stack([np.cos(turn), np.sin(turn), np.zeros(62)], axis=1)
        wider = space.found_axis[:, 2] / space.found_axis[0, 2]
        rim = np.concatenate([end + scale * ring for end, scale in zip(space.found_axis, wider, strict=True)])
        x, y, z = rim[:, _SCENE].T
        line = {"color": "#94a4a2", "width": 3}
        name = f"region, {space.radius:.0f} mm"
        traces.append(go.Scatter3d(x=x, y=y, z=z, mode="lines", name=name, line=line, hoverinfo="name"))
    return traces


def _prisms(space: EventSpace) -> tuple[dict[str, Any], int]:
    """A prism on each hit's cell, and the number of triangles of each."""
    outline, z = space.outline, space.view.position[:, 2]
    assert outline is not None
    count = len(outline)
    ends = [np.concatenate([outline, np.broadcast_to(z[:, None, None] + step, (count, 6, 1))], axis=2)
            for step in (-space.depth, space.depth)]  # fmt: skip
    corners = np.concatenate(ends, axis=1)  # (N, 12, 3)
    caps = [(0, i, i + 1) for i in range(1, 5)]
    walls = [face for i in range(6) for face in ((i, (i + 1) % 6, 6 + (i + 1) % 6), (i, 6 + (i + 1) % 6, 6 + i))]
    faces = np.array([*caps, *[(a + 6, b + 6, c + 6) for a, b, c in caps], *walls])
    index = (faces[None] + 12 * np.arange(count)[:, None, None]).reshape(-1, 3)
    index, (x, y, w) = index.astype(np.int32), corners.reshape(-1, 3)[:, _SCENE].astype(np.float32).T
    mesh = {"x": x, "y": y, "z": w, "i": index[:, 0], "j": index[:, 1], "k": index[:, 2]}
    return {**mesh, "flatshading": True, "text": np.repeat(_text(space), 12), "hoverinfo": "text"}, len(faces)


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
