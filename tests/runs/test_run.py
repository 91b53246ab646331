"""A run is whole, repeatable, resumable at any moment, and refuses what is not its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.numpy import load_file

from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.lock import hold
from hitforge.events import Collection
from hitforge.methods.baseline import BaselineMethod
from hitforge.methods.network import NetworkMethod
from hitforge.metrics import Predictions
from hitforge.recipe.comparisons import comparisons
from hitforge.recipe.recipe import Recipe, read_recipe
from hitforge.runs import run as run_module
from hitforge.runs.chosen import read_chosen
from hitforge.runs.folder import claim, is_done, open_recipe
from hitforge.runs.measure import flat_values
from hitforge.runs.methods import methods_of
from hitforge.runs.run import Session, evaluate, run
from hitforge.runs.trained import load
from tests.tiny import TINY, tiny


def test_run_folder_is_whole(finished: Path) -> None:
    for name in (
        "recipe.yaml", "provenance.json", "metrics.json", "tables.json", "predictions.parquet", "model.safetensors",
        "history.csv", "methods.json", "comparison.json", "sample.npz", "sample.json", "saliency.npz",
    ):  # fmt: skip
        assert (finished / name).stat().st_size > 0, name
    record = json.loads((finished / "provenance.json").read_text())
    assert record["dataset"]["counts"] == {"train": 300, "validation": 100, "test": 200}
    assert record["parameters"] > 0
    wall = record["wall_s"]
    assert set(wall) >= {"sample", "comparisons", "fit", "train", "evaluate", "boosted_trees", "compare", "other"}
    assert list(wall)[-1] == "total"
    assert sum(wall.values()) == pytest.approx(2 * wall["total"], abs=0.1)
    methods = json.loads((finished / "methods.json").read_text())
    assert [c["kind"] for c in methods] == ["network", "comparison", "baseline"]
    assert [c["label"] for c in methods] == ["plain cnn", "energy only", "boosted trees"]
    table = pq.read_table(finished / "predictions.parquet")
    assert table.num_rows == 200
    assert {"target", "score_photon", "score_electron", "pt", "eta"} <= set(table.column_names)


def test_flat_values_name_every_number(finished: Path) -> None:
    values = flat_values(finished)
    assert 0 <= values["test.roc_auc"] <= 1
    assert 0 <= values["boosted_trees:test.roc_auc"] <= 1
    difference = values["boosted_trees:roc_auc_difference"]
    assert difference == pytest.approx(values["test.roc_auc"] - values["boosted_trees:test.roc_auc"])
    assert "energy_only:test.roc_auc" in values


def test_same_seed_same_numbers_another_seed_others(finished: Path, session: Session, tmp_path: Path) -> None:
    alone = {"evaluation": {"saliency": 0}}
    again = run(tiny(**alone), tmp_path / "again", session)
    assert flat_values(again)["test.roc_auc"] == flat_values(finished)["test.roc_auc"]
    assert _scores(again) == _scores(finished)
    other = run(tiny(**alone, training={**TINY["training"], "seed": 2}), tmp_path / "other", session)
    assert _scores(other) != _scores(finished)


@pytest.mark.parametrize("stage", ["measure", "describe", "write_comparison", "write_predictions"])
def test_run_that_stops_in_any_stage_is_unfinished_and_resumes_to_the_same_numbers(
    stage: str, finished: Path, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:

        def stop(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(run_module, stage, stop)
        with pytest.raises(KeyboardInterrupt):
            run(tiny(), folder, session)
    assert not (folder / "provenance.json").exists()
    with pytest.raises(RunError, match="--resume"):
        run(tiny(), folder, session)
    run(tiny(), folder, session, resume=True)
    assert flat_values(folder) == flat_values(finished)


@pytest.mark.parametrize(
    ("phase", "number"),
    [
        ("samples/*/train-00000.parquet", signal.SIGKILL),
        ("run/checkpoints/last.safetensors", signal.SIGKILL),
        ("run/compare", signal.SIGKILL),
        ("run/baselines", signal.SIGINT),
    ],
)
def test_process_killed_in_a_phase_resumes_to_the_same_numbers(
    phase: str, number: signal.Signals, finished: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(TINY))
    command = [sys.executable, "-m", "hitforge", "run", str(recipe), "--out", str(tmp_path / "run"), "--resume",
               "--samples", str(tmp_path / "samples"), "--workers", "1"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not any(tmp_path.glob(phase)):
        time.sleep(0.01)
    process.send_signal(number)
    process.wait()
    assert any(tmp_path.glob(phase))
    assert (tmp_path / ".run.lock").exists() == (number == signal.SIGKILL)  # a dead process's lock is taken over
    assert not (tmp_path / "run" / "provenance.json").exists()
    if phase == "run/compare":
        environment = {**os.environ, "COLUMNS": "200"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    else:  # the files are all that a new process would know, too
        run(read_recipe(recipe), tmp_path / "run", Session(tmp_path / "samples"), resume=True)
    assert flat_values(tmp_path / "run") == flat_values(finished)


def test_a_finished_run_trains_on_and_says_how(session: Session, tmp_path: Path) -> None:
    """A constant rate without a warm-up gives the same as a training that was longer from the start."""

    def plan(epochs: int) -> Recipe:
        training = {**TINY["training"], "epochs": epochs, "schedule": "constant", "warmup": 0}
        return tiny(training=training, evaluation={"saliency": 0})

    whole = run(plan(3), tmp_path / "whole", session)
    folder = run(plan(1), tmp_path / "run", session)
    run(open_recipe(folder, ["training.epochs=3"]), folder, session, resume=True)
    assert _scores(folder) == _scores(whole)
    ends = [load_file(path / "checkpoints" / "last.safetensors") for path in (whole, folder)]
    for name, value in ends[0].items():
        np.testing.assert_array_equal(value, ends[1][name])
    record = json.loads((folder / "provenance.json").read_text())
    assert record["settings"] == ["training.epochs=3"]
    (told,) = record["continued"]
    assert (told["epochs"], told["as_from_the_start"]) == ([1, 3], True)
    assert len((folder / "history.csv").read_text().splitlines()) == 4
    with pytest.raises(RunError, match="1 epochs, 3 are trained"):
        run(open_recipe(folder, ["training.epochs=1"]), folder, session, resume=True)


def test_another_evaluation_trains_nothing_again(
    finished: Path, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    assert len(kept) > 4
    answered: list[str] = []

    def told(name: str, *_: Any, **__: Any) -> None:
        answered.append(name)

    with monkeypatch.context() as patch:
        patch.setattr(NetworkMethod, "predictions", told)
        patch.setattr(BaselineMethod, "predictions", told)
        run(open_recipe(folder, ["evaluation.metrics=[background_efficiency]"]), folder, session, resume=True)
    assert not answered
    assert not [name for name in flat_values(folder) if "roc_auc" in name]
    trees = "evaluation.baselines=[{name: boosted_trees, rounds: 2}]"
    run(open_recipe(folder, ["evaluation.metrics=[roc_auc]", trees]), folder, session, resume=True)
    values, before = flat_values(folder), flat_values(finished)
    assert values["test.roc_auc"] == before["test.roc_auc"]
    assert values["energy_only:test.roc_auc"] == before["energy_only:test.roc_auc"]
    assert values["boosted_trees:test.roc_auc"] != before["boosted_trees:test.roc_auc"]
    run(open_recipe(folder, ["evaluation.fields=[pt]"]), folder, session, resume=True)
    assert "eta" not in pq.read_table(folder / "predictions.parquet").column_names
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")} == kept
    other = "evaluation.compare.0.set={model.widths: [4]}"
    with pytest.raises(RunError, match=r"representation\.channels.*where: .*compare/energy_only"):
        run(open_recipe(folder, [other]), folder, session, resume=True)
    assert (folder / "provenance.json").exists()


def test_a_run_goes_on_with_the_files_that_its_recipe_names(session: Session, tmp_path: Path) -> None:
    """Nothing but the folder is given, and the recipe's own folder is another one."""
    (tmp_path / "recipes").mkdir()
    alone = {**TINY, "evaluation": {"saliency": 0}, "training": {**TINY["training"], "epochs": 1}}
    (tmp_path / "recipes" / "first.yaml").write_text(yaml.safe_dump(alone))
    asked = {"compare": [{"label": "first", "recipe": "first.yaml"}], "saliency": 0}
    both = {**alone, "evaluation": asked, "training": {**alone["training"], "start_from": "first.yaml"}}
    (tmp_path / "recipes" / "both.yaml").write_text(yaml.safe_dump(both))
    folder = tmp_path / "run"
    claim(folder, read_recipe(tmp_path / "recipes" / "both.yaml"), resume=False)  # and it was interrupted
    run(open_recipe(folder), folder, session, resume=True)
    assert {"test.roc_auc", "first:test.roc_auc"} <= set(flat_values(folder))
    assert (folder / "start" / "provenance.json").exists()


