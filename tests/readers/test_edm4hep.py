from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import uproot

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.readers import edm4hep
from hitforge.readers._root import Tree
from hitforge.readers.edm4hep import Edm4hep

CLOUD = DETECTORS.build("point_cloud", where="test")
CLIC = "system:5,side:-2,module:8,stave:4,layer:9,submodule:4,x:32:-16,y:-16"
CONTRIBUTIONS = "ECalContributions/ECalContributions"
OWNER = "_ECalContributions_particle/_ECalContributions_particle"


class FakeTree(Tree):
    """Two events in the podio layout: a hit of two particles in one collection, a hit without truth in another."""

    def __init__(self, changed: dict[str, Any] | None = None) -> None:
        self.path, self.first, self.last = Path("a.root"), 0, 2
        calo, digi = "ECal", "Digi"
        self.lists: dict[str, tuple[list[Any], list[int]]] = {
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

    def __contains__(self, branch: str) -> bool:
        return self.lists.get(branch) is not None

    def types(self) -> dict[str, str]:
        digitised, simulated = "vector<edm4hep::CalorimeterHitData>", "vector<edm4hep::SimCalorimeterHitData>"
        return {"ECal": simulated, "Digi": digitised, "MCParticles": "vector<edm4hep::MCParticleData>"}

    def need(self, *branches: str) -> None:
        assert set(branches) <= set(self.lists)

    def flat(self, branch: str) -> tuple[np.ndarray, np.ndarray]:
        values, counts = self.lists[branch]
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


def test_an_event_without_a_stable_particle_has_no_primary(fake: Any) -> None:
    status = {"MCParticles/MCParticles.generatorStatus": ([1, 0, 2], [2, 1])}
    events = build(fake(**status)).shard("test", 0).check()
    assert events.field("primary_pdg").tolist() == [22, 0]
    np.testing.assert_allclose(events.field("energy"), [10, 0])


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
    assert events.field("hits_without_truth").tolist() == [1, 1]
    assert build(path, collections=("Digi",)).shard("test", 0).field("hits_without_truth").tolist() == [0, 1]


class Combined(FakeTree):
    """The contributions of all calorimeters in one collection, as a converter from LCIO writes them."""

    ids: ClassVar[list[int]] = [12, 12, 12]
    kinds: ClassVar[dict[str, str]] = {"AllCalo": "vector<edm4hep::CaloHitContributionData>"}

    def __init__(self, path: Path, name: str, *_: int) -> None:
        super().__init__()
        renamed = {key.replace("ECalContributions", "AllCalo"): values for key, values in self.lists.items()}
        self.lists = renamed | {"_ECal_contributions/_ECal_contributions.collectionID": (self.ids, [3, 0])}
        if name != "events":
            self.lists = {}
        self.metadata = name == "podio_metadata"

    def types(self) -> dict[str, str]:
        return super().types() | self.kinds

    def texts(self, branch: str) -> np.ndarray:
        result = np.empty(1, object)
        result[0] = {"m_names": ["MCParticles", "AllCalo"], "m_collectionIDs": [1, 12]}[branch.rpartition("/")[2]]
        if not self.metadata:
            raise ValueError
        return result


@pytest.mark.parametrize(
    ("ids", "more", "links"),
    [
        ([12] * 3, [], 2),  # the file tells the name
        ([7] * 3, [], 2),  # it does not; there is but one
        ([12] * 3, ["Other"], 2),
        ([7] * 3, ["Other"], 0),
        ([1] * 3, [], 0),  # it tells another one
    ],
)
def test_one_collection_may_hold_the_contributions_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: list[int], more: list[str], links: int
) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    monkeypatch.setattr(Combined, "ids", ids)
    kind = "vector<edm4hep::CaloHitContributionData>"
    monkeypatch.setattr(Combined, "kinds", dict.fromkeys(["AllCalo", *more], kind))
    monkeypatch.setattr(edm4hep, "Tree", Combined)
    events = build(tmp_path / "a.root", collections=("ECal",)).shard("test", 0)
    assert events.links.rows == links
    assert events.field("hits_without_truth").tolist() == [0 if links else 1, 1]


def test_a_file_without_hits_is_refused(fake: Any) -> None:
    none = {f"Digi/Digi.{key}": ([], [0, 0]) for key in ("cellID", "energy", "time", *(f"position.{k}" for k in "xyz"))}
    with pytest.raises(DataError, match=r"must hold calorimeter hits; got: none in Digi.*a\.root"):
        build(fake(**none), collections=("Digi",)).splits()


