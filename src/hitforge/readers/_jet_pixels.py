"""Jets as pixels about their axis: sparse as they are read, dense as they are written."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.events import Events
from hitforge.events.jets import about_axis, is_charged


@dataclass
class Pixels:
    """Lit pixels of jets.

    Attributes:
        event: Number of each pixel's jet, (rows,) int64.
        pt: What it holds, (rows,) [GeV].
        eta: Where it is, from the middle of the image, (rows,).
        phi: The same in azimuth, (rows,) [rad].
        pdg: What it is taken for, (rows,) int64.
        d0: Impact parameter across the beam, (rows,) [mm].
        z0: The same along the beam, (rows,) [mm].
        dropped: What pixels hold that are left out, (jets,) [GeV].
        stray: Pixels with an impact parameter but without a track, (jets,).
    """

    event: Array
    pt: Array
    eta: Array
    phi: Array
    pdg: Array
    d0: Array
    z0: Array
    dropped: Array
    stray: Array

    @classmethod
    def merge(cls, parts: list[Self]) -> Self:
        """Return the pixels of the same jets in several channels, jet by jet."""
        event = np.concatenate([part.event for part in parts])
        order = np.argsort(event, kind="stable")
        columns = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in _ROWS}
        dropped, stray = (np.sum([getattr(part, of) for part in parts], axis=0) for of in ("dropped", "stray"))
        return cls(**columns, dropped=dropped, stray=stray)

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """Append jets."""
        first = np.cumsum([0, *(len(part.dropped) for part in parts[:-1])])
        columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        columns["event"] = np.concatenate([part.event + start for part, start in zip(parts, first, strict=True)])
        return cls(**columns)


_ROWS = ("event", "pt", "eta", "phi", "pdg", "d0", "z0")


@dataclass(frozen=True)
class Images:
    """Dense images of jets.

    Attributes:
        values: (jets, channels, rows, columns) float32: transverse momenta of charged constituents, of photons and of
            other neutral ones [GeV], with d0 and z0 [mm] behind the first where they were asked for.
        outside: Constituents beyond the image, and their transverse momentum [GeV].
        shared: Constituents that share a pixel of their channel with a harder one.
    """

    values: Array
    outside: tuple[int, float]
    shared: int


def images_of(events: Events, size: int, pitch: float, impact: bool) -> Images:
    """Return images about the axes of jets, one an event.

    Args:
        events: With ``jets``, one each, and ``constituents``.
        size: Rows and columns, in pseudorapidity and azimuth.
        pitch: Edge of a pixel.
        impact: Whether impact parameters of each pixel's hardest track are to be channels.
    """
    parts = events.constituents
    event, kind, charged = parts.event, np.abs(parts["pdg"]), is_charged(parts)
    pt, deta, dphi = about_axis(events)
    row, column = np.floor(deta / pitch + size / 2), np.floor(dphi / pitch + size / 2)
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    behind = 2 if impact else 0
    channel = np.where(charged, 0, np.where(kind == 22, 1 + behind, 2 + behind))
    values = np.zeros((len(events), 3 + behind, size, size), np.float32)
    rising = np.flatnonzero(inside)[np.argsort(pt[inside], kind="stable")]  # the hardest is written last
    at = event[rising], channel[rising], row[rising].astype(np.int64), column[rising].astype(np.int64)
    np.add.at(values, at, pt[rising])
    if impact:
        track = channel[rising] == 0
        owner, _, i, j = (of[track] for of in at)
        for number, name in ((1, "d0"), (2, "z0")):
            values[owner, number, i, j] = parts[name][rising[track]]
    shared = len(rising) - len(np.unique(np.ravel_multi_index(at, values.shape)))
    return Images(values, (int((~inside).sum()), float(pt[~inside].sum())), shared)


@njit(nogil=True, cache=True)
def lit_pixels(images, channel, unit, threshold, lowest):  # type: ignore[no-untyped-def]
    """Return the pixels of a channel above a threshold, and what the others hold.

    Args:
        images: (N, channels, rows, columns) of any numbers.
        channel: Which one.
        unit: Of a pixel of value 1 [GeV].
        threshold: Pixels up to it are left out [GeV].
        lowest: Pixels below it are wrong [GeV]; NaN allows any.

    Returns:
        Event, row, column and value [GeV] of each, (K,); sum of the others, (N,) [GeV]; and the first event with a
        value that is not finite, and with one that is too low, -1 for none.
    """
    events, _, rows, columns = images.shape
    count, unreal, low = 0, -1, -1
    for event in range(events):
        for row in range(rows):
            for column in range(columns):
                value = images[event, channel, row, column] * unit
                if value > threshold:
                    count += 1
                if unreal < 0 and not np.isfinite(value):
                    unreal = event
                elif low < 0 and value < lowest:
                    low = event
    at_event, at_row, at_column = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    values, dropped = np.empty(count), np.zeros(events)
    used = 0
    for event in range(events):
        for row in range(rows):
            for column in range(columns):
                value = images[event, channel, row, column] * unit
                if value > threshold:
                    at_event[used], at_row[used], at_column[used], values[used] = event, row, column, value
                    used += 1
                elif value != 0.0:
                    dropped[event] += value
    return at_event, at_row, at_column, values, dropped, unreal, low