def test_the_report_counts_as_time_of_the_run(session: Session, tmp_path: Path) -> None:
    written: list[Path] = []

    def report(folder: Path) -> None:
        written.append(folder)
        time.sleep(0.3)

    recipe = tiny(model=None, representation=None, evaluation={"baselines": [{"name": "boosted_trees", "rounds": 20}]})
    folder = run(recipe, tmp_path / "trees", session, report=report)
    wall = json.loads((folder / "provenance.json").read_text())["wall_s"]
    assert wall["report"] >= 0.3
    assert sum(wall.values()) == pytest.approx(2 * wall["total"], abs=0.1)
    run(recipe, folder, session, resume=True, report=report)
    assert written == [folder, folder]
    assert json.loads((folder / "provenance.json").read_text())["wall_s"] == wall


def test_a_report_that_was_interrupted_counts_too(session: Session, tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    recipe = tiny(model=None, representation=None, evaluation={"baselines": [{"name": "boosted_trees", "rounds": 20}]})
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "trees", session, report=interrupted)
    run(recipe, tmp_path / "trees", session, resume=True, report=lambda folder: time.sleep(0.3))
    assert json.loads((tmp_path / "trees" / "provenance.json").read_text())["wall_s"]["report"] >= 0.3


def test_two_processes_do_not_share_a_folder(finished: Path, session: Session, tmp_path: Path) -> None:
    with hold(tmp_path / "run"), pytest.raises(RunError, match=f"process {os.getpid()} on"):
        run(tiny(), tmp_path / "run", session)
    with hold(tmp_path / "again"), pytest.raises(RunError, match=f"process {os.getpid()} on"):
        evaluate(finished, tmp_path / "again", session, {})
    assert list(tmp_path.iterdir()) == []


