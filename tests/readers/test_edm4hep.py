from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.readers import edm4hep
from hitforge.readers.edm4hep import Edm4hep, layer_bits

CLOUD = DETECTORS.build("point_cloud", where="test")
CLIC = "system:5,side:-2,module:8,stave:4,layer:9,submodule:4,x:32:-16,y:-16"


class FakeTree:
    """Two events in the podio layout: a hit of two particles in one collection, a hit without truth in another."""

    def __init__(self, changed: dict[str, Any] | None = None) -> None:
        calo, digi = "ECal", "Digi"
        self.columns: dict[str, tuple[list[Any], list[int]]] = {
            f"{calo}/{calo}.cellID": ([3 | 4 << 5, (1 << 63) + 1], [1, 1]),
            f"{calo}/{calo}.energy": ([4e-3, 1e-3], [1, 1]),
            **{f"{calo}/{calo}.position.{key}": ([1.0, 2.0], [1, 1]) for key in "xyz"},
            f"{calo}/{calo}.contributions_begin": ([0, 0], [1, 1]),
            f"{calo}/{calo}.contributions_end": ([3, 0], [1, 1]),
            "ECalContributions/ECalContributions.energy": ([1e-3, 2e-3, 1e-3], [3, 0]),
            "ECalContributions/ECalContributions.time": ([10.0, 20, 10], [3, 0]),
            "ECalContributions": ([], []),
            "_ECal_contributions/_ECal_contributions.index": ([0, 1, 2], [3, 0]),
            "_ECalContributions_particle/_ECalContributions_particle.index": ([0, 1, 0], [3, 0]),
            "_ECal_contributions": ([], []),
            "_ECalContributions_particle": ([], []),
            f"{digi}/{digi}.cellID": ([7], [0, 1]),
            f"{digi}/{digi}.energy": ([2.0], [0, 1]),
            f"{digi}/{digi}.time": ([3.0], [0, 1]),
            **{f"{digi}/{digi}.position.{key}": ([5.0], [0, 1]) for key in "xyz"},
            "MCParticles/MCParticles.PDG": ([22, 11, 11], [2, 1]),
            "MCParticles/MCParticles.generatorStatus": ([1, 0, 1], [2, 1]),
            **{f"MCParticles/MCParticles.{key}": ([0.0, 0, 0], [2, 1]) for key in ("charge", "time", "mass")},
            **{f"MCParticles/MCParticles.vertex.{key}": ([0.0, 0, 0], [2, 1]) for key in "xyz"},
            **{f"MCParticles/MCParticles.momentum.{key}": ([0.0, 1, 0], [2, 1]) for key in "xy"},
            "MCParticles/MCParticles.momentum.z": ([10.0, 50, 20], [2, 1]),
            "MCParticles/MCParticles.parents_begin": ([0, 0, 0], [2, 1]),
            "MCParticles/MCParticles.parents_end": ([0, 1, 0], [2, 1]),
            "_MCParticles_parents/_MCParticles_parents.index": ([0], [1, 0]),
            "_MCParticles_parents": ([], []),
            **(changed or {}),
        }

    def __enter__(self) -> FakeTree:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def __len__(self) -> int:
        return 2

    def __contains__(self, branch: str) -> bool:
        return self.columns.get(branch) is not None

    def types(self) -> dict[str, str]:
        digitised, simulated = "vector<edm4hep::CalorimeterHitData>", "vector<edm4hep::SimCalorimeterHitData>"
        return {"ECal": simulated, "Digi": digitised, "MCParticles": "vector<edm4hep::MCParticleData>"}

    def need(self, *branches: str) -> None:
        assert set(branches) <= set(self.columns)

    def flat(self, branch: str) -> tuple[np.ndarray, np.ndarray]:
        values, counts = self.columns[branch]
        return np.array(values, np.uint64 if "cellID" in branch else None), np.array(counts, np.int64)


