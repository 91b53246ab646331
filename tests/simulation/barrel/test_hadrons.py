"""Hadrons in crystals and towers beside CMS's beam test, muons, and where energy goes."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.detectors.tower_barrel import TowerBarrel
from hitforge.simulation.barrel.hadrons import BarrelDeposits, HadronShowerSettings, calibration, deposit_hadrons

CRYSTALS, TOWERS = CrystalBarrel(CrystalBarrel.Config()), TowerBarrel(TowerBarrel.Config())


def shot(pdg: int, energy: float, count: int = 2000, eta: float = 0.3, seed: int = 1) -> BarrelDeposits:
    rng = np.random.default_rng(seed)
    phi = rng.uniform(-3, 3, count)
    place = np.stack([np.cos(phi), np.sin(phi), np.full(count, np.sinh(eta))], axis=1)
    direction = place / np.linalg.norm(place, axis=1)[:, None]
    return deposit_hadrons(
        CRYSTALS,
        TOWERS,
        HadronShowerSettings(),
        rng,
        np.full(count, pdg),
        np.full(count, energy),
        1290 * place,
        direction,
    )


def sums(found: BarrelDeposits, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Energy in crystals and, calibrated, in towers of each particle."""
    front = found.section == 0
    scale = calibration(TOWERS)
    return (
        np.bincount(found.particle[front], found.energy[front], count),
        scale * np.bincount(found.particle[~front], found.energy[~front], count),
    )


@pytest.mark.parametrize("energy", [10.0, 20.0, 50.0, 100.0])
def test_the_resolution_of_pions_is_what_the_settings_say_and_near_the_beam_test(energy: float) -> None:
    crystals, towers = sums(shot(211, energy))
    total = crystals + towers
    raw = total.std() / total.mean()
    assert raw == pytest.approx(np.hypot(1.09 / np.sqrt(energy), 0.08), rel=0.06)
    part = np.clip((10 * crystals / total).astype(int), 0, 9)
    mean = np.bincount(part, total, 10) / np.maximum(np.bincount(part, minlength=10), 1)
    corrected = (total / mean[part]).std()
    published = np.hypot(0.847 / np.sqrt(energy), 0.074)  # Eur. Phys. J. C 60 (2009) 359, with better corrections
    assert published < corrected < 1.3 * published
    assert corrected < raw


def test_the_response_rises_with_energy_and_is_lower_where_showers_begin_in_crystals() -> None:
    means = [sum(sums(shot(211, energy))).mean() / energy for energy in (2.0, 5.0, 20.0, 100.0, 300.0)]
    assert all(np.diff(means) > 0)
    assert 0.6 < means[0] < 0.85
    assert 0.9 < means[-1] < 1.02
    crystals, towers = sums(shot(211, 50.0))
    late = crystals < 1.0
    assert 0.25 < late.mean() < 0.45  # exp(-1.13) of 1.13 interaction lengths
    whole = (crystals + towers) / 50.0
    assert whole[late].mean() > whole[~late].mean() + 0.02
    assert towers[late].mean() / 50.0 == pytest.approx(0.95, abs=0.06)


def test_muons_leave_a_track_alone() -> None:
    crystals, towers = sums(shot(13, 20.0))
    assert np.median(crystals) == pytest.approx(0.235, rel=0.05)
    assert np.median(towers) / calibration(TOWERS) == pytest.approx(2e-3 * 1036 * np.cosh(0.3), rel=0.05)


def test_neutral_hadrons_leave_no_track_and_baryons_interact_sooner() -> None:
    neutral, charged, proton = (sums(shot(pdg, 5.0))[0] for pdg in (130, 211, 2212))
    assert (neutral == 0).mean() > 0.25
    assert not (charged == 0).any()
    assert (proton < 0.5).mean() < (charged < 0.5).mean()


def test_cells_lie_where_the_particle_flew() -> None:
    found = shot(211, 100.0, eta=0.6)
    front = found.section == 0
    rows, _ = CRYSTALS.grid(found.cell[front])
    mean = np.average((rows + 0.5 - 85) * 0.0174, weights=found.energy[front])
    assert mean == pytest.approx(0.6, abs=0.01)
    rows, _ = TOWERS.grid(found.cell[~front])
    assert np.average((rows + 0.5 - 17) * 0.087, weights=found.energy[~front]) == pytest.approx(0.6, abs=0.02)
    keys = found.particle * 4 + found.section, found.cell
    assert len(np.unique(np.stack(keys), axis=1).T) == len(found.cell)  # each cell once a particle
    assert (np.diff(found.particle) >= 0).all()


def test_nothing_comes_of_nothing_and_the_same_seed_gives_the_same() -> None:
    assert not len(shot(211, 5.0, count=0).cell)
    one, two = shot(211, 5.0, count=50), shot(211, 5.0, count=50)
    np.testing.assert_array_equal(one.energy, two.energy)