def test_a_label_is_told_apart_from_that_of_a_comparison(tmp_path: Path) -> None:
    asked = [{"label": "plain cnn", "set": {"model.widths": [4]}}]
    recipe = tiny(evaluation={"compare": asked})
    labels = [entry.label for entry in methods_of(recipe, tmp_path, list(comparisons(recipe)))]
    assert labels == ["plain cnn (own)", "plain cnn"]
    named = tiny(label="with time", evaluation={})
    assert [entry.label for entry in methods_of(named, tmp_path)] == ["with time"]


def test_folder_of_something_else_is_refused(finished: Path, session: Session, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"own recipe.*training\.lr: 0\.002 in the folder, 0\.1 asked for"):
        run(tiny(training={**TINY["training"], "lr": 0.1}), finished, session, resume=True)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="other files"):
        run(tiny(), tmp_path, session)


def test_weights_of_another_model_are_refused(finished: Path, session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    for name in ("metrics.json", "provenance.json"):
        (folder / name).unlink()
    (folder / "model.safetensors").write_bytes(b"\x80\x04\x95 a pickle")
    with pytest.raises(RunError, match="safetensors"):
        run(tiny(), folder, session, resume=True)


def test_start_from_another_run(finished: Path, session: Session, tmp_path: Path) -> None:
    settings = {"epochs": 1, "batch_size": 50, "precision": "fp32", "lr": 1e-9, "warmup": 0, "schedule": "constant",
                "weight_decay": 0, "start_from": str(finished)}  # fmt: skip
    folder = run(tiny(training=settings, evaluation={"saliency": 0}), tmp_path / "fine", session)
    before, after = (load_file(path / "model.safetensors") for path in (finished, folder))
    compared = [name for name in before if "running" not in name and "num_batches" not in name]
    assert compared
    for name in compared:  # one epoch at almost no learning rate moves no weight
        np.testing.assert_allclose(after[name], before[name], atol=1e-5)
    with pytest.raises(RunError, match="start_from"):
        run(tiny(training={**settings, "start_from": str(tmp_path)}), tmp_path / "none", session)


def test_trees_alone_are_a_run(session: Session, tmp_path: Path) -> None:
    recipe = tiny(model=None, representation=None, evaluation={"baselines": [{"name": "boosted_trees", "rounds": 20}]})
    folder = run(recipe, tmp_path / "trees", session)
    assert "test.roc_auc" in flat_values(folder)


def test_evaluate_on_another_sample(finished: Path, session: Session, tmp_path: Path) -> None:
    folder = evaluate(finished, tmp_path / "again", session, {})
    values, before = flat_values(folder), flat_values(finished)
    assert values["test.roc_auc"] == before["test.roc_auc"]
    assert values["boosted_trees:test.roc_auc"] == before["boosted_trees:test.roc_auc"]
    other = evaluate(finished, tmp_path / "other", session, {"source.seed": 5, "source.test": 100})
    assert flat_values(other)["test.roc_auc"] != before["test.roc_auc"]
    with pytest.raises(ConfigError, match="may change behind the training"):
        evaluate(finished, tmp_path / "x", session, {"representation.channels": ["gated_time", "log_energy"]})
    with pytest.raises(RunError, match="end"):
        evaluate(tmp_path, tmp_path / "x", session, {})


def test_the_cut_on_scores_is_that_of_validation_events_and_stays(
    objects: Path, session: Session, tmp_path: Path
) -> None:
    home = objects / "baselines" / "clue"
    chosen = read_chosen(home)
    assert set(chosen) == {"shower_efficiency.min_score", "shower_response.min_score"}
    dataset, trained = session.dataset(open_recipe(objects)), load(objects)
    parts = [trained.answer(events) for events in dataset.read("validation")]
    tables = {name: Collection.concatenate([part.tables[name] for part in parts]) for name in parts[0].tables}
    metric = next(one for one in open_recipe(objects).metrics if one.name == "shower_efficiency")
    assert metric.choose(Predictions({}, tables=tables)) == {"min_score": chosen["shower_efficiency.min_score"]}
    assert trained.answer(next(iter(dataset.read("test")))).chosen == chosen

    folder = evaluate(
        objects, tmp_path / "again", session, {"source.seed": 9, "source.train": 0, "source.validation": 0}
    )
    assert read_chosen(folder / "baselines" / "clue") == chosen
    for place in (home, folder / "baselines" / "clue"):
        values = json.loads((place / "metrics.json").read_text())
        assert values["test.score_cut"]["value"] == chosen["shower_efficiency.min_score"]
        assert "greatest F1 on validation events" in values["test.efficiency"]["definition"]
        shown = str(np.load(place / "display_shower.npz")["definition"])
        assert f"from score {chosen['shower_efficiency.min_score']:.3g} on" in shown


def test_a_measurement_leaves_every_training_as_it_is(finished: Path, session: Session, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in finished.glob("*.json")}
    with pytest.raises(RunError, match="folder of its own"):
        evaluate(finished, finished, session, {"evaluation.seed": 3})
    assert {path: path.read_bytes() for path in finished.glob("*.json")} == before
    measured = evaluate(finished, tmp_path / "again", session, {})
    assert evaluate(finished, measured, session, {}) == measured  # its own command may be repeated


@pytest.mark.parametrize("done", [True, False])
def test_a_measurement_is_never_trained(finished: Path, session: Session, tmp_path: Path, done: bool) -> None:
    measured = evaluate(finished, tmp_path / "again", session, {})
    if not done:
        for name in ("provenance.json", "metrics.json"):
            (measured / name).unlink()
    longer = open_recipe(measured, ["training.epochs=3"] if done else [])
    with pytest.raises(RunError, match=f"a measurement of .*hitforge evaluate .*{measured.name}"):
        run(longer, measured, session, resume=True)
    assert not (measured / "model.safetensors").exists()
    assert evaluate(finished, measured, session, {}) == measured
    assert json.loads((measured / "provenance.json").read_text())["trained_in"] == str(finished)


def test_files_are_not_split_anew_behind_the_training(session: Session, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    images = np.where(random.random((200, 32, 32, 2)) < 0.05, random.random((200, 32, 32, 2)), 0).astype(np.float32)
    images[:, 16, 16, 0] = 2
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["X"], file["y"] = images, np.arange(200) % 2
    recipe = tiny(
        detector={"name": "pixel_grid"}, source={"name": "ml4sci_hdf5", "path": str(tmp_path / "images.h5")},
        model=None, representation=None, evaluation={"baselines": [{"name": "boosted_trees", "rounds": 5}]},
    )  # fmt: skip
    folder = run(recipe, tmp_path / "run", session)
    with pytest.raises(ConfigError, match="split anew"):
        evaluate(folder, tmp_path / "x", session, {"source.seed": 9})
    assert flat_values(evaluate(folder, tmp_path / "same", session, {})) == flat_values(folder)


def test_run_goes_on_only_with_its_own_events(finished: Path, session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / "provenance.json").unlink()
    record = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**record, "hash": "other"}))
    with pytest.raises(RunError, match="own sample"):
        run(tiny(), folder, session, resume=True)


