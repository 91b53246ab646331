"""An event on a surface of cells: a picture in eta and phi, and a page with towers to turn around."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hitforge.core.arrays import Array
from hitforge.core.kinematics import eta, phi, wrap_phi
from hitforge.detectors import GridDetector
from hitforge.events import Events
from hitforge.report.events._outline import outline_of, reach_of
from hitforge.report.events._scene import Scene, by_scale, hit_points, in_groups, outline, prisms, short, view_boxes
from hitforge.report.events._view import (
    LEGEND,
    NOISE_COLOUR,
    named_owners,
    owner_colour,
    owner_groups,
    view_event,
)
from hitforge.report.style import look, new_figure, words

_TOWER = 200.0  # [mm] height of the highest tower


def surface_figure(events: Events, index: int, detector: GridDetector, name: str = "") -> Figure:
    """Draw the hits of an event in eta and phi: by energy, and by owner where the event has links.

    Args:
        events: A sample with hits.
        index: Event to draw.
        detector: Geometry of the cells.
        name: What the event is called; by its number if empty.

    Raises:
        DataError: There is no such event, or it has no hits.
    """
    view = view_event(events, index, detector, name)
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
    return figure


def surface_scene(events: Events, index: int, detector: GridDetector, name: str = "") -> Scene:
    """Return an event to turn around.

    Each hit is a tower on its cell's face that points away from the origin, whose height grows with the logarithm of
    the energy; it tells its energy, time, cell and owner under the pointer. Buttons colour by energy, time or owner.

    Args:
        events: A sample with hits.
        index: Event to show.
        detector: Geometry of the cells.
        name: What the event is called; by its number if empty.

    Raises:
        DataError: There is no such event, or it has no hits.
    """
    view = view_event(events, index, detector, name)
    top = max(float(view.energy.max()), 1e-9)
    floor = max(1e-4 * top, 1e-9)
    level = np.log10(np.maximum(view.energy, floor) / floor)
    height = _TOWER * (0.05 + 0.95 * level / max(float(level.max()), 1e-9))
    low, high = _towers(view.position, height, 0.46 * float(view.pitch[2]))
    told = [("energy", "GeV", short(view.energy)), ("time", "ns", short(view.time)), ("cell", "", view.cell.tolist())]
    span = float(np.quantile(np.abs(view.time), 0.95)) or 1.0
    rims = outline_of(detector)
    every = np.concatenate([low, high]).reshape(-1, 3)
    near = reach_of([], every)
    boxes = [("hits", near + np.array([-1.0, 1.0]) * 0.05 * (near[:, 1] - near[:, 0]).max())]
    boxes += [("detector", reach_of(rims, every))] if rims else []
    parts = [
        hit_points(0.5 * (low + high).mean(axis=1), np.full(len(low), 4.0), told),
        prisms(low, high),
        by_scale(
            "energy", "energy [GeV]", view.energy, "viridis_r", max(float(view.energy.min()), floor), top, log=True
        ),
        by_scale("time", "time [ns]", view.time, "cividis", -span, span),
        in_groups("particle", *owner_groups(view)),
        outline(rims),
        view_boxes(boxes, toward=view.position[view.energy.argmax()]),
    ]
    told_name, _, title = view.title.partition(": ")
    text = (f"{len(view.energy):,} hits, {view.energy.sum():.4g} GeV in all.", named_owners(view))
    return Scene(told_name, title, tuple(one for one in text if one), tuple(part for part in parts if part))


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
    """Lower and upper faces of boxes that stand on ``base``, (N, 3), and point away from the origin: two (N, 4, 3)."""
    out = base / np.maximum(np.linalg.norm(base, axis=1, keepdims=True), 1e-9)
    side = np.cross(np.where(np.abs(out[:, 2:]) < 0.99, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]), out)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    up = np.cross(out, side)
    ring = np.stack([-side - up, side - up, side + up, -side + up], axis=1) * half  # (N, 4, 3)
    low = base[:, None] + ring
    return low, low + (out * height[:, None])[:, None]
