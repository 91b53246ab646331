import gc
import weakref

import numpy as np
import pytest

pytest.importorskip("acts", reason="Fatras needs pyacts")

from hitforge.simulation.stages import fatras


def _run(count, seed=3, pdg=22):
    momentum = np.tile([40.0, 30.0, 10.0], (count, 1))
    vertex = np.tile([1.0, 2.0, 3.0], (count, 1))
    kind, charge = np.full(count, pdg), np.full(count, 0.0 if pdg == 22 else -1.0)
    return fatras.run(kind, charge, momentum, vertex, seed, "generic", 1.0, 0.02, 3.8)


def test_each_particle_comes_back_with_its_number_and_its_initial_state():
    numbers, states = _run(1100)  # three batches
    first = numbers[:, 1] == 0
    assert sorted(numbers[first, 0].astype(int).tolist()) == list(range(1100))
    assert states[first, 0] == pytest.approx(np.tile([1.0, 2.0, 3.0, 0.0], (1100, 1)))
    assert states[first, 1] == pytest.approx(np.tile([40.0, 30.0, 10.0, np.sqrt(2600.0)], (1100, 1)), rel=1e-6)
    assert set(numbers[:, 2].astype(int).tolist()) <= {11, -11, 22}


def test_secondaries_name_their_process_and_charge():
    numbers, _ = _run(400)
    pair = numbers[:, 3] == 2
    assert pair.any()
    assert (np.abs(numbers[pair, 4]) == 1).all()
    assert (numbers[pair, 2] == -11 * numbers[pair, 4]).all()


def test_nothing_of_a_run_stays_in_memory(monkeypatch):
    """Samples are made shard by shard for hours: what one run holds must go with it."""
    gun_class, collect_class = fatras._algorithms()
    held = []

    def collect():
        held.append(weakref.ref(made := collect_class()))
        return made

    monkeypatch.setattr(fatras, "_algorithms", lambda: (gun_class, collect))
    _run(10)
    gc.collect()
    assert held[0]() is None