def build(path: Path | str, **values: Any) -> Edm4hep:
    return Edm4hep(Edm4hep.Config.read({"path": str(path), **values}, where="test"), CLOUD)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A path, and a function that sets what stands in the tree there."""
    (tmp_path / "a.root").write_bytes(b"root")

    def use(**changed: Any) -> Path:
        monkeypatch.setattr(edm4hep, "Tree", lambda *_: FakeTree(changed))
        return tmp_path / "a.root"

    return use


def test_contributions_become_times_and_shares(fake: Any) -> None:
    events = build(fake(), encoding=CLIC, energy_scale=10).shard("test", 0).check()
    hits, links = events.hits, events.links
    assert hits.counts.tolist() == [1, 1]
    np.testing.assert_allclose(hits["energy"], [0.04, 0.01], rtol=1e-6)
    np.testing.assert_allclose(hits["time"], [15, 0])  # weighted by energy; none without contributions
    assert hits["cell"].tolist() == [3 | 4 << 5, 1]  # the highest bit is left out
    assert links.counts.tolist() == [2, 0]
    assert dict(zip(links["particle"].tolist(), links["weight"].tolist(), strict=True)) == {0: 0.5, 1: 0.5}
    assert events.particles["parent"].tolist() == [-1, 0, -1]
    assert events.field("primary_pdg").tolist() == [22, 11]  # stable, not the most energetic of all
    np.testing.assert_allclose(events.field("energy"), [10, 20])
    np.testing.assert_allclose(events.field("direction_z"), [1, 1])


SECOND = {  # contributions in both events: the second's begin anew at 0 in the hits, not in the flat list
    "ECal/ECal.energy": ([4e-3, 6e-3], [1, 1]),
    "ECal/ECal.contributions_end": ([3, 2], [1, 1]),
    "ECalContributions/ECalContributions.energy": ([1e-3, 2e-3, 1e-3, 4e-3, 2e-3], [3, 2]),
    "ECalContributions/ECalContributions.time": ([10.0, 20, 10, 40, 70], [3, 2]),
    "_ECalContributions_particle/_ECalContributions_particle.index": ([0, 1, 0, 0, -1], [3, 2]),
}


@pytest.mark.parametrize("relation", [True, False])
def test_contributions_are_found_with_and_without_their_relation(fake: Any, relation: bool) -> None:
    """Without the list of a relation, a hit's begin and end count the contributions of its event themselves."""
    index = "_ECal_contributions"
    lists: dict[str, Any] = {index: None, f"{index}/{index}.index": None}
    if relation:
        lists = {f"{index}/{index}.index": ([0, 1, 2, 1, 0], [3, 2])}  # in another order, for the same numbers
    events = build(fake(**SECOND, **lists), collections=("ECal",)).shard("test", 0).check()
    np.testing.assert_allclose(events.hits["time"], [15, 50])
    links = events.links
    assert links.counts.tolist() == [2, 1]
    assert links["particle"].tolist() == [0, 1, 0]
    np.testing.assert_allclose(links["weight"], [0.5, 0.5, 4 / 6], rtol=1e-6)


def test_several_hits_of_an_event_take_their_own_contributions(fake: Any) -> None:
    """The second hit of an event begins behind the first one's contributions, with no list of a relation."""
    index = "_ECal_contributions"
    changed = {
        "ECal/ECal.cellID": ([1, 2, 3], [2, 1]),
        "ECal/ECal.energy": ([3e-3, 1e-3, 2e-3], [2, 1]),
        **{f"ECal/ECal.position.{key}": ([1.0, 2, 3], [2, 1]) for key in "xyz"},
        "ECal/ECal.contributions_begin": ([0, 2, 0], [2, 1]),
        "ECal/ECal.contributions_end": ([2, 3, 1], [2, 1]),
        "ECalContributions/ECalContributions.energy": ([1e-3, 2e-3, 1e-3, 2e-3], [3, 1]),
        "ECalContributions/ECalContributions.time": ([10.0, 40, 5, 70], [3, 1]),
        "_ECalContributions_particle/_ECalContributions_particle.index": ([0, 0, 1, 0], [3, 1]),
        index: None,
        f"{index}/{index}.index": None,
    }
    events = build(fake(**changed), collections=("ECal",)).shard("test", 0).check()
    np.testing.assert_allclose(events.hits["time"], [30, 5, 70])
    assert (events.links["hit"].tolist(), events.links["particle"].tolist()) == ([0, 1, 0], [0, 1, 0])
    np.testing.assert_allclose(events.links["weight"], 1, rtol=1e-6)


def test_contributions_without_a_relation_to_particles_give_times_and_no_links(fake: Any) -> None:
    index = "_ECalContributions_particle"
    path = fake(**{index: None, f"{index}/{index}.index": None})
    events = build(path, collections=("ECal",)).shard("test", 0).check()
    np.testing.assert_allclose(events.hits["time"], [15, 0])
    assert events.links.rows == 0
    assert events.particles.rows == 3


