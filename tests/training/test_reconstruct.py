"""Runs that find tracks: from a recipe to matched tracks, with networks of other runs, and the classical algorithm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.baselines import Tracks
from hitforge.core.config import dump_yaml
from hitforge.core.errors import ConfigError, RunError
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.report.page import write_report
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import Objects
from hitforge.tasks.classify_edges import ClassifyEdges
from hitforge.training.folder import open_recipe
from hitforge.training.measure import flat_values, read_predictions
from hitforge.training.needs import provide
from hitforge.training.recipe import read_recipe
from hitforge.training.reconstruct import Stopwatch, baseline_tracks, find_objects
from hitforge.training.run import Session, evaluate, run
from tests.tasks.track_events import event, members

pytest.importorskip("acts")
SOURCE = {
    "name": "fatras",
    "process": "gun",
    "multiplicity": 40,
    "train": 6,
    "validation": 2,
    "test": 3,
    "shard_size": 6,
}
EFFICIENCY = "test.technical_efficiency_double_majority"


def recipe(**changed: Any) -> dict[str, Any]:
    return {
        "detector": {"name": "silicon_barrel_endcap"},
        "source": SOURCE,
        "representation": {"name": "track_graph"},
        "model": {"name": "interaction_network", "width": 8, "iterations": 1},
        "task": {"name": "classify_edges", "fit": {"name": "helix"}},
        "training": {"epochs": 4, "batch_size": 1, "lr": 0.01, "monitor": "edge_auc", "threads": 1},
        **changed,
    }


def write(folder: Path, name: str, **changed: Any) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(dump_yaml(recipe(**changed)))
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracks")


@pytest.fixture(scope="module")
def session(home: Path) -> Session:
    return Session(home / "samples")


@pytest.fixture(scope="module")
def found(home: Path, session: Session) -> Path:
    path = write(home, "graph", evaluation={"baselines": ["combinatorial_kalman_filter"], "fields": []})
    return run(read_recipe(path), home / "graph", session)


def test_a_run_finds_tracks_beside_the_classical_algorithm(found: Path) -> None:
    values = flat_values(found)
    assert values[EFFICIENCY] > 0.5
    assert values[f"combinatorial_kalman_filter:{EFFICIENCY}"] > 0.8
    predictions = read_predictions(found)
    assert {"particles", "tracks", "matches", "members"} <= predictions.tables.keys()
    assert len(predictions) == 3
    assert np.isfinite(predictions.tables["tracks"]["q_over_p"]).mean() > 0.8
    stages = json.loads((found / "stages.json").read_text())
    assert {"representation", "network", "building", "fit"} <= stages.keys()
    assert stages["network"]["n"] == 3
    assert json.loads((found / "graph.json").read_text())["efficiency"] > 0.85
    page = write_report(found)
    assert page is None or Path(page).exists()
    assert "efficiency" in (found / "report.html").read_text()


def test_a_run_is_measured_on_other_events(found: Path, home: Path, session: Session) -> None:
    other = evaluate(found, home / "noisy", session, {"source.noise": 0.2})
    assert 0.3 < flat_values(other)[EFFICIENCY] <= 1
    same = evaluate(found, home / "same", session, {})
    assert flat_values(same)[EFFICIENCY] == flat_values(found)[EFFICIENCY]


def test_networks_of_other_runs_are_trained_first_and_used_again(home: Path, session: Session) -> None:
    write(home, "filter", model={"name": "edge_filter", "width": 8})
    path = write(
        home,
        "filtered",
        needs={"filter": "filter.yaml"},
        representation={"name": "track_graph", "edges": {"name": "filtered", "score": 0.01}},
        evaluation={"compare": [{"label": "wider", "set": {"model.width": 12}}], "fields": []},
    )
    folder = run(read_recipe(path), home / "filtered", session)
    needed = folder / "needs" / "filter"
    assert (needed / "model.safetensors").exists()
    assert not (folder / "compare" / "wider" / "needs").exists()  # the rival uses the same one
    assert flat_values(folder)[EFFICIENCY] > 0.3
    assert flat_values(folder)["wider:" + EFFICIENCY] > 0.3


def test_no_other_network_is_used_behind_the_training(home: Path, session: Session) -> None:
    folder = home / "filtered"
    assert list(json.loads((folder / "needs.json").read_text())) == ["filter"]
    assert flat_values(evaluate(folder, home / "again", session, {}))[EFFICIENCY] == flat_values(folder)[EFFICIENCY]
    weights = folder / "needs" / "filter" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(RunError, match=r"'filter' that the run began with must be there.*same weights"):
        provide(open_recipe(folder), folder, lambda _, where: where, Progress())


def test_a_network_that_only_prepares_others_is_measured(home: Path, session: Session) -> None:
    path = write(
        home,
        "embedding",
        representation={"name": "track_hits"},
        model={"name": "hit_encoder"},
        task={"name": "embed_hits"},
        training={"epochs": 1, "batch_size": 2, "monitor": "loss", "mode": "min", "threads": 1},
    )
    folder = run(read_recipe(path), home / "embedding", session)
    assert 0 <= flat_values(folder)["test.edge_purity"] <= 1
    assert json.loads((folder / "metrics.json").read_text())["test.edge_purity"]["n"] == 3  # events, not batches


def test_needs_must_be_those_of_the_representation(home: Path) -> None:
    with pytest.raises(ConfigError, match="'needs' must name a recipe for each of: filter"):
        read_recipe(write(home, "lacking", representation={"name": "track_graph", "edges": "filtered"}))
    with pytest.raises(ConfigError, match="no network; got: filter"):
        read_recipe(write(home, "superfluous", needs={"filter": "filter.yaml"}))


def test_a_network_must_answer_for_the_rows_of_the_task(home: Path) -> None:
    with pytest.raises(ConfigError, match="answers for each edge"):
        read_recipe(write(home, "wrong", model={"name": "interaction_network", "readout": "hit"}))


def test_what_a_network_says_of_its_tracks_stands_beside_the_fit(home: Path, session: Session) -> None:
    path = write(
        home,
        "condensed",
        representation={"name": "track_hits"},
        model={"name": "hit_encoder", "width": 8},
        task={"name": "condense_hits", "beta": 0.0, "parameters": 1.0, "fit": {"name": "helix"}},
        training={"epochs": 1, "batch_size": 1, "monitor": "loss", "mode": "min", "threads": 1},
        evaluation={"metrics": ["trackml_score"], "fields": []},
    )
    tracks = read_predictions(run(read_recipe(path), home / "condensed", session)).tables["tracks"]
    assert tracks.rows
    assert {"pt", "eta", "q_over_p"} <= tracks.columns.keys()
    assert (tracks["pt"] > 0).all()


def test_a_rival_must_look_at_the_same_hits(home: Path, session: Session) -> None:
    rival = {"label": "pixels", "set": {"representation.subsystems": "pixel"}}
    path = write(home, "unlike", evaluation={"compare": [rival], "fields": []})
    with pytest.raises(ConfigError, match=r"same parts of the detector.*all and \(7, 8, 9\).*rival 'pixels'"):
        run(read_recipe(path), home / "unlike", session)
    assert not (home / "unlike").exists()


def test_perfect_answers_give_each_particle_its_hits() -> None:
    detector = DETECTORS.build("silicon_barrel_endcap", where="test")
    events = SIMULATIONS.build(SOURCE, detector, where="test").shard("test", 0)
    graph = read_recipe_parts(events, detector)

    class Knowing:
        def infer(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
            return np.zeros((len(inputs["source"]), 1), np.float32)

    class Everything(ClassifyEdges):
        def objects(self, outputs: np.ndarray, inputs: dict[str, np.ndarray]) -> Objects:
            hits = np.arange(len(inputs["nodes"]), dtype=np.int32)
            return Objects(np.zeros_like(hits), hits, 1, {"pt": np.array([len(hits)], np.float32)})

    watch = Stopwatch()
    found = find_objects(Knowing(), graph, Everything(ClassifyEdges.Config()), events, watch)  # type: ignore[arg-type]
    members = found.members
    assert found.parameters is not None
    assert found.parameters["pt"].tolist() == events.hits.counts.tolist()
    assert members.counts.tolist() == events.hits.counts.tolist()
    np.testing.assert_array_equal(members["hit"], np.concatenate([np.arange(n) for n in events.hits.counts]))
    assert len(watch.seconds["network"]) == len(events)


class OneEvent:
    path = Path("one")

    def __init__(self, events: Events) -> None:
        self.events = events

    def read(self, split: str) -> Any:
        return iter([self.events])

    def count(self, split: str) -> int:
        return len(self.events)


class Parts:
    def __init__(self, subsystems: tuple[int, ...] | None) -> None:
        self.subsystems = subsystems
        self.shown: Events

    def tracks(self, events: Events) -> Tracks:
        self.shown = events
        return Tracks(members([list(range(events.hits.rows))]))


@pytest.mark.parametrize(
    ("own", "network", "hits"), [(None, "absent", 6), ((0,), "absent", 4), (None, (1,), 2), ((0,), None, 6)]
)
def test_hits_count_in_the_parts_that_are_looked_at(own: Any, network: Any, hits: int, tmp_path: Path) -> None:
    one, algorithm = event([[0]] * 6), Parts(own)  # layers 0 to 3 are of subsystem 0, the others of 1
    representation = None if network == "absent" else Parts(network)
    found = baseline_tracks(algorithm, OneEvent(one), {}, tmp_path, Progress(), representation)  # type: ignore[arg-type]
    for table in ("particles", "tracks", "matches"):
        assert found.tables[table]["hits"].tolist() == [hits]


def test_truth_is_not_shown(tmp_path: Path) -> None:
    one, algorithm = event([[0], [0], []], weight=[0.5, 0.5, 0.0]), Parts(None)
    found = baseline_tracks(algorithm, OneEvent(one), {}, tmp_path, Progress(), None)  # type: ignore[arg-type]
    assert set(algorithm.shown.collections) == {"hits", "clusters"}
    assert not algorithm.shown.fields
    assert not algorithm.shown.clusters["weight"].any()
    assert found.tables["particles"]["weight"].tolist() == [1.0]  # the score knows them all the same


def read_recipe_parts(events: Events, detector: Any) -> Any:
    from hitforge.representations import REPRESENTATIONS

    graph = REPRESENTATIONS.build("track_graph", detector, where="test")
    graph.fit(lambda: iter([events]), Progress())
    return graph
