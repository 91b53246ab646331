"""Real hits of the CMS endcaps: whole events without truth are counted, and muons of a pair are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.baselines import BASELINES, Baseline
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.metrics import METRICS, Predictions
from hitforge.objects.shower.matching import match_showers
from hitforge.readers import READERS
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import TASKS
from tests.targets import target

HGCAL = DETECTORS.build("hgcal", where="test")
ENDCAPS = "hgcal/hgcalml_np_feat.parquet"
MUONS = "hgcal/partGun_PDGid13_x2_E35.0To35.0_NTUP_1.root"
# hits of one MIP through all layers: clusters of one hit begin and continue showers
TRACKS = {
    "link_density": 0.01, "link_distance": 20.0, "link_seed": 3.0, "link_layers": 20, "min_energy": 1.0,
    "min_deposited": 1.0,
}  # fmt: skip


def read(public_data: Path, file: str, **settings: Any) -> Events:
    path = public_data / file
    if not path.exists():
        pytest.skip(f"{file} is not below HITFORGE_DATA")
    return READERS.build({"name": "cms_hgcal", "path": str(path), **settings}, HGCAL, where="test").shard("test", 0)


def fitted(events: Events, name: str, min_deposited: float = 3.0, **settings: Any) -> Baseline:
    """A classical algorithm with the settings given, calibrated on simulated events."""
    task = TASKS.build("detect_showers", HGCAL, target("shower", HGCAL, min_deposited=min_deposited), where="test")
    made = BASELINES.build({"name": name, "scan_events": 0, **settings}, HGCAL, task, where="test")
    made.fit(lambda: iter([events]), lambda: iter([]), 1, Progress())
    return made


@pytest.fixture(scope="module")
def several() -> Events:
    block = {"name": "multi_shower_gun", "train": 30, "validation": 0, "test": 0, "seed": 2}
    return SIMULATIONS.build(block, HGCAL, where="test").shard("train", 0)


@pytest.fixture(scope="module")
def muons() -> Events:
    """Simulated muons of 35 GeV."""
    block = {
        "name": "shower_gun",
        "pdg": [13],
        "energy": [35, 35],
        "window": 300,
        "train": 40,
        "validation": 0,
        "test": 0,
    }
    return SIMULATIONS.build(block, HGCAL, where="test").shard("train", 0)


@pytest.mark.parametrize("name", ["clue", "dbscan", "seeded_cone"])
def test_endcaps_full_of_pile_up_are_counted(public_data: Path, several: Events, name: str) -> None:
    events = read(public_data, ENDCAPS, limit=3)
    assert "links" not in events.collections
    found = fitted(several, name).find(events)
    assert found.parameters is not None
    tables = match_showers(events, found.members, found.parameters, HGCAL)
    assert set(tables) == {"showers", "members"}
    showers, members, hits = tables["showers"], tables["members"], events.hits
    assert all(np.isfinite(values).all() for values in showers.columns.values())
    share = np.bincount(hits.offsets[members.event] + members["hit"], members["weight"], hits.rows)
    assert share.max() <= 1 + 1e-5
    whole = hits.sum(hits["energy"].astype(np.float64))
    raw = showers.sum(showers["raw"])
    np.testing.assert_allclose(raw, hits.sum(hits["energy"] * share), rtol=1e-5)
    assert (raw <= whole * (1 + 1e-5)).all()
    assert (raw > 0.3 * whole).all()  # of some 6 TeV in an endcap most lies in showers
    assert (showers.counts > 20).all()
    values = METRICS.build("object_counts", where="test").compute(Predictions({}, tables=tables), 1).values
    assert all(np.isfinite([one.value, one.low, one.high]).all() for one in values.values())
    assert values["hit_energy_per_event"].value == pytest.approx(raw.mean())


def best(events: Events, finder: Baseline) -> tuple[np.ndarray, np.ndarray]:
    """The greatest energy-weighted IoU of each particle with a shower, (P,), and the number of showers, (N,)."""
    found = finder.find(Events({"hits": events.hits}))  # nothing but hits is shown
    assert found.parameters is not None
    tables = match_showers(events, found.members, found.parameters, HGCAL, min_energy=1.0)
    matches, particles = tables["matches"], tables["particles"]
    result = np.zeros(particles.rows)
    owner = particles.offsets[matches.event] + matches["particle"]
    np.maximum.at(result, owner, matches["shared"] / matches["union"])
    return result, tables["showers"].counts


def test_both_muons_of_a_pair_are_found_in_noise(public_data: Path, muons: Events) -> None:
    events = read(public_data, MUONS, endcaps="split")
    assert np.abs(events.particles["pdg"]).tolist() == [13] * 4  # one in each endcap, with some 50 hits among 15,700
    overlap, count = best(events, fitted(muons, "clue", **TRACKS))
    assert len(overlap) == 4
    assert (overlap > 0.8).all()
    assert count.tolist() == [1, 1, 1, 1]  # and nothing else


def test_the_same_settings_find_simulated_muons(muons: Events) -> None:
    overlap, count = best(muons, fitted(muons, "clue", **TRACKS))
    assert len(overlap) == 40
    assert (overlap > 0.5).mean() > 0.75
    assert count.max() <= 2


def test_usual_settings_are_not_made_for_muons(public_data: Path, muons: Events) -> None:
    events = read(public_data, MUONS, endcaps="split")
    overlap, _ = best(events, fitted(muons, "clue", min_deposited=0.5, min_energy=1.0, link_density=0.6))
    assert (overlap < 0.5).sum() >= 2
