from __future__ import annotations

import json

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.report.results import read_run


def test_whole_run_is_read(whole_run):
    run = read_run(whole_run)
    assert [one.label for one in run.methods] == ["residual network", "boosted trees", "small vision transformer"]
    first, trees, _ = run.methods
    assert first.metric("roc_auc") == json.loads((whole_run / "metrics.json").read_text())["test.roc_auc"]
    assert len(first.history["epoch"]) == 20
    assert trees.history == {}
    assert first.table("confusion")["truth"].dtype.kind == "U"
    assert first.table("roc")["fpr"][-1] == 1.0
    assert first.table("absent") == {}
    assert first.metric("absent") is None
    assert run.recipe["model"]["name"] == "resnet"
    assert run.saliency["input"].shape == (4, 32, 32, 2)


def test_the_scan_of_a_run_without_a_network_is_read(tmp_path):
    (tmp_path / "methods.json").write_text('[{"label": "clue", "name": "clue", "kind": "baseline", "path": "."}]')
    home = tmp_path / "baselines" / "clue"
    home.mkdir(parents=True)
    (home / "record.json").write_text('{"scan": {"events": 3}}')
    assert read_run(tmp_path).methods[0].record == {"scan": {"events": 3}}


def test_empty_folder_is_an_empty_run(tmp_path):
    run = read_run(tmp_path)
    assert [one.label for one in run.methods] == [tmp_path.name]
    assert run.methods[0].metrics == run.sample == run.provenance == {}


def test_test_sample_comes_before_the_others_and_null_is_nothing(tmp_path):
    values = {"validation.roc_auc": {"value": 0.7}, "test.roc_auc": {"value": 0.8}, "test.accuracy": {"value": None}}
    (tmp_path / "metrics.json").write_text(json.dumps(values))
    one = read_run(tmp_path).methods[0]
    assert one.metric("roc_auc")["value"] == 0.8
    assert one.metric("accuracy") is None


def test_tables_lose_their_split_and_null_is_nan(tmp_path):
    (tmp_path / "tables.json").write_text(json.dumps({"test.roc": {"fpr": [0.0, None], "tpr": [0, 1]}}))
    table = read_run(tmp_path).methods[0].table("roc")
    np.testing.assert_array_equal(table["fpr"], [0.0, np.nan])


def test_empty_cells_of_a_history_are_nan(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,train_loss,lr\n0,0.7,\n1,0.6,0.001\n")
    history = read_run(tmp_path).methods[0].history
    np.testing.assert_array_equal(history["lr"], [np.nan, 0.001])


def test_absent_folder_is_refused(tmp_path):
    with pytest.raises(RunError, match="must exist"):
        read_run(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "content", "error", "match"),
    [
        ("metrics.json", "{", DataError, "readable JSON"),
        ("metrics.json", "[]", DataError, "names and values"),
        ("methods.json", "{}", DataError, "must hold a list"),
        ("history.csv", "epoch,lr\n0,fast\n", RunError, "table of numbers"),
        ("history.csv", "epoch,lr\n0,1,2\n", RunError, "table of numbers"),
        ("sample.npz", "not a zip", RunError, "npz"),
        ("recipe.yaml", "a: [", ConfigError, "valid YAML"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, error, match):
    (tmp_path / name).write_text(content)
    with pytest.raises(error, match=match) as caught:
        read_run(tmp_path)
    assert name in str(caught.value)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "saliency.npz", input=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RunError, match="without pickles"):
        read_run(tmp_path)
