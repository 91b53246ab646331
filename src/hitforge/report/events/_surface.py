"""An event on a surface of cells: a picture in eta and phi, and a page with towers to turn around."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.patches import Patch

from hitforge.core.arrays import Array
from hitforge.core.files import atomic, write_text
from hitforge.core.kinematics import eta, phi, wrap_phi
from hitforge.detectors import GridDetector
from hitforge.events import Events
from hitforge.report.events._view import LEGEND, NOISE_COLOUR, EventView, owner_colour, view_event
from hitforge.report.style import look, new_figure, words

_TOWER = 200.0  # [mm] height of the highest tower


def surface_picture(events: Events, index: int, detector: GridDetector, path: Path) -> Path:
    """Draw the hits of an event in eta and phi: by energy, and by owner where the event has links.

    Args:
        events: A sample with hits.
        index: Event to draw.
        detector: Geometry of the cells.
        path: PNG file to write.

    Returns:
        The path.

    Raises:
        DataError: There is no such event, it has no hits, or the file cannot be written.
    """
    view = view_event(events, index, detector)
    seed = int(view.energy.argmax())
    along, across = eta(*view.position.T), phi(*view.position.T[:2])
    x, y = wrap_phi(across - across[seed]), along - along[seed]
    owned = bool((view.owner >= 0).any())
    with look(), mpl.rc_context({"axes.grid": False}):
        figure = new_figure(13.0 if owned else 6.2, 5.0)
        panels: list[Axes] = figure.subplots(1, 2 if owned else 1, squeeze=False)[0].tolist()
        norm = LogNorm(
            max(float(view.energy[view.energy > 0].min(initial=1e3)), float(view.energy.max()) * 1e-4),
            max(float(view.energy.max()), 1e-9),
        )
        colours = mpl.colormaps["viridis_r"]
        _cells(panels[0], x, y, view.pitch, colours(norm(view.energy)))
        figure.colorbar(mpl.cm.ScalarMappable(norm, colours), ax=panels[0], label="energy [GeV]")
        if owned:
            _cells(panels[1], x, y, view.pitch, np.array([to_rgb(colour) for colour in view.colours]))
            shown = [(name, owner_colour(number)) for number, name in enumerate(view.names[:LEGEND])]
            shown += [("others", owner_colour(LEGEND))] if len(view.names) > LEGEND else []
            shown += [("noise", NOISE_COLOUR)] if (view.owner < 0).any() else []
            handles = [Patch(color=colour, label=words(name)) for name, colour in shown]
            figure.legend(handles=handles, loc="outside right center")
        half = _window(x, y, view.energy, view.pitch)
        for axes in panels:
            axes.set_aspect("equal")
            axes.set(
                xlim=(-half, half),
                ylim=(-half, half),
                xlabel=r"$\phi - \phi_\mathrm{seed}$ [rad]",
                ylabel=r"$\eta - \eta_\mathrm{seed}$",
            )
        figure.suptitle(words(view.title), fontsize=11)
        with atomic(path) as temporary:
            figure.savefig(temporary, format="png", dpi=130)
    return path


def surface_page(events: Events, index: int, detector: GridDetector, path: Path) -> Path:
    """Write an event as an interactive page that opens without network.

    Each hit is a tower on its cell's face that points away from the origin, whose height grows with the logarithm of
    the energy; it tells its energy, time, cell and owner under the pointer. A menu colours by energy, time or owner.

    Args:
        events: A sample with hits.
        index: Event to show.
        detector: Geometry of the cells.
        path: HTML file to write.

    Returns:
        The path.

    Raises:
        DataError: There is no such event, it has no hits, or the file cannot be written.
    """
    import plotly.graph_objects as go  # takes half a second, which other users of this module need not wait

    view = view_event(events, index, detector)
    floor = max(float(view.energy.max()) * 1e-4, 1e-9)
    level = np.log10(np.maximum(view.energy, floor) / floor)
    corners, faces = _towers(
        view.position, _TOWER * (0.05 + 0.95 * level / max(float(level.max()), 1e-9)), 0.46 * float(view.pitch[2])
    )
    owners = [view.names[owner] if owner >= 0 else "noise or unknown" for owner in view.owner]
    text = [
        f"energy {energy:.3g} GeV<br>time {time:.3g} ns<br>cell {cell}<br>{owner}"
        for energy, time, cell, owner in zip(view.energy, view.time, view.cell, owners, strict=True)
    ]
    mesh = {
        "x": corners[:, 0],
        "y": corners[:, 1],
        "z": corners[:, 2],
        "i": faces[:, 0],
        "j": faces[:, 1],
        "k": faces[:, 2],
        "flatshading": True,
        "hoverinfo": "text",
        "text": np.repeat(text, 8),
    }
    span = float(np.quantile(np.abs(view.time), 0.95)) or 1.0
    scale = {"x": 0.98, "len": 0.75, "thickness": 14}
    traces = [
        go.Mesh3d(
            **mesh,
            name="energy",
            intensity=np.repeat(np.log10(np.maximum(view.energy, floor)), 12),
            intensitymode="cell",
            colorscale="Viridis",
            reversescale=True,
            colorbar={"title": "log₁₀(energy / GeV)", **scale},
        ),
        go.Mesh3d(
            **mesh,
            name="time",
            intensity=np.repeat(view.time, 12),
            intensitymode="cell",
            colorscale="RdBu",
            reversescale=True,
            cmin=-span,
            cmax=span,
            visible=False,
            colorbar={"title": "time [ns]", **scale},
        ),
        go.Mesh3d(**mesh, name="owner", facecolor=np.repeat(view.colours, 12), visible=False),
    ]
    buttons = [
        {"label": trace.name, "method": "update", "args": [{"visible": [one is trace for one in traces]}]}
        for trace in traces
    ]
    menu = {
        "buttons": buttons,
        "x": 0.01,
        "y": 1.0,
        "xanchor": "left",
        "yanchor": "bottom",
        "type": "buttons",
        "direction": "right",
    }
    axes = {f"{name}axis": {"title": {"text": f"{name} [mm]"}, "backgroundcolor": "#f5f6f8"} for name in "xyz"}
    figure = go.Figure(traces)
    title = {"text": html.escape(view.title), "font": {"size": 15}, "x": 0.01, "y": 0.98, "yanchor": "top"}
    margin = {"l": 0, "r": 0, "b": 0, "t": 100}
    figure.update_layout(
        title=title,
        template="plotly_white",
        updatemenus=[menu],
        margin=margin,
        scene={**axes, "aspectmode": "data", "camera": _camera(view)},
    )
    settings = {"displaylogo": False, "responsive": True}
    write_text(path, figure.to_html(include_plotlyjs=True, default_height="94vh", config=settings))
    return path


def _cells(axes: Axes, x: Array, y: Array, pitch: Array, colours: Array) -> None:
    """Draw a rectangle of a cell's size at each hit."""
    corner = 0.5 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * pitch[[1, 0]]  # (4, 2)
    polygons = np.stack([x, y], axis=1)[:, None] + corner  # (N, 4, 2)
    axes.add_collection(PolyCollection(list(polygons), facecolors=colours, edgecolors="white", linewidths=0.3))


