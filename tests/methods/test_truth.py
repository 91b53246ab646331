"""Events without truth are reconstructed by what was trained with it, counted, drawn, and not matched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hitforge.cli import app
from hitforge.core.config import dump_yaml
from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.events import Events, FieldInfo
from hitforge.methods.truth import has_truth
from hitforge.metrics import METRICS
from hitforge.recipe.recipe import read_recipe
from hitforge.runs.measure import flat_values, read_predictions
from hitforge.runs.run import Session, evaluate, run
from hitforge.simulation import SIMULATIONS
from tests.held import index_of
from tests.small_samples import TARGET, OneEvent, Parts, answers
from tests.track_events import event

HGCAL = DETECTORS.build("hgcal", where="test")
GUN = {"name": "multi_shower_gun", "particles": [2, 3], "pdg": [11], "eta": [1.9, 2.3], "window": 300, "seed": 5}
RECIPE: dict[str, Any] = {
    "title": "small",
    "detector": {"name": "hgcal"},
    "source": {**GUN, "train": 8, "validation": 2, "test": 2},
    "representation": {"name": "shower_hits", "size": 400},
    "model": {"name": "hit_transformer", "width": 16, "blocks": 1, "heads": 2},
    "task": {"name": "condense_showers", "beta": 0.05, "min_score": 0.0},
    "training": {"epochs": 1, "batch_size": 2, "threads": 1, "monitor": "loss"},
    "evaluation": {"baselines": [{"name": "dbscan", "scan_events": 0}], "fields": ["mu"]},
}


def parquet(events: Events, path: Path) -> None:
    """Write hits, and nothing else, in the layout of HGCalML, in cm."""
    hits = events.hits
    columns = {f"recHit{name.upper()}": hits[name].astype(np.float64) / 10 for name in "xyz"}
    columns |= {"recHitEnergy": hits["energy"], "recHitTime": np.full(hits.rows, -1.0), "event": hits.event}
    pq.write_table(pa.table(columns), path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("showers")
    (folder / "small.yaml").write_text(dump_yaml(RECIPE))
    session = Session(folder / "samples")
    run(read_recipe(folder / "small.yaml"), folder / "run", session)
    bare = SIMULATIONS.build({**GUN, "seed": 6, "train": 3, "validation": 0, "test": 0}, HGCAL, where="test")
    parquet(bare.shard("train", 0), folder / "bare.parquet")
    return folder


@pytest.fixture(scope="module")
def source(home: Path) -> dict[str, Any]:
    return {"name": "cms_hgcal", "path": str(home / "bare.parquet")}


@pytest.fixture(scope="module")
def counted(home: Path, source: dict[str, Any]) -> Path:
    settings = {"source": source, "evaluation.tile": 250}
    return evaluate(home / "run", home / "counted", Session(home / "samples"), settings)


def test_showers_are_found_and_counted(counted: Path) -> None:
    values = flat_values(counted)
    own = {name.removeprefix("dbscan:test.") for name in values if name.startswith("dbscan:")}
    assert {"showers_per_event", "shower_energy_per_event", "hit_energy_per_event", "hits_per_event"} <= own
    assert not [name for name in values if "efficiency" in name or "ap_" in name or "response" in name]
    assert json.loads((counted / "provenance.json").read_text())["truth"] is False
    for folder in (counted, counted / "baselines" / "dbscan"):
        predictions = read_predictions(folder)
        assert set(predictions.tables) == {"showers", "members", "measured"}
        measured, members, showers = (predictions.tables[name] for name in ("measured", "members", "showers"))
        assert len(predictions) == 3
        begin = np.concatenate([[0], np.cumsum(measured["hits"])])
        share = np.bincount(begin[members.event] + members["hit"], members["weight"], begin[-1])
        assert share.max() <= 1.0 + 1e-5
        assert (showers.sum(showers["raw"]) <= measured["energy"] * (1 + 1e-5)).all()
        assert (folder / "display_shower.npz").exists()
        assert "peak_memory_mib" in json.loads((folder / "stages.json").read_text())
    assert values["dbscan:test.showers_per_event"] >= 1  # electrons of 20 GeV and more
    assert 0.5 < values["dbscan:test.share_of_energy"] <= 1


def test_the_report_and_the_summary_say_so(counted: Path, home: Path, source: dict[str, Any]) -> None:
    command = ["evaluate", str(home / "run"), "--out", str(counted), "--samples", str(home / "samples"),
               "--set", f"source={json.dumps(source)}", "--set", "evaluation.tile=250"]  # fmt: skip
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "no truth in these events, and so no efficiency" in done.output
    assert "showers_per_event" in done.output
    report = (counted / "report.html").read_text()
    assert "These events have no truth" in report
    assert "showers an event" in report
    assert "found shower" in str(index_of(report)["parts"])
    assert "dbscan" in index_of(report)["methods"]


def test_metrics_that_need_no_truth_are_those_of_the_recipe(home: Path, source: dict[str, Any]) -> None:
    metrics = ["shower_efficiency", {"name": "object_counts", "replicas": 100}]
    settings = {"source": source, "evaluation.metrics": metrics}
    folder = evaluate(home / "run", home / "chosen", Session(home / "samples"), settings)
    assert set(flat_values(folder)) & {"test.showers_per_event", "test.efficiency"} == {"test.showers_per_event"}


def test_a_sample_with_truth_is_measured_as_before(home: Path) -> None:
    values = flat_values(home / "run")
    assert {"test.efficiency", "dbscan:test.efficiency"} <= values.keys()
    assert "truth" not in json.loads((home / "run" / "provenance.json").read_text())


def test_truth_is_not_shown(tmp_path: Path) -> None:
    one, algorithm = event([[0], [0], []], weight=[0.5, 0.5, 0.0]), Parts(None)
    found = answers(algorithm, TARGET, OneEvent(one), tmp_path, None)  # type: ignore[arg-type]
    assert set(algorithm.shown.collections) == {"hits", "clusters"}
    assert not algorithm.shown.fields
    assert not algorithm.shown.clusters["weight"].any()
    assert found.tables["particles"]["weight"].tolist() == [1.0]  # the score knows them all the same


def of_real_data(truth: int) -> Events:
    """Six hits of one particle, four of them in pixels, whose truth is known in part."""
    info = {"truth": FieldInfo("int8", "", "0 none, 1 pixels, 2 all")}
    return Events(event([[0]] * 6).collections, {"truth": np.array([truth])}, info)


@pytest.mark.parametrize(
    ("truth", "subsystems", "message"),
    [
        (1, None, "the pixels alone, and hits of strips.*event 0 of one.*subsystems: pixel"),
        (1, (0, 1), "the pixels alone, and hits of strips"),
        (0, (0,), "must speak of all hits.*an event without truth"),
        (1, (0,), ""),
        (2, None, ""),
    ],
)
def test_hits_without_truth_are_not_measured(truth: int, subsystems: Any, message: str, tmp_path: Path) -> None:
    def measured() -> Any:
        sample: Any = OneEvent(of_real_data(2), of_real_data(truth))
        return answers(Parts(subsystems), TARGET, sample, tmp_path, None)  # type: ignore[arg-type]

    if message:
        with pytest.raises(ConfigError, match=message):
            measured()
    else:
        assert measured().tables["particles"]["hits"].tolist() == [6 if subsystems is None else 4] * 2


def test_tracks_of_events_without_truth_are_counted(tmp_path: Path) -> None:
    one = event([[0]] * 6)
    bare = Events({name: one.collections[name] for name in ("hits", "clusters")})
    sample: Any = OneEvent(bare, bare)
    assert not has_truth(sample)
    made = answers(Parts((0,)), TARGET, sample, tmp_path, None)  # type: ignore[arg-type]
    assert set(made.tables) == {"tracks", "members", "measured"}
    assert made.tables["measured"]["hits"].tolist() == [4, 4]  # of six, those in the region of interest
    assert made.tables["tracks"]["hits"].tolist() == [4, 4]
    values = METRICS.build("object_counts", where="test").compute(made, 0).values
    assert values["tracks_per_event"].value == 1.0
