"""Hadrons end by the exponential law of the material that they have passed; leptons do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("acts", reason="the tracker needs pyacts")

from hitforge.acts.material import passive_silicon
from hitforge.simulation.tracker.hadronic import interact
from tests.simulation.tracker.crossings import MODULES, straight

COUNT, STEPS = 20_000, 4
LAYERS = np.unique(MODULES.layer[MODULES.volume == 17])[:1]
ROW = np.flatnonzero(MODULES.layer == LAYERS[0])[0]
OTHER = np.flatnonzero((MODULES.volume == 17) & (MODULES.layer != LAYERS[0]))[0]
BESIDE = np.flatnonzero(MODULES.layer == LAYERS[0])[1]


def made(pdg: int, rows: list[int], slope: float = 0.0):
    """Particles that all cross the same modules, one after the other; their rows are listed backwards."""
    row = np.tile(rows, COUNT)
    lines = straight(row, np.zeros((len(row), 2)), np.tile([slope, 0.0], (len(row), 1)))
    particle, turn = np.repeat(np.arange(COUNT), len(rows)), np.tile(np.arange(len(rows)), COUNT)
    whole = np.zeros(COUNT, np.int64)
    columns = {name: getattr(lines, name)[:COUNT] for name in ("mass", "momentum", "vertex", "delay")}
    lines = replace(
        lines, event=whole, family=np.arange(COUNT), generation=whole, pdg=whole + pdg, charge=np.ones(COUNT),
        particle=particle, turn=turn, **columns,
    )  # fmt: skip
    back = np.arange(len(row))[::-1]
    crossings = ("particle", "of_event", "turn", "module", "place", "flight")
    return replace(lines, **{name: getattr(lines, name)[back] for name in crossings}), row[back]


def survival(pdg: int, rows: list[int], slope: float = 0.0) -> np.ndarray:
    """Share of the particles that come to each of their crossings, (STEPS,)."""
    lines, row = made(pdg, rows, slope)
    left, ended = interact(np.random.default_rng(1), lines, row, MODULES)
    reached = np.bincount(left.turn, minlength=len(rows)) / COUNT
    last = np.bincount(left.particle, minlength=COUNT) == len(rows)
    np.testing.assert_array_equal(ended, ~last)
    return reached


@pytest.mark.parametrize(("pdg", "length"), [(211, 591.4), (-321, 591.4), (2212, 465.2)])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_survival_is_exponential_in_the_thickness(pdg: int, length: float, slope: float) -> None:
    step = (MODULES.thickness[ROW] + passive_silicon()[17]) * np.hypot(1, slope) / length
    expected = np.exp(-step * np.arange(STEPS))
    found = survival(pdg, [ROW, OTHER] * 2, slope)
    assert found[0] == 1
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.03 / COUNT))
    assert (np.diff(found) < 0).all()


def test_overlapping_modules_share_the_rest_of_their_layer() -> None:
    second = survival(2212, [ROW, BESIDE, OTHER])
    step = np.array([MODULES.thickness[ROW] + passive_silicon()[17], MODULES.thickness[BESIDE]]) / 465.2
    np.testing.assert_allclose(second[1:], np.exp(-np.cumsum(step)), atol=4 * np.sqrt(0.03 / COUNT))


@pytest.mark.parametrize("pdg", [11, 13, 22])
def test_leptons_and_photons_go_on(pdg: int) -> None:
    assert (survival(pdg, [ROW, OTHER]) == 1).all()


def test_crossings_without_a_particle_stay() -> None:
    lines, row = made(2212, [ROW, OTHER] * 20)
    left, ended = interact(np.random.default_rng(1), replace(lines, particle=np.full(len(row), -1)), row, MODULES)
    assert len(left.turn) == len(row)
    assert not ended.any()
