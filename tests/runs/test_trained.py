"""A method of a finished run is opened again, and answers for any events as it did in the run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.config import dump_yaml
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.events import Events
from hitforge.metrics import Predictions
from hitforge.recipe.recipe import read_recipe
from hitforge.runs.folder import open_recipe
from hitforge.runs.measure import read_predictions
from hitforge.runs.run import Session, evaluate, run
from hitforge.runs.trained import load


def events_of(folder: Path, session: Session) -> Events:
    """All test events of a run."""
    return Events.concatenate(list(session.dataset(open_recipe(folder)).read("test")))


def same(one: Predictions, other: Predictions) -> None:
    """Two sets of predictions are equal to the last bit."""
    assert (one.classes, one.signal, list(one.columns)) == (other.classes, other.signal, list(other.columns))
    for name, values in one.columns.items():
        np.testing.assert_array_equal(values, other.columns[name], name)
    assert set(one.tables) == set(other.tables)
    for name, table in one.tables.items():
        np.testing.assert_array_equal(table.offsets, other.tables[name].offsets)
        for key, values in table.columns.items():
            np.testing.assert_array_equal(values, other.tables[name][key], f"{name}.{key}")


@pytest.mark.parametrize(
    ("method", "place"),
    [
        (None, "."), ("tiny", "."), ("boosted trees", "baselines/boosted_trees"),
        ("boosted_trees", "baselines/boosted_trees"), ("energy only", "compare/energy_only"),
    ],
)  # fmt: skip
def test_answers_are_those_of_the_run(method: str | None, place: str, finished: Path, session: Session) -> None:
    trained = load(finished, method)
    assert trained.folder == finished / place
    events = events_of(finished, session)
    same(trained.answer(events), read_predictions(finished / place))
    assert trained.detector.name == "crystal_barrel"
    assert trained.task.name == "classify"
    assert (trained.representation is None) == (method in ("boosted trees", "boosted_trees"))
    assert "Trained(" in repr(trained)


def test_events_without_truth_have_the_same_scores(finished: Path, session: Session) -> None:
    events = events_of(finished, session)
    real = Events({"hits": events.hits}, {"pt": events.field("pt")}, {"pt": events.info["pt"]})
    trained = load(finished)
    told, known = trained.answer(real), read_predictions(finished)
    assert list(told.columns) == ["score_photon", "score_electron", "pt"]
    assert (told.classes, told.signal) == (known.classes, known.signal)
    np.testing.assert_array_equal(told.score, known.score)
    np.testing.assert_array_equal(trained.answer(events, truth=False).score, known.score)
    assert len(trained.answer(real.take(np.zeros(0, np.int64)))) == 0
    with pytest.raises(DataError, match="primary_pdg"):
        trained.answer(real, truth=True)


def test_a_method_that_the_run_has_not_is_refused_with_those_that_it_has(finished: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'boosted trees'"):
        load(finished, "bosted trees")


def test_what_is_no_finished_run_is_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"recipe\.yaml"):
        load(tmp_path)
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(finished / "recipe.yaml", half)
    with pytest.raises(RunError, match="--resume"):
        load(half)


def test_a_network_of_a_gpu_answers_on_a_processor(
    finished: Path, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    there = tmp_path / "there"
    shutil.copytree(finished, there)
    text = (there / "recipe.yaml").read_text()
    assert text.count("device: auto") == 1
    (there / "recipe.yaml").write_text(
        text.replace("device: auto", "device: cuda").replace("precision: fp32", "precision: bf16")
    )
    trained = load(there)
    assert trained.recipe.training.device == "auto"
    events = events_of(finished, session)
    np.testing.assert_allclose(trained.answer(events).score, read_predictions(finished).score, atol=0.05)


def test_the_methods_of_a_measurement_are_those_of_its_run(finished: Path, session: Session, tmp_path: Path) -> None:
    here = Path(os.path.relpath(finished))  # as it is named on the command line
    folder = evaluate(here, tmp_path / "again", session, {"source.seed": 7})
    same(load(folder).answer(events_of(folder, session)), read_predictions(folder))
    record = json.loads((folder / "provenance.json").read_text())
    assert Path(record["trained_in"]).is_absolute()
    (folder / "provenance.json").write_text(json.dumps(record | {"trained_in": str(tmp_path / "gone")}))
    with pytest.raises(RunError, match="must be there"):
        load(folder)


def small(session: Session, folder: Path, recipe: str, *settings: str) -> Path:
    """A finished run of a shipped recipe at a tiny size."""
    path = next((Path(__file__).parents[2]).glob(f"**/recipes/{recipe}.yaml"))
    return run(read_recipe(path, [*settings, "training.epochs=1", "evaluation.compare=[]"]), folder, session)


def named(blocks: dict[str, Any]) -> dict[str, Any]:
    """Blocks with plug-ins by their bare name as a recipe writes them out."""
    return {key: {"name": block} if isinstance(block, str) else block for key, block in blocks.items()}


def test_a_regression_answers_with_and_without_truth(session: Session, tmp_path: Path) -> None:
    sizes = ("source.train=60", "source.validation=20", "source.test=40", "source.shard_size=20")
    settings = (
        "training.batch_size=20",
        "evaluation.baselines=[weighted_sum]",
        "evaluation.metrics=[energy_resolution]",
    )
    folder = small(session, tmp_path / "run", "hgcal/electron", *sizes, *settings)
    events = events_of(folder, session)
    for method, place in ((None, "."), ("weighted sum", "baselines/weighted_sum")):
        trained, known = load(folder, method), read_predictions(folder / place)
        same(trained.answer(events), known)
        blind = trained.answer(Events({"hits": events.hits}))
        assert list(blind.columns) == [name for name in known.columns if name.startswith("predicted_")]
        for name, values in blind.columns.items():
            np.testing.assert_array_equal(values, known.columns[name])


def test_tracks_and_the_networks_behind_them(session: Session, tmp_path: Path) -> None:
    pytest.importorskip("acts")
    blocks: dict[str, Any] = {
        "detector": "silicon_barrel_endcap",
        "source": {"name": "fatras", "multiplicity": 8, "train": 4, "validation": 2, "test": 3, "shard_size": 2},
        "target": {"name": "track", "min_hits": 5},
        "training": {"epochs": 1, "batch_size": 1, "monitor": "loss"},
        "evaluation": {"fields": []},
    }
    first = {"representation": "track_hits", "model": "hit_encoder", "task": "embed_hits"}
    second = {  # an untrained space is wide
        "representation": {
            "name": "track_graph",
            "edges": {"name": "embedding", "radius": 10.0},
            "triplets": False,
            "max_chi": None,
        },
        "model": "edge_filter",
        "task": {"name": "classify_edges", "build": "walk"},
        "depends_on": {"embedding": "embedding.yaml"},
    }
    for name, more in (("embedding", first), ("filter", second)):
        (tmp_path / f"{name}.yaml").write_text(dump_yaml(named(blocks | more)))
    folder = run(read_recipe(tmp_path / "filter.yaml"), tmp_path / "runs" / "a" / "filter", session)
    assert (folder / "depends_on.json").exists()
    trained, events = load(folder), events_of(folder, session)
    same(trained.answer(events), read_predictions(folder))
    blind = trained.answer(Events({name: events.collections[name] for name in ("hits", "clusters")}))
    assert "particles" not in blind.tables
    embedding = load(next((folder / "depends_on").iterdir()))
    told = embedding.answer(events)
    assert set(told.columns) == {"edge_efficiency", "edge_purity", "event"}
    rows = told.tables["outputs"]
    assert rows["output_7"].dtype == np.float32
    assert (rows["hit"] < events.hits.counts[rows.event]).all()
    blind = embedding.answer(events, truth=False)
    np.testing.assert_array_equal(blind.tables["outputs"]["output_0"], rows["output_0"])
    assert set(blind.columns) == {"event"}
    shutil.rmtree(folder / "depends_on")
    with pytest.raises(RunError, match="depends_on"):
        load(folder)


def test_showers(session: Session, tmp_path: Path) -> None:
    sizes = (
        "source.train=8",
        "source.validation=2",
        "source.test=4",
        "source.shard_size=2",
        "evaluation.baselines=[clue]",
    )
    folder = small(session, tmp_path / "run", "showers/one_stage", *sizes)
    events = events_of(folder, session)
    for method, place in ((None, "."), ("clue", "baselines/clue")):
        known = read_predictions(folder / place)
        same(load(folder, method).answer(events), known)
        blind = load(folder, method).answer(events, truth=False)
        assert set(blind.tables) == {"showers", "members", "measured"}
        np.testing.assert_array_equal(blind.tables["showers"]["score"], known.tables["showers"]["score"])
