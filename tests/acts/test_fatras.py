from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

pytest.importorskip("acts", reason="Fatras needs pyacts")

from hitforge.acts import fatras
from hitforge.acts.geometry import magnetic_field, tracking_geometry
from hitforge.core.errors import RunError
from hitforge.detectors import DETECTORS
from hitforge.simulation.generators.gun import gun

DETECTOR = DETECTORS.build("silicon_barrel_endcap", where="test")


def test_what_is_sent_comes_back_with_its_crossings(capfd: pytest.CaptureFixture[str]) -> None:
    sent = gun(np.random.default_rng(1), 3, 7, (211, -211), (1.0, 5.0), False, (-2.0, 2.0), (0.01, 50.0))
    made = fatras.crossings(sent, DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)
    first = made.generation == 0
    assert first.sum() == 21
    np.testing.assert_array_equal(made.event[first], sent.event)
    np.testing.assert_array_equal(made.pdg[first], sent.pdg)
    np.testing.assert_allclose(made.momentum[first], sent.momentum, rtol=1e-6)
    np.testing.assert_allclose(made.vertex[first], sent.vertex, atol=1e-5)
    assert (made.particle >= 0).all()
    np.testing.assert_array_equal(made.event[made.particle], made.of_event)
    row = DETECTOR.row(made.module)
    away = np.einsum("ni,ni->n", made.place - DETECTOR.modules.centre[row], DETECTOR.modules.axes[row, 2])
    np.testing.assert_allclose(away, 0, atol=1e-3)
    assert capfd.readouterr() == ("", "")


def test_times_of_production_are_kept() -> None:
    sent = gun(np.random.default_rng(1), 1, 2, (13,), (1.0, 5.0), False, (-2.0, 2.0), (0.01, 50.0))
    sent.delay[:] = 100.0, 200.0
    made = fatras.crossings(sent, DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)
    np.testing.assert_allclose(made.delay, [100, 200])


def test_events_without_particles_stay() -> None:
    made = fatras.crossings(fatras.no_primaries(2), DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)
    assert len(made.event) == len(made.module) == 0


def test_error_of_acts_is_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fatras, "_BARCODE", ("pv", "sv"))
    with pytest.raises(RunError, match="ACTS must simulate the events; got: Missing header column"):
        fatras.crossings(fatras.no_primaries(1), DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)


def _run(count: int, seed: int = 3, pdg: int = 22) -> tuple[np.ndarray, np.ndarray]:
    momentum = np.tile([40.0, 30.0, 10.0], (count, 1))
    vertex = np.tile([1.0, 2.0, 3.0], (count, 1))
    kind, charge = np.full(count, pdg), np.full(count, 0.0 if pdg == 22 else -1.0)
    mass = np.full(count, 0.0 if pdg == 22 else 0.51099895e-3)
    geometry, field = tracking_geometry()[1], magnetic_field(3.8)
    return fatras.states(kind, charge, mass, momentum, vertex, geometry, field, 0.02, seed)


def test_each_particle_comes_back_with_its_number_and_its_initial_state() -> None:
    numbers, states = _run(1100)  # three batches
    first = numbers[:, 1] == 0
    assert sorted(numbers[first, 0].astype(int).tolist()) == list(range(1100))
    assert states[first, 0] == pytest.approx(np.tile([1.0, 2.0, 3.0, 0.0], (1100, 1)))
    assert states[first, 1] == pytest.approx(np.tile([40.0, 30.0, 10.0, np.sqrt(2600.0)], (1100, 1)), rel=1e-6)
    assert set(numbers[:, 2].astype(int).tolist()) <= {11, -11, 22}


def test_secondaries_name_their_process_and_charge() -> None:
    numbers, _ = _run(400)
    pair = numbers[:, 3] == 2
    assert pair.any()
    assert (np.abs(numbers[pair, 4]) == 1).all()
    assert (numbers[pair, 2] == -11 * numbers[pair, 4]).all()


def test_nothing_of_a_run_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are made shard by shard for hours: what one run holds must go with it."""
    gun_class, collect_class = fatras._algorithms()
    held = []

    def collect() -> object:
        held.append(weakref.ref(made := collect_class()))
        return made

    monkeypatch.setattr(fatras, "_algorithms", lambda: (gun_class, collect))
    _run(10)
    gc.collect()
    assert held[0]() is None
