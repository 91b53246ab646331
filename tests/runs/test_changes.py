"""What a continuation may change, what it does again, and what it refuses with the settings' names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import RunError
from hitforge.runs.changes import changed_settings, changes_of, forget
from hitforge.training.config import TrainingConfig
from tests.tiny import TINY, tiny

EVALUATION = TINY["evaluation"]


def evaluation(**changed: Any) -> dict[str, Any]:
    return {"evaluation": {**EVALUATION, **changed}}


def training(**changed: Any) -> dict[str, Any]:
    return {"training": {**TINY["training"], **changed}}


def test_settings_are_named_by_dotted_keys() -> None:
    assert changed_settings({"a": {"b": 1, "c": [1]}, "d": 2}, {"a": {"b": 1, "c": [2]}}) == {
        "a.c": ([1], [2]),
        "d": (2, None),
    }
    assert changed_settings(tiny().resolved, tiny().resolved) == {}


@pytest.mark.parametrize(
    ("changed", "train", "answer", "measure", "baselines"),
    [
        (training(epochs=3), True, False, False, ()),
        (training(threads=1), False, False, False, ()),
        (evaluation(fields=["pt"]), False, True, False, ()),
        (evaluation(metrics=["confusion"]), False, False, True, ()),
        (evaluation(seed=4), False, False, True, ()),
        (evaluation(baselines=[{"name": "boosted_trees", "rounds": 9}]), False, False, False, ("boosted_trees",)),
        (evaluation(baselines=[]), False, False, False, ("boosted_trees",)),
        (evaluation(compare=[]), False, False, False, ()),
        ({"label": "mine"}, False, False, False, ()),
    ],
)
def test_only_what_changed_is_done_again(
    changed: dict[str, Any], train: bool, answer: bool, measure: bool, baselines: tuple[str, ...], tmp_path: Path
) -> None:
    found = changes_of(tmp_path, tiny(), tiny(**changed))
    assert found
    assert (found.train, found.answer, found.measure, found.baselines) == (train, answer, measure, baselines)


def test_words_alone_change_nothing(tmp_path: Path) -> None:
    expect = {"unmeasured": "never"}
    assert not changes_of(tmp_path, tiny(), tiny(description="more words", expect=expect))


def test_any_other_setting_is_refused_by_name(tmp_path: Path) -> None:
    asked = tiny(training={**TINY["training"], "lr": 0.5, "epochs": 9}, source={**TINY["source"], "seed": 8})
    told = r"source\.seed: 1 in the folder, 8 asked for; training\.lr: 0\.002 in the folder, 0\.5 asked for"
    with pytest.raises(RunError, match=told) as caught:
        changes_of(tmp_path, tiny(), asked)
    assert "epochs: 2" not in str(caught.value)


def test_a_training_does_not_go_back_nor_on_without_its_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,lr\n1,0.1\n2,0.1\n")
    with pytest.raises(RunError, match="1 epochs, 2 are trained"):
        changes_of(tmp_path, tiny(), tiny(**training(epochs=1)))
    assert changes_of(tmp_path, tiny(), tiny(**training(epochs=5))).epochs == (2, 5)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="from its checkpoint"):
        changes_of(tmp_path, tiny(), tiny(**training(epochs=5)))


def test_a_training_that_had_enough_says_so(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,lr\n1,0.1\n2,0.1\n")
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.safetensors").write_bytes(b"")
    there = tiny(**training(epochs=9, patience=1))
    with pytest.raises(RunError, match=r"nothing improved for 1.*--set training\.patience=0"):
        changes_of(tmp_path, there, tiny(**training(epochs=12, patience=1)))
    assert changes_of(tmp_path, there, tiny(**training(epochs=12))).train


@pytest.mark.parametrize(
    ("schedule", "warmup", "same"), [("one_cycle", 0.2, False), ("constant", 0.0, True), ("constant", 0.2, False)]
)
def test_a_longer_schedule_is_told_honestly(schedule: Any, warmup: float, same: bool, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,lr\n1,0.1\n2,0.1\n")
    told = changes_of(tmp_path, tiny(), tiny(**training(epochs=5))).continued(
        TrainingConfig(epochs=5, schedule=schedule, warmup=warmup)
    )
    assert told is not None
    assert (told["epochs"], told["as_from_the_start"]) == ([2, 5], same)
    assert ("not the same" in told["text"]) != same


def test_what_is_stale_goes_and_what_was_learned_stays(tmp_path: Path) -> None:
    files = ("provenance.json", "model.safetensors", "metrics.json", "predictions.parquet", "history.csv",
             "baselines/boosted_trees/record.json", "baselines/boosted_trees/metrics.json",
             "baselines/boosted_trees/predictions.parquet")  # fmt: skip

    def left(**changed: Any) -> set[str]:
        for name in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("")
        (tmp_path / "checkpoints").mkdir(exist_ok=True)
        (tmp_path / "checkpoints" / "last.safetensors").write_text("")
        (tmp_path / "history.csv").write_text("epoch\n1\n2\n")
        forget(tmp_path, changes_of(tmp_path, tiny(), tiny(**changed)))
        return {name for name in files if not (tmp_path / name).exists()} - {"provenance.json"}

    assert left(**training(epochs=4)) == {"model.safetensors", "metrics.json", "predictions.parquet"}
    assert left(**evaluation(seed=3)) == {"metrics.json", "baselines/boosted_trees/metrics.json"}
    assert left(**evaluation(baselines=[])) == {name for name in files if name.startswith("baselines")}
    both = {"metrics.json", "predictions.parquet"}
    assert left(**evaluation(saliency=0)) == both | {f"baselines/boosted_trees/{name}" for name in both}
