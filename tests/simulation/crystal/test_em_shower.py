import math

import numpy as np
import pytest

from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.simulation.crystal.em_shower import CrystalShowerSettings, deposit_in_crystals


def _barrel(**settings):
    return CrystalBarrel(CrystalBarrel.Config(**settings))


def _shoot(barrel, pdg, energy, count=300, seed=1, eta=0.1, lean=0.0, lift=0.0, **settings):
    """Particles from the origin to random places; ``lean`` turns them in azimuth [rad], ``lift`` in pseudorapidity."""
    rng = np.random.default_rng(seed)
    phi = rng.uniform(-math.pi, math.pi, count)
    eta = eta + barrel.config.eta_pitch * rng.uniform(-0.5, 0.5, count)  # anywhere on a crystal
    z = barrel.config.radius * np.sinh(eta)
    place = np.column_stack([barrel.config.radius * np.cos(phi), barrel.config.radius * np.sin(phi), z])
    fly = eta + lift
    aim = np.column_stack([np.cos(phi + lean), np.sin(phi + lean), np.sinh(fly)]) / np.cosh(fly)[:, None]
    pdg, energy = np.full(count, pdg), np.full(count, float(energy))
    return place, deposit_in_crystals(barrel, CrystalShowerSettings(**settings), rng, pdg, energy, place, aim)


def _offsets(barrel, place, shower):
    """Row and column of each deposit, seen from the exact impact, in crystals."""
    row, column = barrel.grid(shower.cell)
    phi = np.arctan2(place[:, 1], place[:, 0]) / (2 * math.pi) * barrel.grid_shape[1]
    eta = np.arcsinh(place[:, 2] / np.hypot(*place[:, :2].T)) / barrel.config.eta_pitch + barrel.config.rows_per_side
    half = barrel.grid_shape[1] / 2
    around = (column + 0.5 - phi[shower.particle] + half) % barrel.grid_shape[1] - half
    return row + 0.5 - eta[shower.particle], around


@pytest.mark.parametrize("pdg", [11, -11, 22])
@pytest.mark.parametrize("energy", [0.02, 1.0, 50.0])
def test_deposits_and_leakage_sum_to_the_energy(pdg, energy):
    barrel = _barrel()
    _, shower = _shoot(barrel, pdg, energy)
    total = np.bincount(shower.particle, shower.energy, 300) + shower.leaked
    assert total == pytest.approx(np.full(300, energy), rel=1e-5)
    assert (shower.energy > 0).all()
    assert (shower.leaked > -1e-5 * energy).all()
    assert (np.diff(shower.particle) >= 0).all()


def test_each_particle_has_each_cell_once():
    _, shower = _shoot(_barrel(), 11, 50.0)
    pairs = shower.particle * 61_200 + shower.cell
    assert len(np.unique(pairs)) == len(pairs)


def test_what_misses_the_last_row_is_leakage():
    barrel = _barrel()
    _, inside = _shoot(barrel, 11, 50.0, eta=1.40)
    _, edge = _shoot(barrel, 11, 50.0, eta=1.479 - 0.0174 / 2)
    assert inside.leaked.mean() < 2.0
    assert edge.leaked.mean() > 4.0
    assert (edge.cell < barrel.cells).all()


def test_showers_cross_the_seam_of_the_columns():
    barrel = _barrel()
    place = np.array([[barrel.config.radius, -1e-6, 10.0]])
    rng = np.random.default_rng(1)
    aim = place / np.linalg.norm(place)
    shower = deposit_in_crystals(barrel, CrystalShowerSettings(), rng, np.array([11]), np.array([50.0]), place, aim)
    _, column = barrel.grid(shower.cell)
    assert {359, 0} <= set(column.tolist())


def test_a_leaning_particle_drifts_the_way_it_flies():
    barrel = _barrel(tilt=0.0)
    means = []
    for lean in (-0.2, 0.0, 0.2):
        place, shower = _shoot(barrel, 11, 50.0, lean=lean)
        _, around = _offsets(barrel, place, shower)
        means.append((around * shower.energy).sum() / shower.energy.sum())
    # A shower's centre lies some 70 mm deep: 0.2 rad move it by 14 mm, or 0.6 crystals.
    assert means[1] == pytest.approx(0.0, abs=0.05)
    assert means[2] == pytest.approx(-means[0], abs=0.1)
    assert means[2] == pytest.approx(0.6, abs=0.15)


def test_a_particle_that_flies_to_higher_eta_drifts_there():
    barrel = _barrel(tilt=0.0)
    means = []
    for lift in (-0.2, 0.0, 0.2):
        place, shower = _shoot(barrel, 11, 50.0, lift=lift)
        up, _ = _offsets(barrel, place, shower)
        means.append((up * shower.energy).sum() / shower.energy.sum())
    assert means[1] == pytest.approx(0.0, abs=0.05)
    assert means[2] == pytest.approx(-means[0], abs=0.1)
    assert means[2] == pytest.approx(0.6, abs=0.15)


def test_the_tilt_is_mirrored_in_z_and_not_in_azimuth():
    barrel = _barrel()
    drift = {}
    for eta in (-0.5, 0.5):
        place, shower = _shoot(barrel, 11, 50.0, eta=eta)
        up, around = _offsets(barrel, place, shower)
        drift[eta] = [(offset * shower.energy).sum() / shower.energy.sum() for offset in (up, around)]
    assert drift[0.5][0] == pytest.approx(-drift[-0.5][0], abs=0.04)
    assert drift[0.5][0] > 0.08
    assert drift[0.5][1] == pytest.approx(drift[-0.5][1], abs=0.04)
    assert drift[0.5][1] > 0.08


def test_the_field_widens_showers_in_azimuth_only():
    barrel = _barrel(tilt=0.0)
    widths = []
    for spread in (False, True):
        place, shower = _shoot(barrel, 11, 50.0, count=600, field_spreads=spread)
        widths.append([np.average(offset**2, weights=shower.energy) for offset in _offsets(barrel, place, shower)])
    (up, around), (up_field, around_field) = widths
    assert around == pytest.approx(up, rel=0.05)
    assert up_field == pytest.approx(up, rel=0.05)
    assert around_field > 1.15 * around
    assert _shoot(_barrel(field=0.0), 11, 5.0)[1].energy.sum() == pytest.approx(
        _shoot(_barrel(field=0.0), 11, 5.0, field_spreads=False)[1].energy.sum()
    )


def test_same_stream_same_shower_other_stream_another():
    barrel = _barrel()
    first, again, other = (_shoot(barrel, 22, 20.0, count=20, seed=seed)[1] for seed in (3, 3, 4))
    assert np.array_equal(first.cell, again.cell)
    assert np.array_equal(first.energy, again.energy)
    assert not np.array_equal(first.energy, other.energy)


def test_no_particle_no_deposit():
    empty = np.zeros((0, 3))
    shower = deposit_in_crystals(
        _barrel(), CrystalShowerSettings(), np.random.default_rng(1), np.zeros(0), np.zeros(0), empty, empty
    )
    assert len(shower.cell) == len(shower.leaked) == 0
