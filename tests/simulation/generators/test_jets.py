"""Jets of known origin: which parton they belong to, and what soft drop leaves of them."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.simulation.generators.jets import (
    JetParticles,
    Jets,
    _nearest,
    _Particles,
    _soft_drop_mass,
    _within,
    generate,
)


def momenta(pt: list[float], eta: list[float], phi: list[float]) -> np.ndarray:
    size, angle = np.array(pt), np.array(phi)
    return np.stack([size * np.cos(angle), size * np.sin(angle), size * np.sinh(eta), size * np.cosh(eta)], axis=1)


def test_a_jet_belongs_to_the_nearest_parton_of_its_collision() -> None:
    jets = momenta([100, 90, 80], [0.0, 1.0, 0.0], [3.1, 0.0, 3.1])
    event = np.array([0, 0, 2])
    partons = _Particles(
        np.array([0, 0, 1, 2]),
        np.array([21, 1, 2, 3]),
        momenta([1, 1, 1, 1], [0.1, 0.0, 0.0, 1.0], [3.1, -3.1, 3.1, 3.1]),
    )
    assert _nearest(event, jets, partons, 0.4).tolist() == [1, -1, -1]  # azimuths meet at pi; 0.083 is nearer than 0.1
    assert _nearest(event, jets, partons, 1.1).tolist() == [1, -1, 3]
    assert _within(event, jets, partons, 0.4).tolist() == [2, 0, 0]
    none = _Particles(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)))
    assert _nearest(event, jets, none, 1.0).tolist() == [-1, -1, -1]
    assert _within(event, jets, none, 1.0).tolist() == [0, 0, 0]


def test_jets_are_chosen_with_their_constituents() -> None:
    counts = np.array([2, 0, 3])
    rows = np.arange(5.0)
    parts = JetParticles(counts, np.tile(rows[:, None], 4), np.arange(5), np.zeros((5, 4)))
    near = JetParticles(counts[::-1], np.tile(rows[:, None], 4), np.arange(5), np.zeros((5, 4)))
    jets = Jets(
        np.array([7, 7, 8]), momenta([3, 4, 5], [0, 0, 0], [0, 1, 2]), rows[:3], np.array([1, 2, 3]), np.zeros((3, 4)),
        parts, near,
    )  # fmt: skip
    chosen = jets.take(np.array([2, 0]))
    assert chosen.parts.counts.tolist() == [3, 2]
    assert chosen.near.pdg.tolist() == [3, 4, 0, 1, 2]
    assert chosen.collision.tolist() == [8, 7]
    assert chosen.parts.pdg.tolist() == [2, 3, 4, 0, 1]
    assert chosen.parts.momentum[:, 3].tolist() == [2, 3, 4, 0, 1]
    assert chosen.pt == pytest.approx([5, 3])
    both = Jets.concatenate([chosen, jets.take(np.array([1]))])
    assert both.parts.counts.tolist() == [3, 2, 0]
    assert both.parton.tolist() == [3, 1, 2]


def test_soft_drop_takes_away_what_is_soft_and_wide() -> None:
    pytest.importorskip("fastjet", reason="needs the extra 'gen'")
    from hitforge.simulation.generators.jets import _fastjet

    hard = momenta([300, 200], [0.0, 0.3], [0.0, 0.0])
    with_soft = np.concatenate([hard, momenta([5], [0.0], [0.7])])
    alone = momenta([100], [0.0], [0.0])
    mass = _soft_drop_mass(_fastjet(), np.array([2, 3, 1]), np.concatenate([hard, with_soft, alone]), 0.8)
    four = hard.sum(axis=0)
    expected = np.sqrt(four[3] ** 2 - (four[:3] ** 2).sum())
    assert mass == pytest.approx([expected, expected, 0.0], abs=1e-3)
    assert _soft_drop_mass(_fastjet(), np.zeros(0, int), np.zeros((0, 4)), 0.8).shape == (0,)


def test_jets_of_w_bosons_hold_both_quarks_and_have_the_mass(capfd: pytest.CaptureFixture[str]) -> None:
    for package in ("pythia8mc", "fastjet"):
        pytest.importorskip(package, reason="needs the extra 'gen'")
    jets = Jets.concatenate(
        [batch for batch, _ in zip(generate("w", 3, (400, 600), 2.0, 0.8, 10.0), range(4), strict=False)]
    )
    assert 10 < len(jets.collision) <= 400  # of 200 collisions, two each at most
    assert 0 <= jets.collision.min() < jets.collision.max() < 200
    assert np.unique(jets.collision, return_counts=True)[1].max() == 2
    assert set(np.unique(np.abs(jets.parton))) == {24}
    assert 70 < np.median(jets.soft_drop_mass) < 90
    start = np.cumsum(jets.parts.counts) - jets.parts.counts
    assert np.add.reduceat(jets.parts.momentum, start) == pytest.approx(jets.momentum, rel=1e-6, abs=1e-6)
    assert jets.pt.min() >= 400
    assert jets.pt.max() < 600
    assert not jets.near.counts.any()
    assert not capfd.readouterr().out  # FastJet has a banner


def test_particles_about_an_axis_are_told_with_their_places() -> None:
    for package in ("pythia8mc", "fastjet"):
        pytest.importorskip(package, reason="needs the extra 'gen'")
    (jets,) = (
        batch for batch, _ in zip(generate("quark", 3, (100, 600), 2.0, 0.4, 1000.0, reach=1.2), range(1), strict=False)
    )
    near, owner = jets.near, np.repeat(np.arange(len(jets.collision)), jets.near.counts)
    assert (near.counts > jets.parts.counts).all()
    axis = jets.momentum[owner]
    turn = np.angle(
        np.exp(1j * (np.arctan2(near.momentum[:, 1], near.momentum[:, 0]) - np.arctan2(axis[:, 1], axis[:, 0])))
    )
    assert np.abs(turn).max() < 1.2
    far = np.hypot(near.vertex[:, 0], near.vertex[:, 1])
    assert (far < 1e-3).mean() > 0.5  # of the collision itself
    assert (far > 10).any()  # of decays in flight
    inside = [
        set(map(tuple, of.momentum.tolist())) for of in (jets.parts.take(np.array([0])), near.take(np.array([0])))
    ]
    assert inside[0] < inside[1]
