from __future__ import annotations

import numpy as np

from hitforge.simulation.tracker.clusters import clustered, deposits
from tests.simulation.tracker.crossings import MODULES, straight

PIXEL = int(np.flatnonzero(MODULES.volume == 8)[0])
PITCH = np.array([0.05, 0.05625])


def clusters(local: list[list[float]], slope: list[list[float]], threshold: float = 1e-6, row: int = PIXEL) -> object:
    rows = np.full(len(local), row)
    crossings = straight(rows, np.array(local), np.array(slope))
    return clustered(np.random.default_rng(1), MODULES, crossings, rows, np.ones(len(rows), bool), threshold, 0.0)


def test_upright_particle_lights_the_channel_that_it_meets() -> None:
    made = clusters([[0.51 * 0.05, 0.3 * 0.05625]], [[0.0, 0.0]])
    assert made.size.tolist() == [[1, 1, 1]]
    np.testing.assert_allclose([made.u[0], made.v[0]], 0.5 * PITCH, atol=1e-9)
    assert 3e-5 < made.charge[0] < 2e-4
    assert (made.particle.tolist(), made.weight.tolist()) == ([0], [1.0])


def test_inclined_particle_lights_a_row_of_channels_and_keeps_its_place() -> None:
    slope = 5 * 0.05 / 0.15  # five channels wide
    made = clusters([[0.025, 0.02]], [[slope, 0.0]])
    assert made.size.tolist() == [[5, 1, 5]]
    np.testing.assert_allclose(made.u[0], 0.025, atol=1e-6)


def test_energy_is_shared_by_length() -> None:
    made = clusters([[0.0, 0.02], [0.0125, 1.0]], [[0.05 / 0.15, 0.0], [0.05 / 0.15, 0.0]])
    order = np.argsort(made.v)
    np.testing.assert_allclose(made.u[order], [0.0, 0.0125], atol=1e-7)  # shares 1/2 and 1/2, 1/4 and 3/4


def test_close_particles_merge_and_share_the_cluster() -> None:
    made = clusters([[0.02, 0.02], [0.07, 0.07], [3.0, 3.0]], [[0.0, 0.0]] * 3)
    assert len(made) == 2
    assert sorted(made.size[:, 2].tolist()) == [1, 2]
    shared = np.flatnonzero(made.size[:, 2] == 2)[0]
    mine = made.measurement == shared
    assert made.particle[mine].tolist() == [0, 1]
    np.testing.assert_allclose(made.weight[mine].sum(), 1)
    np.testing.assert_allclose(made.weight.sum(), 2)


def test_threshold_takes_clusters_away() -> None:
    assert len(clusters([[0.02, 0.02]], [[0.0, 0.0]], threshold=1e-3)) == 0


def test_no_crossings_give_no_clusters() -> None:
    none = straight(np.zeros(0, np.int64), np.zeros((0, 2)))
    row = np.zeros(0, np.int64)
    made = clustered(np.random.default_rng(1), MODULES, none, row, np.zeros(0, bool), 1e-6, 1e-7)
    assert len(made) == len(made.particle) == 0


def test_all_sensors_measure_within_a_channel() -> None:
    random = np.random.default_rng(3)
    row = np.arange(0, len(MODULES), 7)
    local, slope = random.uniform(-7, 7, (len(row), 2)), random.uniform(-1, 1, (len(row), 2))
    made = clustered(random, MODULES, straight(row, local, slope), row, np.ones(len(row), bool), 1e-7, 0.0)
    assert len(made) == len(row)
    order = np.argsort(made.row)
    np.testing.assert_array_equal(made.row[order], row)
    for measured, true, pitch in (
        (made.u[order], local[:, 0], MODULES.pitch_u[row]), (made.v[order], local[:, 1], MODULES.pitch_v[row]),
    ):  # fmt: skip
        assert (np.abs(measured - true) <= 0.76 * pitch).all()


def test_deposits_of_minimum_ionising_particles() -> None:
    path, speed = np.full(50_000, 0.3), np.full(50_000, 3.5)
    energy = deposits(np.random.default_rng(1), path, speed)
    counts, edges = np.histogram(energy, bins=60, range=(5e-5, 2e-4))
    assert 7.2e-5 < edges[counts.argmax()] < 8.8e-5  # 300 um of silicon: about 80 keV
    assert energy.mean() > np.median(energy)
    slow = deposits(np.random.default_rng(1), path, speed * 0.2)
    assert slow.mean() > 2 * energy.mean()