def _window(x: Array, y: Array, energy: Array, pitch: Array) -> float:
    """Half size of the window around the seed: nearly all of the energy, and ten cells at least."""
    order = np.argsort(-energy)
    inside = order[: int(np.searchsorted(np.cumsum(energy[order]), 0.995 * energy.sum())) + 1]
    cell = float(pitch[:2].max())
    return max(float(np.maximum(np.abs(x[inside]), np.abs(y[inside])).max()) + 2.0 * cell, 10.0 * cell)


def _towers(base: Array, height: Array, half: float) -> tuple[Array, Array]:
    """Boxes that stand on ``base``, (N, 3), and point away from the origin: corners (8 N, 3), triangles (12 N, 3)."""
    out = base / np.maximum(np.linalg.norm(base, axis=1, keepdims=True), 1e-9)
    side = np.cross(np.where(np.abs(out[:, 2:]) < 0.99, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]), out)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(out, side)
    ring = np.stack([-side - up, side - up, side + up, -side + up], axis=1) * half  # (N, 4, 3)
    low = base[:, None] + ring
    corners = np.concatenate([low, low + (out * height[:, None])[:, None]], axis=1)  # (N, 8, 3)
    box = np.array(
        [
            [0, 1, 2],
            [0, 2, 3],
            [4, 5, 6],
            [4, 6, 7],
            [0, 1, 5],
            [0, 5, 4],
            [1, 2, 6],
            [1, 6, 5],
            [2, 3, 7],
            [2, 7, 6],
            [3, 0, 4],
            [3, 4, 7],
        ]
    )
    faces = box[None] + 8 * np.arange(len(base))[:, None, None]
    return corners.reshape(-1, 3), faces.reshape(-1, 3)


def _camera(view: EventView) -> dict[str, Any]:
    """Look at the hits from the side, a little from outside."""
    out = view.position[view.energy.argmax()]
    out = out / max(float(np.linalg.norm(out)), 1e-9)
    eye = 1.1 * np.cross([0.0, 0.0, 1.0], out) + 0.7 * out + np.array([0.0, 0.0, 0.9])
    return {"eye": dict(zip("xyz", map(float, eye), strict=True)), "up": {"x": 0.0, "y": 0.0, "z": 1.0}}
