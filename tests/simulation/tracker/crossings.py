"""Crossings of sensors, made by hand."""

from __future__ import annotations

import numpy as np

from hitforge.acts.fatras import Crossings
from hitforge.detectors import DETECTORS

MODULES = DETECTORS.build("silicon_barrel_endcap", where="test").modules


def straight(row: np.ndarray, local: np.ndarray, slope: np.ndarray | None = None) -> Crossings:
    """One particle of 10 GeV for each crossing, at (u, v) of a sensor, with slopes du/dw and dv/dw."""
    count = len(row)
    slope = np.zeros((count, 2)) if slope is None else slope
    flight = np.concatenate([slope, np.ones((count, 1))], axis=1)
    flight *= 10 / np.linalg.norm(flight, axis=1, keepdims=True)
    axes, zero, whole = MODULES.axes[row], np.zeros(count), np.zeros(count, np.int64)
    place = MODULES.centre[row] + np.einsum("ni,nij->nj", local, axes[:, :2])
    momentum = np.einsum("ni,nij->nj", flight, axes)
    return Crossings(
        event=whole, family=np.arange(count), generation=whole, pdg=whole + 211, charge=zero + 1, mass=zero + 0.13957,
        turn=whole, momentum=momentum, vertex=np.zeros((count, 3)), delay=zero, particle=np.arange(count),
        of_event=whole, module=MODULES.number[row], place=place, flight=momentum,
    )  # fmt: skip
