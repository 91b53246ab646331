"""Masses of jets: calibration, the search of its settings, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.baselines import BASELINES
from hitforge.baselines.jet_mass import JetMass
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.progress import Progress
from hitforge.events import Events, FieldInfo
from hitforge.tasks import TASKS
from hitforge.testing._samples import sample, toy_jets

CLOUD = sample("jets")[0]
TASK = TASKS.build("regress", where="test")


def jets(count: int, seed: int = 1, scale: float = 0.8, spread: float = 0.05) -> Events:
    """Jets whose soft-drop mass is ``scale`` of the true one, and whose own mass says nothing."""
    random = np.random.default_rng(seed)
    true = random.uniform(50, 200, count)
    events = toy_jets(count, seed)
    events.jets.columns["soft_drop_mass"][:] = scale * true * (1 + spread * random.normal(size=count))
    return events.with_fields({"true_mass": true}, {"true_mass": FieldInfo("float32", "GeV", "a mass")})


def built(**settings: Any) -> JetMass:
    algorithm = BASELINES.build({"name": "jet_mass", **settings}, CLOUD, TASK, where="test")
    assert isinstance(algorithm, JetMass)
    return algorithm


def fit(algorithm: JetMass, scale: float = 0.8) -> dict[str, Any]:
    return algorithm.fit(
        lambda: [jets(600, 1, scale), jets(300, 2, scale)], lambda: [jets(300, 3, scale)], 1, Progress()
    )


def error(algorithm: JetMass, events: Events) -> float:
    target = TASK.target(events)
    return TASK.score(algorithm.outputs(events), target)["mass_error"]


def test_a_factor_is_found_and_answers_are_the_masses() -> None:
    algorithm = built(degree=0)
    record = fit(algorithm)
    test = jets(400, 4)
    assert error(algorithm, test) == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.15)
    assert record["validation_error"] == pytest.approx(error(algorithm, jets(300, 3)), rel=1e-4)
    assert record["train_events"] == 900
    assert record["scan"] is None
    answer = TASK.decode(algorithm.outputs(test), TASK.target(test))["predicted_mass"]
    assert answer / test.jets["soft_drop_mass"] == pytest.approx(1.25, rel=0.02)


def test_the_search_finds_the_mass_that_tells() -> None:
    algorithm = built(mass="jet", degree=0, scan_events=600)
    record = fit(algorithm)
    assert record["settings"]["mass"] == "soft_drop" or "soft_drop" in record["settings"]["beside"]
    assert record["scan"]["settled"]
    assert error(algorithm, jets(400, 4)) < 0.05


def test_what_was_fitted_is_read_again(tmp_path: Path) -> None:
    algorithm = built(scan_events=400)
    fit(algorithm)
    algorithm.save(tmp_path)
    again = built(scan_events=400)
    again.load(tmp_path)
    test = jets(50, 5)
    np.testing.assert_array_equal(again.outputs(test), algorithm.outputs(test))
    path = tmp_path / "jet_mass.json"
    for text in (
        "",
        "{}",
        path.read_text().replace('"degree"', '"grade"'),
        path.read_text().replace('"weights": [', '"weights": [1.0,'),
    ):
        damaged = tmp_path / "damaged"
        damaged.mkdir(exist_ok=True)
        (damaged / "jet_mass.json").write_text(text)
        with pytest.raises(RunError, match="must hold a saved calibration"):
            built().load(damaged)


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs the task 'regress'; got: classify"):
        BASELINES.build("jet_mass", CLOUD, TASKS.build("classify", where="test"), where="test")
    with pytest.raises(RunError, match="fitted or loaded first"):
        built().outputs(jets(3))
    with pytest.raises(DataError, match="events to learn from; got: none; where: train"):
        built().fit(list, lambda: [jets(3)], 1, Progress())
