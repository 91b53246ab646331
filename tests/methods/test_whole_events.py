"""Runs that find tracks: from a recipe to matched tracks, with networks of other runs, and the classical algorithm."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.config import dump_yaml
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.methods.network import NetworkMethod
from hitforge.methods.stopwatch import Stopwatch
from hitforge.methods.whole_events import find_objects
from hitforge.metrics import METRICS
from hitforge.recipe.recipe import read_recipe
from hitforge.report.page import write_report
from hitforge.representations.graph import track_graph as module
from hitforge.representations.graph.track_graph import TrackGraph
from hitforge.representations.hits.track_hits import TrackHits
from hitforge.runs.depends_on import provide
from hitforge.runs.folder import open_recipe
from hitforge.runs.measure import flat_values, read_predictions
from hitforge.runs.run import Session, evaluate, run
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import Objects
from hitforge.tasks.classify_edges import ClassifyEdges
from hitforge.tasks.condense_hits import CondenseHits
from hitforge.training import TrainingConfig
from tests.small_samples import TARGET, OneEvent
from tests.targets import target
from tests.toy_tracker import ToyTracker, helices

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
    assert json.loads((found / "graph.json").read_text())["efficiency"] > 0.9
    page = write_report(found)
    assert page is None or Path(page).exists()
    assert "efficiency" in (found / "report.html").read_text()


def test_a_run_is_measured_on_other_events(found: Path, home: Path, session: Session) -> None:
    other = evaluate(found, home / "noisy", session, {"source.noise": 0.2})
    assert 0.3 < flat_values(other)[EFFICIENCY] <= 1
    harder = evaluate(found, home / "harder", session, {"target.min_pt": 2.0})
    before, after = (json.loads((one / "metrics.json").read_text())[EFFICIENCY] for one in (found, harder))
    assert 0 < after["n"] < before["n"]  # other particles count
    kept = [
        read_predictions(one / "baselines" / "combinatorial_kalman_filter").tables["members"] for one in (found, harder)
    ]
    assert np.array_equal(kept[0]["hit"], kept[1]["hit"])  # and the methods find what they found
    with pytest.raises(ConfigError, match="belong to their training"):
        evaluate(found, home / "x", session, {"target.subsystems": "pixel"})
    same = evaluate(found, home / "same", session, {})
    assert flat_values(same)[EFFICIENCY] == flat_values(found)[EFFICIENCY]


def test_networks_of_other_runs_are_trained_first_and_used_again(home: Path, session: Session) -> None:
    write(home, "filter", model={"name": "edge_filter", "width": 8})
    path = write(
        home,
        "filtered",
        depends_on={"filter": "filter.yaml"},
        representation={"name": "track_graph", "edges": {"name": "filtered", "score": 0.01}},
        evaluation={"compare": [{"label": "wider", "set": {"model.width": 12}}], "fields": []},
    )
    folder = run(read_recipe(path), home / "filtered", session)
    needed = folder / "depends_on" / "filter"
    assert (needed / "model.safetensors").exists()
    assert not (folder / "compare" / "wider" / "depends_on").exists()  # the comparison uses the same one
    assert flat_values(folder)[EFFICIENCY] > 0.3
    assert flat_values(folder)["wider:" + EFFICIENCY] > 0.3


def test_no_other_network_is_used_behind_the_training(home: Path, session: Session) -> None:
    folder = home / "filtered"
    assert list(json.loads((folder / "depends_on.json").read_text())) == ["filter"]
    assert flat_values(evaluate(folder, home / "again", session, {}))[EFFICIENCY] == flat_values(folder)[EFFICIENCY]
    weights = folder / "depends_on" / "filter" / "model.safetensors"
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
        training={"epochs": 1, "batch_size": 2, "monitor": "loss", "threads": 1},
        evaluation={"fields": ["noise_hits"]},
    )
    folder = run(read_recipe(path), home / "embedding", session)
    assert read_predictions(folder).columns["noise_hits"].shape == (3,)
    assert 0 <= flat_values(folder)["test.edge_purity"] <= 1
    assert json.loads((folder / "metrics.json").read_text())["test.edge_purity"]["n"] == 3  # events, not batches


def test_what_a_network_says_of_its_tracks_stands_beside_the_fit(home: Path, session: Session) -> None:
    path = write(
        home,
        "condensed",
        representation={"name": "track_hits"},
        model={"name": "hit_encoder", "width": 8},
        task={"name": "condense_hits", "beta": 0.0, "parameters": 1.0, "fit": {"name": "helix"}},
        training={"epochs": 1, "batch_size": 1, "monitor": "loss", "threads": 1},
        evaluation={"metrics": ["trackml_score"], "fields": []},
    )
    tracks = read_predictions(run(read_recipe(path), home / "condensed", session)).tables["tracks"]
    assert tracks.rows
    assert {"pt", "eta", "q_over_p"} <= tracks.columns.keys()
    assert (tracks["pt"] > 0).all()


def test_a_number_of_whole_tracks_can_be_monitored(home: Path, session: Session) -> None:
    path = write(
        home,
        "watched",
        training={"epochs": 2, "batch_size": 1, "monitor": "trackml_score.trackml_score", "threads": 1},
        evaluation={"metrics": ["trackml_score"], "fields": []},
    )
    folder = run(read_recipe(path), home / "watched", session)
    with (folder / "history.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert all(0 <= float(row["trackml_score.trackml_score"]) <= 1 for row in rows)
    assert all(0 <= float(row["edge_auc"]) <= 1 for row in rows)


def test_a_comparison_must_look_at_the_same_hits(home: Path, session: Session) -> None:
    other = {"label": "pixels", "set": {"target.subsystems": "pixel"}}
    path = write(home, "unlike", evaluation={"compare": [other], "fields": []})
    with pytest.raises(ConfigError, match=r"same target.*another target.*comparison 'pixels'"):
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


class Certain:
    """A network that finds every edge good, and has nothing to say of no rows."""

    def __init__(self, rows: str, outputs: int) -> None:
        self.rows, self.outputs = rows, outputs

    def infer(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        assert len(inputs[self.rows])
        return np.full((len(inputs[self.rows]), self.outputs), 3, np.float32)


@pytest.fixture(scope="module")
def graph() -> TrackGraph:
    made = TrackGraph(TrackGraph.Config(), ToyTracker())
    made.fit(lambda: iter([helices([30] * 8, seed=3)]), Progress())
    return made


def emptied(events: Events, *full: int) -> Events:
    """Events without hits, particles and links but for some."""
    return Events({n: table.select_rows(np.isin(table.event, full)) for n, table in events.collections.items()})


def test_events_without_hits_have_no_tracks(graph: TrackGraph, tmp_path: Path) -> None:
    task, network, events = ClassifyEdges(ClassifyEdges.Config()), Certain("source", 1), helices([12, 12])
    rates = METRICS.build("tracking_efficiency", target("track", min_hits=4, max_eta=4.0), where="test")
    for full in ((), (1,), (0,)):
        sample: Any = OneEvent(emptied(events, *full), emptied(events))
        method = NetworkMethod("n", graph, None, task, TARGET, TrainingConfig(), tmp_path)  # type: ignore[arg-type]
        method.engine = network  # type: ignore[assignment]
        made = method.predictions(sample, "test", {}, tmp_path, Progress())
        assert len(made) == 4
        for table in made.tables.values():
            assert set(np.flatnonzero(table.counts)) == set(full)
        if full:
            assert rates.compute(made, 1).values["efficiency_double_majority"].n > 3
        else:
            with pytest.raises(DataError, match=r"needs charged particles.*none of 0 particles"):
                rates.compute(made, 1)
        assert json.loads((tmp_path / "stages.json").read_text())["network"]["n"] == 4
    none = find_objects(network, graph, task, events.take(np.empty(0, np.int64)), Stopwatch())  # type: ignore[arg-type]
    assert (len(none.members), none.members.rows, none.parameters) == (0, 0, None)


def test_hits_without_edges_have_no_tracks(graph: TrackGraph) -> None:
    events = helices([1], noise=0)
    one = Events({name: table.select_rows(np.arange(table.rows) < 1) for name, table in events.collections.items()})
    assert one.hits.rows == 1
    task: Any = ClassifyEdges(ClassifyEdges.Config())
    found = find_objects(Certain("source", 1), graph, task, one, Stopwatch())  # type: ignore[arg-type]
    assert (len(found.members), found.members.rows) == (1, 0)


def test_what_a_network_says_of_tracks_is_kept_beside_empty_events() -> None:
    task = CondenseHits(CondenseHits.Config(parameters=1.0, beta=0.0))
    hits, events = TrackHits(TrackHits.Config(), ToyTracker()), emptied(helices([12, 12]), 1)
    found = find_objects(Certain("nodes", task.outputs), hits, task, events, Stopwatch())  # type: ignore[arg-type]
    assert found.parameters is not None
    assert found.parameters.counts.tolist() == [0, 1]  # one place in space: one object
    assert found.members.counts.tolist() == [0, events.hits.rows]
    nothing = find_objects(Certain("nodes", 1), hits, task, emptied(events), Stopwatch())  # type: ignore[arg-type]
    assert nothing.parameters is not None
    assert nothing.parameters.columns.keys() == found.parameters.columns.keys()


def test_graphs_are_measured_in_events_of_all_shards(graph: TrackGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = [helices([10, 10], seed=seed) for seed in (1, 2, 3)]
    monkeypatch.setattr(module, "MEASURED_GRAPHS", 5)
    told = graph.sample_quality(shards)
    assert told is not None
    known = graph.quality(graph.prepare(Events.concatenate(shards).take(np.arange(5))))
    assert told.pop("events") == known.pop("events") == 5
    assert told.pop("seconds") > 0
    known.pop("seconds")
    assert told == known


def read_recipe_parts(events: Events, detector: Any) -> Any:
    from hitforge.representations import REPRESENTATIONS

    graph = REPRESENTATIONS.build("track_graph", detector, where="test")
    graph.fit(lambda: iter([events]), Progress())
    return graph
