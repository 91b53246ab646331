"""What tells electrons from photons must come out of the simulation, and nothing else may."""

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.simulation import SIMULATIONS


def _events(count, detector=None, **settings):
    detector = detector or DETECTORS.build("crystal_barrel", where="test")
    block = {"name": "particle_gun", "train": count, "shard_size": count, **settings}
    return detector, SIMULATIONS.build(block, detector, where="test").shard("train", 0)


def _around(detector, events):
    """Energy-weighted offset from the hottest crystal and spread in azimuth of each event, in crystals."""
    _, column = detector.grid(events.hits["cell"])
    _, seed = detector.grid(events.field("seed_cell"))
    step = (column - seed[events.hits.event] + 180) % 360 - 180.0
    energy = events.hits["energy"]
    total = events.hits.sum(energy)
    mean = events.hits.sum(energy * step) / total
    return mean, np.sqrt(events.hits.sum(energy * step**2) / total - mean**2)


@pytest.fixture(scope="module")
def sample():
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    return _events(1500, pdg=[11, -11, 22])


def test_electrons_spread_in_azimuth_and_whole_photons_do_not(sample):
    detector, events = sample
    _, spread = _around(detector, events)
    pdg, converted = events.field("primary_pdg"), events.field("converted") == 1
    electron, whole, pair = (np.median(spread[m]) for m in (pdg == 11, (pdg == 22) & ~converted, converted))
    assert electron > 1.2 * whole
    assert pair > 1.2 * whole


def test_electron_and_positron_are_mirror_images(sample):
    """Beside the crystals' tilt, which moves all alike, opposite charges are moved as far to opposite sides."""
    detector, events = sample
    energy, hits = events.hits["energy"], events.hits
    phi = np.arctan2(hits.sum(energy * hits["y"]), hits.sum(energy * hits["x"]))
    shift = (phi - events.field("phi") + np.pi) % (2 * np.pi) - np.pi
    pdg = events.field("primary_pdg")
    electron, positron, photon = (np.median(shift[pdg == kind]) for kind in (11, -11, 22))
    assert electron - photon > 8e-3  # a negative charge turns counter-clockwise
    assert electron - photon == pytest.approx(photon - positron, rel=0.15)
    _, spread = _around(detector, events)
    widths = [np.median(spread[pdg == kind]) for kind in (11, -11)]
    assert widths[0] == pytest.approx(widths[1], rel=0.1)


def test_without_tracker_and_noise_only_depth_tells_them_apart():
    detector, events = _events(1000, tracker_material="none", readout={"noise": 0.0})
    _, spread = _around(detector, events)
    electron = events.field("primary_pdg") == 11
    assert np.median(spread[electron]) == pytest.approx(np.median(spread[~electron]), rel=0.06)


def test_azimuth_is_not_special():
    _, events = _events(2000, tracker_material="none")
    response = events.hits.sum(events.hits["energy"]) / events.field("energy")
    quarter = np.floor((events.field("phi") + np.pi) / (np.pi / 2)).astype(int)
    means = [response[quarter == q].mean() for q in range(4)]
    assert max(means) - min(means) < 0.004


def test_both_ends_of_the_barrel_are_alike():
    detector, events = _events(2000, tracker_material="none")
    _, spread = _around(detector, events)
    forward = events.field("eta") > 0
    assert spread[forward].mean() == pytest.approx(spread[~forward].mean(), rel=0.03)
    counts = events.hits.counts
    assert counts[forward].mean() == pytest.approx(counts[~forward].mean(), rel=0.03)


def test_the_energy_resolution_is_that_of_a_crystal_calorimeter():
    """A few per cent / sqrt(E), and noise: one per cent at 50 GeV."""
    _, events = _events(800, tracker_material="none", eta=[-0.3, 0.3], readout={"kind": "supercluster"})
    response = events.hits.sum(events.hits["energy"]) / events.field("energy")
    middle = np.median(response)
    width = np.median(np.abs(response - middle)) * 1.4826
    assert 0.95 < middle < 1.0
    assert 0.004 < width / middle < 0.015