def test_contributions_of_another_collection_of_particles_are_refused(fake: Any) -> None:
    ids = {f"{OWNER}.collectionID": ([7, 7, 7], [3, 0])}
    parents = "_MCParticles_parents/_MCParticles_parents.collectionID"
    events = build(fake(**ids, **{parents: ([7], [1, 0])}), collections=("ECal",)).shard("test", 0)
    assert events.links.rows == 2
    message = "'ECalContributions' must come from particles of 'MCParticles'; got: an index into another collection"
    with pytest.raises(DataError, match=message):
        build(fake(**ids, **{parents: ([8], [1, 0])}), collections=("ECal",)).shard("test", 0)


def test_what_is_lost_or_scaled_is_counted(fake: Any) -> None:
    index = "_ECal_contributions"
    second = {**SECOND, f"{index}/{index}.index": ([0, 1, 2, 0, 1], [3, 2])}
    events = build(fake(**second), collections=("ECal", "Digi")).shard("test", 0)
    assert events.field("untimed_hits").tolist() == [0, 0]
    assert events.field("unlinked_deposits").tolist() == [0, 1]
    assert events.field("scaled_hits").tolist() == [0, 0]
    second["ECal/ECal.energy"] = ([2e-3, 6e-3], [1, 1])
    events = build(fake(**second), collections=("ECal",)).shard("test", 0)
    assert events.field("scaled_hits").tolist() == [1, 0]
    assert build(fake(), collections=("ECal",)).shard("test", 0).field("untimed_hits").tolist() == [0, 1]


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
        ("ECal/ECal.contributions_end", ([9, 0], [1, 1]), "must stay inside the list of its event; got: 0 to 9 of 3"),
        (
            "ECal/ECal.contributions_begin",
            ([-1, 0], [1, 1]),
            "must stay inside the list of its event; got: -1 to 3 of 3",
        ),
        (
            "_ECal_contributions/_ECal_contributions.index",
            ([0, 1, -1], [3, 0]),
            "the list of their event; got: -1 of 3",
        ),
        ("_ECal_contributions/_ECal_contributions.index", ([0, 1, 3], [3, 0]), "the list of their event; got: 3 of 3"),
        (
            f"{CONTRIBUTIONS}.energy",
            ([1e-3, -2e-3, 1e-3], [3, 0]),
            "an energy >= 0 and a time; got: -0.002 GeV.*event 0",
        ),
        (f"{CONTRIBUTIONS}.time", ([1.0, np.nan, 1], [3, 0]), "an energy >= 0 and a time; got: .* at nan ns"),
        (f"{CONTRIBUTIONS}.time", ([1.0, 2], [2, 0]), f"got: 3 values of '{CONTRIBUTIONS}.energy', 2 of .*event 0"),
        (
            "ECal/ECal.energy",
            ([4e-3, 1e-3], [2, 0]),
            "1 values of 'ECal/ECal.cellID', 2 of 'ECal/ECal.energy'.*event 0",
        ),
        ("ECal/ECal.position.y", ([1.0, 2], [0, 2]), "1 values of 'ECal/ECal.cellID', 0 of 'ECal/ECal.position.y'"),
        (
            "Digi/Digi.time",
            ([3.0], [1, 0]),
            "0 values of 'Digi/Digi.cellID', 1 of 'Digi/Digi.time', and others in 1 more",
        ),
        ("MCParticles/MCParticles.charge", ([0.0] * 3, [1, 2]), "2 values of 'MCParticles/MCParticles.PDG', 1 of"),
        ("MCParticles/MCParticles.parents_end", ([0, 2, 0], [2, 1]), "inside the list of its event; got: 0 to 2 of 1"),
        ("MCParticles/MCParticles.parents_begin", ([0, -1, 0], [2, 1]), "inside the list of its event; got: -1 to 1"),
        ("_MCParticles_parents/_MCParticles_parents.index", ([2], [1, 0]), "parent must be -1 or point into its event"),
        (
            f"{OWNER}.index",
            ([0, 1], [2, 0]),
            "3 values of 'ECalContributions.energy', 2 of 'ECalContributions.particle'",
        ),
        (f"{OWNER}.index", ([0, 1, 2], [3, 0]), "links.particle must point into its event; got: 2"),
        (f"{OWNER}.collectionID", ([7, 8, 7], [3, 0]), "must point into one collection; got: the collections 7, 8"),
    ],
)
def test_bad_values_are_refused(fake: Any, branch: str, values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        build(fake(**{branch: values}), collections=("ECal", "Digi")).shard("test", 0)
    assert "a.root" in str(caught.value)


def test_an_encoding_is_refused_in_the_name_of_who_said_it(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="'encoding' must be a list of name:bits"):
        build("a", encoding="layer")
    monkeypatch.setattr(edm4hep, "_encodings", lambda _: {"ECal": "layer:60:8"})
    message = r"the encoding that the file tells of itself must fit into 64 bits; got: 'layer:60:8'.*a\.root, ECal"
    with pytest.raises(DataError, match=message):
        build(fake(), collections=("ECal",)).shard("test", 0)
    events = build(fake(), collections=("ECal",), encoding="system:5,layer:9").shard("test", 0)
    assert events.hits["layer"].tolist() == [4, 0]


def test_a_signed_layer_keeps_its_sign(fake: Any) -> None:
    path = fake(**{"ECal/ECal.cellID": ([(-3 & 0xFF) << 8, 5 << 8], [1, 1])})
    events = build(path, collections=("ECal",), encoding="system:8,layer:-8").shard("test", 0)
    assert events.hits["layer"].tolist() == [-3, 5]


@pytest.mark.parametrize(
    "names",
    [
        ("PARAMETERS/_stringMap/_stringMap.first", "PARAMETERS/_stringMap/_stringMap.second"),
        ("GPStringKeys", "GPStringValues"),
    ],
)
def test_the_encoding_in_the_file_is_found_whatever_the_podio(monkeypatch: pytest.MonkeyPatch, names: Any) -> None:
    class Metadata(FakeTree):
        def __contains__(self, branch: str) -> bool:
            return branch in names

        def texts(self, branch: str) -> np.ndarray:
            keys = ["ECal__CellIDEncoding", "other", "Digi__CellIDEncoding"]
            texts: list[list[str]] = [["system:5,layer:9"], ["x"], []]
            result = np.empty(1, object)
            result[0] = keys if branch == names[0] else texts
            return result

    monkeypatch.setattr(edm4hep, "Tree", lambda *_: Metadata())
    assert edm4hep._encodings(Path("a.root")) == {"ECal": "system:5,layer:9"}


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
    with uproot.recreate(path) as file:
        file.mkrntuple("events", {"x": "float64"}).extend({"x": np.arange(3.0)})
    with pytest.raises(DataError, match=r"'events' must be a TTree; got: an RNTuple.*a\.root; do: write it as a TTree"):
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
    assert events.field("hits_without_truth").tolist() == [0, 364, 0]
    assert events.field("other_charges").sum() == 0
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


def test_collections_that_hold_the_same_hits_are_refused(fake: Any) -> None:
    with pytest.raises(DataError, match=r"'collections' must name each once; got: ECal twice"):
        build(fake(), collections=("ECal", "ECal")).splits()
    copied: dict[str, Any] = {f"Digi/Digi.{key}": ([1.0, 2.0], [1, 1]) for key in ("energy", "time")}
    copied |= {f"Digi/Digi.position.{key}": ([1.0, 2.0], [1, 1]) for key in "xyz"}
    copied |= {"Digi/Digi.cellID": ([3 | 4 << 5, (1 << 63) + 1], [1, 1])}
    with pytest.raises(DataError, match=r"each hit must be in one collection; got: 2 hits in 'ECal' and in 'Digi'.*do"):
        build(fake(**copied), collections=("ECal", "Digi")).shard("test", 0)
    copied |= {"Digi/Digi.position.x": ([-1.0, -2.0], [1, 1])}  # the same ids in another detector
    assert build(fake(**copied), collections=("ECal", "Digi")).shard("test", 0).hits.counts.tolist() == [2, 2]


def test_merged_files_must_have_one_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    class Metadata(FakeTree):
        def __contains__(self, branch: str) -> bool:
            return branch in ("GPStringKeys", "GPStringValues")

        def texts(self, branch: str) -> np.ndarray:
            result = np.empty(2, object)
            encodings = [[["system:5,layer:9"]], [[second]]]
            for entry in (0, 1):
                result[entry] = ["ECal__CellIDEncoding"] if branch == "GPStringKeys" else encodings[entry]
            return result

    monkeypatch.setattr(edm4hep, "Tree", lambda *_: Metadata())
    second = "system:5,layer:9"
    assert edm4hep._encodings(Path("a.root")) == {"ECal": second}
    second = "system:5,side:-2,layer:9"
    with pytest.raises(DataError, match=r"'ECal' must have one encoding.*a.root; do: read the files apart"):
        edm4hep._encodings(Path("a.root"))
