"""One event as the numbers that a page draws: hits, colours of hits, lines, and the boxes that can be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex

from hitforge.core.arrays import Array

Part = dict[str, Any]
_SHADES = 48  # colours of a scale


@dataclass(frozen=True)
class Scene:
    """One event to turn around.

    Attributes:
        name: Which event it is, such as "event 3".
        title: What there is in it, in one line.
        text: Further lines.
        notes: What words and lines mean, which who knows them need not see.
        parts: What ``hit_points``, ``in_groups``, ``by_scale``, ``prisms``, ``lines``, ``outline``, ``view_boxes`` and
            ``choices`` return. A page holds equal parts of several events and methods once.
    """

    name: str
    title: str
    text: tuple[str, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Hits of one colour.

    Attributes:
        name: As it stands in the legend.
        colour: ``#rrggbb``, or ``ink`` or ``faint``, which stand out or stand back on white and on black.
        key: What a click in the legend hides has the same key.
    """

    name: str
    colour: str
    key: str


def hit_points(position: Array, size: Array, told: Iterable[tuple[str, str, Sequence[Any]]]) -> Part:
    """Return hits as points.

    Args:
        position: (N, 3) [mm].
        size: Diameter of each, (N,) [CSS pixels].
        told: What stands under the pointer: name, unit, and a value a hit.
    """
    columns = [[name, unit, list(values)] for name, unit, values in told]
    return {"points": {**_places(position), "size": np.rint(10 * size).astype(int).tolist(), "told": columns}}


def prisms(low: Array, high: Array) -> Part:
    """Return what is drawn instead of points: a body a hit, between two faces of n corners, two (N, n, 3) [mm].

    Corners run counter-clockwise, seen from the high face.
    """
    faces = {"low": _places(low.reshape(-1, 3)), "high": _places(high.reshape(-1, 3))}
    return {"prisms": {"n": low.shape[1], **faces}}


def in_groups(name: str, groups: Sequence[Group], of: Array) -> Part:
    """Return a colouring of hits by group.

    Args:
        name: On its button.
        groups: Those without a hit are left out of the legend.
        of: Number of each hit's group, (N,).
    """
    used, of = np.unique(of, return_inverse=True)
    kept = [groups[one] for one in used.tolist()]
    legend = [{"name": one.name, "colour": one.colour, "key": one.key} for one in kept]
    return {"colours": [{"name": name, "of": of.tolist(), "colours": [one.colour for one in kept], "groups": legend}]}


def by_scale(name: str, title: str, values: Array, colours: str, low: float, high: float, log: bool = False) -> Part:
    """Return a colouring of hits by a number.

    Args:
        name: On its button.
        title: Above the scale.
        values: (N,).
        colours: A colour map of matplotlib.
        low: Value of the first colour; above 0 if ``log``.
        high: Value of the last colour.
        log: Whether equal ratios, not differences, are equally far apart.
    """
    value, ends = np.asarray(values, np.float64), np.array([low, high])
    if log:
        value, ends = np.log10(np.maximum(value, low)), np.log10(ends)
    share = (value - ends[0]) / max(float(ends[1] - ends[0]), 1e-12)
    of = np.clip(np.rint(share * (_SHADES - 1)), 0, _SHADES - 1).astype(int)
    shades = [to_hex(colour) for colour in mpl.colormaps[colours](np.linspace(0.0, 1.0, _SHADES))]
    scale = {"title": title, "ends": [f"{low:.3g}", f"{high:.3g}"]}
    return {"colours": [{"name": name, "of": of.tolist(), "colours": shades, "scale": scale}]}


def lines(
    name: str,
    colour: str,
    places: Sequence[Array],
    *,
    kind: str = "",
    key: str = "",
    width: float = 2.0,
    dash: str = "solid",
    dots: float = 0.0,
    text: Sequence[str] = (),
) -> Part:
    """Return lines of one look.

    Args:
        name: As it stands in the legend.
        colour: As of a ``Group``.
        places: Corners of each line, (P, 3) [mm]; those that are not finite part the line.
        kind: Which of ``choices`` shows them; always shown if empty.
        key: As of a ``Group``; by itself the name.
        width: [CSS pixels].
        dash: ``solid``, ``dash`` or ``dot``.
        dots: Radius of a dot at each corner, above 4 a diamond [CSS pixels]; none if 0.
        text: What stands under the pointer, for each line; nothing if empty.
    """
    pieces, told = [], []
    for number, place in enumerate(places):
        for piece in _pieces(np.asarray(place, np.float64)):
            pieces.append(piece)
            told += [text[number]] if len(text) else []
    look = {"name": name, "kind": kind, "key": key or name, "colour": colour, "width": width, "dash": dash}
    return {"lines": [{**look, "dots": dots, "text": told, **_chain(pieces)}]}


def outline(places: Sequence[Array]) -> Part:
    """Return faint lines of the detector, (P, 3) [mm] each."""
    return {"outline": [_chain(places)]} if places else {}


def view_boxes(boxes: Sequence[tuple[str, Array]], toward: Array | None = None) -> Part:
    """Return what can be looked at.

    Args:
        boxes: Name, and least and largest x, y, z, (3, 2) [mm]; the first is shown at first.
        toward: Where given, the first look is from outside at this place, (3,) [mm], a little from the side.
    """
    part: Part = {"views": [{"name": name, "box": np.round(box, 1).tolist()} for name, box in boxes]}
    if toward is not None and np.linalg.norm(toward) > 0:
        x, y, z = toward / np.linalg.norm(toward)
        part["turn"] = [float(np.arctan2(z, x)) - 0.5, float(np.clip(np.arcsin(y) + 0.35, -1.2, 1.2))]
    return part


def choices(rows: Sequence[tuple[str, Iterable[str]]], first: str) -> Part:
    """Return buttons for lines: name, and kinds that are shown; ``first`` names that of the beginning."""
    return {"choices": [{"name": name, "kinds": sorted(kinds)} for name, kinds in rows], "choice": first}


def short(values: Array) -> list[float]:
    """Return numbers with three digits, which are what people read."""
    return [float(f"{value:.3g}") for value in np.asarray(values, np.float64).tolist()]


def _pieces(place: Array) -> list[Array]:
    good = np.isfinite(place).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [place[low:high] for low, high in edges.reshape(-1, 2)]


def _chain(pieces: Sequence[Array]) -> Part:
    ends = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces], dtype=np.int64)])
    return {**_places(np.concatenate(pieces) if pieces else np.zeros((0, 3))), "ends": ends.tolist()}


def _places(place: Array) -> Part:
    """Columns in tenths of a millimetre, which is finer than a screen shows."""
    return {axis: np.rint(10 * place[:, i]).astype(int).tolist() for i, axis in enumerate("xyz")}