def test_run_goes_on_with_the_same_events_of_changed_code(finished: Path, session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / "provenance.json").unlink()
    record = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**record, "name": "particle_gun-0123456789ab"}))
    assert is_done(run(tiny(), folder, session, resume=True))


def test_wrong_comparison_is_found_before_anything_is_written(session: Session, tmp_path: Path) -> None:
    for settings in ({"model.widhts": [4]}, {"source.seed": 5}):
        recipe = tiny(evaluation={"compare": [{"label": "other", "set": settings}]})
        with pytest.raises(ConfigError, match=r"widths|same detector and source"):
            run(recipe, tmp_path / "run", session)
    assert not (tmp_path / "run").exists()


def test_sweep_trains_every_other_combination(session: Session, tmp_path: Path) -> None:
    sweep = {"training.lr": [tiny().training.lr, 1e-4]}
    folder = run(tiny(evaluation={"sweep": sweep, "saliency": 0}), tmp_path / "run", session)
    methods = json.loads((folder / "methods.json").read_text())
    assert [c["axes"] for c in methods] == [{"training.lr": str(value)} for value in sweep["training.lr"]]
    assert [c["path"] for c in methods] == [".", "compare/0_0001"]


def test_empty_split_is_said(session: Session, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="split 'train'"):
        run(tiny(source={**TINY["source"], "train": 0}), tmp_path / "run", session)


def test_unknown_monitor_is_said(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"roc_auc\.typo"):
        run(tiny(training={**TINY["training"], "monitor": "roc_auc.typo"}), tmp_path / "run", session)


def _scores(folder: Path) -> list[float]:
    scores: list[float] = pq.read_table(folder / "predictions.parquet").column("score_electron").to_pylist()
    return scores
