"""What guns at calorimeters of layers share: memory, pile-up a few events at a time, columns of particles."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.core.particles import masses
from hitforge.simulation._layered_gun import READ_FIELDS, particle_columns
from hitforge.simulation.layered.pileup import overlay
from tests.simulation.shower_guns import SMALL_POOL, gun, shard


def test_whole_detector_with_pileup_is_read_a_few_events_at_a_time(monkeypatch):
    settings = {"pdg": [11], "train": 6, "shard_size": 6, "pileup": SMALL_POOL, "readout": {"noise": 0.0}}
    events = shard(**settings)
    assert events.hits.counts.min() > 50
    assert set(np.sign(events.hits["z"])) == {-1.0, 1.0}
    monkeypatch.setattr("hitforge.simulation._layered_gun._OVERLAID", 1.0)  # one event at a time
    again = shard(**settings)
    assert np.array_equal(again.field("interactions"), events.field("interactions"))
    assert np.array_equal(again.field("deposited"), events.field("deposited"))
    assert again.hits.rows == pytest.approx(events.hits.rows, rel=0.5)  # the interactions themselves are other ones


def test_pileup_of_the_whole_detector_takes_bounded_memory(monkeypatch):
    held, limit = [], 400_000

    def recorded(*arguments):
        cells = overlay(*arguments)
        held.append(len(cells.cell))
        return cells

    monkeypatch.setattr("hitforge.simulation._layered_gun.overlay", recorded)
    monkeypatch.setattr("hitforge.simulation._layered_gun._OVERLAID", limit)
    pileup = {"mu": 60.0, "pool": 12}
    events = shard(pdg=[11], train=12, shard_size=12, pileup=pileup, readout={"noise": 0.0})
    assert sum(held) > 2 * limit
    assert len(held) > 3
    assert max(held) < 2 * limit
    assert events.hits.counts.min() > 10_000


def test_columns_of_particles_are_on_their_mass_shell():
    pdg, energy = np.array([11, -211, 22, 13]), np.array([5.0, 20.0, 7.0, 40.0])
    flight = np.array([[0.0, 0.0, 1.0], [0.6, 0.0, -0.8], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    vertex = np.arange(12.0).reshape(4, 3)
    columns = particle_columns(pdg, energy, flight, vertex)
    momentum = np.stack([columns[name] for name in ("px", "py", "pz")], 1)
    size = np.linalg.norm(momentum, axis=1)
    np.testing.assert_allclose(energy**2 - size**2, masses(pdg, 5) ** 2, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(momentum / size[:, None], flight, atol=1e-12)
    assert columns["charge"].tolist() == [-1, -1, 0, -1]
    assert np.stack([columns[f"v{axis}"] for axis in "xyz"], 1).tolist() == vertex.tolist()
    assert (set(columns["time"]), set(columns["parent"])) == ({0.0}, {-1.0})


def test_a_shard_that_does_not_fit_says_which_would():
    settings = {"train": 5000, "shard_size": 5000, "pileup": {"mu": 200}}
    with pytest.raises(ConfigError, match="a shard must fit into 4 GiB") as caught:
        gun(**settings)
    size = int(str(caught.value).rpartition("shard_size of at most ")[2].partition(",")[0])
    assert 1 <= size < 5000
    gun(**{**settings, "shard_size": size})


def test_fields_of_the_read_out_are_counted_in_the_hits():
    events = shard(window=150, train=10, shard_size=10)
    assert READ_FIELDS.keys() <= events.fields.keys()
    assert events.field("kept_cells").tolist() == events.hits.counts.tolist()
    assert not events.field("interactions").any()
