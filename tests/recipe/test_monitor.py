"""Which number a training watches, and that a wrong one is found when the recipe is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.metrics import METRICS
from hitforge.recipe.monitor import monitor_of
from hitforge.tasks import TASKS
from hitforge.tasks.classify import Classify
from tests.tiny import tiny


def found(task: str, name: str, *metrics: str, **settings: Any) -> Any:
    built = TASKS.build({"name": task, **settings}, where="test")
    wanted = metrics or built.usual_metrics
    return monitor_of(built, [METRICS.build(one, where="test") for one in wanted], name, "recipe: training.monitor")


@pytest.mark.parametrize(
    ("task", "name", "better", "value", "metric"),
    [
        ("classify", "loss", "min", "validation_loss", None),
        ("classify", "roc_auc", "max", "roc_auc", "roc_auc"),
        ("classify", "roc_auc.roc_auc", "max", "roc_auc", "roc_auc"),
        ("classify", "calibration.brier", "min", "calibration.brier", "calibration"),
        ("classify", "background_efficiency.at_0.80", "min", "background_efficiency.at_0.80", "background_efficiency"),
        ("shower", "energy_resolution.energy_error", "min", "energy_error", "energy_resolution"),
        ("shower", "energy_sigma68", "min", "energy_sigma68", "energy_resolution"),
        ("shower", "energy_error", "min", "energy_error", None),  # the task's own
        ("classify_edges", "edge_auc", "max", "edge_auc", None),
        ("condense_hits", "fakes", "min", "fakes", None),
        ("embed_hits", "event_means.edge_purity", "max", "edge_purity", None),
        ("find_tracks", "trackml_score", "max", "trackml_score", "trackml_score"),
    ],
)
def test_a_number_is_found_by_its_name(task: str, name: str, better: str, value: str, metric: str | None) -> None:
    one = found(task, name)
    assert (one.name, one.better, one.value) == (name, better, value)
    assert (one.metric.name if one.metric is not None else None) == metric


@pytest.mark.parametrize(
    ("task", "name", "message"),
    [
        ("classify", "roc_acu", "no number 'roc_acu' to monitor: did you mean 'roc_auc'"),
        ("shower", "energy_resolution.energy_eror", "did you mean 'energy_resolution.energy_error'"),
        ("shower", "energy_resolution", "no number 'energy_resolution' to monitor"),
        ("shower", "direction_resolution.direction_error", "no number"),  # the task does not ask for it
        ("classify", "energy_resolution.energy_error", "no number"),
        ("classify_edges", "edge_acu", "did you mean 'edge_auc'"),
    ],
)
def test_an_unknown_number_is_an_error_with_the_nearest_name(task: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        found(task, name)
    assert "training.monitor" in str(error.value)


def test_a_name_of_several_metrics_must_be_written_out() -> None:
    class Plain(Classify):
        scores = {}  # type: ignore[assignment]  # noqa: RUF012

    metrics = [METRICS.build(one, where="test") for one in ("confusion", "class_roc")]
    with pytest.raises(ConfigError, match=r"write confusion\.accuracy or class_roc\.accuracy"):
        monitor_of(Plain(Classify.Config()), metrics, "accuracy", "test")
    assert found("classify", "accuracy", "confusion", "class_roc").metric is None
    assert found("classify", "class_roc.accuracy", "confusion", "class_roc").metric.name == "class_roc"


def test_it_is_checked_when_the_recipe_is_read() -> None:
    with pytest.raises(ConfigError, match=r"no number 'calibration.brir'.*did you mean 'calibration.brier'"):
        tiny(training={"epochs": 1, "monitor": "calibration.brir"})
    assert tiny(training={"epochs": 1, "monitor": "calibration.brier"}).monitor.better == "min"


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_says_which_of_its_numbers_can_be_monitored(name: str) -> None:
    built = METRICS.build(name, where="test")
    for task in TASKS.names():
        told = built.monitored(TASKS.build(task, where="test"))
        assert set(told.values()) <= {"max", "min"}


def test_reading_a_recipe_imports_no_framework(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    from hitforge.core.config import dump_yaml
    from tests.tiny import TINY

    path = tmp_path / "tiny.yaml"
    path.write_text(dump_yaml({**TINY, "source": {**TINY["source"], "train": 2, "validation": 2, "test": 2}}))
    code = (
        "import sys; from pathlib import Path; from hitforge.recipe.recipe import read_recipe\n"
        "from hitforge.runs.sample import description_of\n"
        "from hitforge.events import build_dataset\n"
        "plan = read_recipe(Path(sys.argv[1]), network=False)\n"
        "build_dataset(plan.source, Path(sys.argv[2]), description_of(plan.detector, plan.source))\n"
        "print(sorted({'torch', 'keras', 'tensorflow', 'lightning_fabric'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "sample")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