def test_named_collections_keep_their_order(fake: Any) -> None:
    events = build(fake(), collections=("Digi", "ECal")).shard("test", 0).check()
    assert events.hits.counts.tolist() == [1, 2]
    assert events.hits["subsystem"].tolist() == [1, 0, 1]
    assert events.hits["time"].tolist() == [15, 3, 0]
    assert events.links["hit"].tolist() == [0, 0]
    assert events.field("layers_known").tolist() == [0, 0]
    with pytest.raises(DataError, match=r"must name calorimeter hits of the file: ECal, Digi; got: MCParticles"):
        build(fake(), collections=("MCParticles",)).splits()


@pytest.mark.parametrize(
    ("branch", "values", "message"),
    [
        ("ECal/ECal.energy", ([4e-3, -1.0], [1, 1]), "'energy' of a hit must be >= 0.*event 1"),
        ("ECal/ECal.position.x", ([np.nan, 0], [1, 1]), "'x' of a hit must be finite.*event 0"),
        ("ECal/ECal.energy", ([], [0, 0]), "must hold calorimeter hits; got: none in ECal"),
        ("ECal/ECal.contributions_end", ([9, 0], [1, 1]), "whole and readable"),
    ],
)
def test_bad_values_are_refused(fake: Any, branch: str, values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        build(fake(**{branch: values})).shard("test", 0)
    assert "a.root" in str(caught.value)


def test_encodings_give_the_bits_of_the_layer() -> None:
    assert layer_bits(CLIC) == (19, 9)
    assert layer_bits("system:0:5,module:5:3,layer:16:6,cellX:32:-16") == (16, 6)
    assert layer_bits("system:5") is None
    with pytest.raises(ConfigError, match="name:bits"):
        build("a", encoding="layer")


def test_other_root_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("events", {"x": "f4"}).extend({"x": np.arange(3.0)})
    with pytest.raises(DataError, match=r"must have EDM4hep calorimeter hits; got: none.*a\.root"):
        build(path).splits()
    with uproot.recreate(path) as file:
        file.mktree("other", {"x": "f4"}).extend({"x": np.arange(3.0)})
    with pytest.raises(DataError, match=r"tree 'events'; got: other"):
        build(path).splits()
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"a\.root"):
        build(path).splits()
    with pytest.raises(ConfigError, match="edm4hep needs the detector point_cloud"):
        Edm4hep(Edm4hep.Config.read({"path": "a"}, where="test"), DETECTORS.build("pixel_grid", where="test"))


def test_the_public_clic_events(public_data: Path) -> None:
    path = public_data / "edm4hep" / "clic_gamma_10GeV.root"
    if not path.exists():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    events = build(path, encoding=CLIC).shard("test", 0).check()
    assert events.hits.counts.tolist() == [163, 364, 198]
    assert events.links.counts.tolist() == [163, 0, 198]  # the barrel was stored without its contributions
    assert set(events.field("primary_pdg")) == {22}
    assert events.hits["layer"].max() == 38
    digitised = build(path, collections=("ECALBarrel", "ECALEndcap")).shard("test", 0)
    ratio = digitised.hits.sum(digitised.hits["energy"]) / events.field("energy")
    np.testing.assert_allclose(ratio, 1, atol=0.05)


def test_the_public_ild_event(public_data: Path, tmp_path: Path) -> None:
    path = public_data / "ild_showers" / "single_event_example.edm4hep.root"
    if not path.exists():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    silicon = ("ECalBarrelSiHitsEven", "ECalBarrelSiHitsOdd")
    events = build(path, collections=silicon).shard("test", 0).check()
    hits = events.hits
    assert hits.counts.tolist() == [948]
    assert np.unique(hits["layer"]).tolist() == list(range(1, 30))  # the encoding is in the file
    share = np.bincount(events.links["hit"], events.links["weight"])
    np.testing.assert_allclose(share, 1, atol=1e-4)
    whole = path.read_bytes()
    for part in (0.1, 0.5, 0.9):
        (tmp_path / "cut.root").write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(DataError, match=r"cut\.root"):
            build(tmp_path / "cut.root").shard("test", 0)
