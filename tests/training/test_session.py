"""What a training remembers: the best epoch, when to stop, its files, and whose checkpoint it is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, RunError
from hitforge.training import _weights
from hitforge.training._session import TrainingSession, differences
from hitforge.training.config import TrainingConfig

SAMPLE = {"train_batches": 10, "train_events": 100, "validation_events": 20}
NAN = float("nan")


def make(folder: Path, better: Any = "max", **settings: Any) -> TrainingSession:
    return TrainingSession(TrainingConfig(**{"epochs": 9, **settings}), {"model": "plain_cnn"}, SAMPLE, folder, better)


def train(session: TrainingSession, values: Sequence[float]) -> TrainingSession:
    """Let epochs end with these monitored numbers, until the session is finished."""
    for value in values:
        if session.finished:
            break
        state = {"weight": np.array([float(session.epoch)])}
        session.end_epoch((0.5, 0.6), {"roc_auc": value}, (1.0, 0.1), lambda kept=state: kept, lambda kept=state: kept)
    session.close()
    return session


@pytest.mark.parametrize(
    ("settings", "values", "best"),
    [
        ({}, (0.5, 0.7, 0.6), 2),
        ({}, (0.7, 0.7, 0.7), 1),  # the first of equal ones
        ({"better": "min"}, (0.5, 0.7, 0.4), 3),
        ({}, (NAN, 0.2, NAN), 2),
        ({}, (NAN, NAN), 1),
    ],
)
def test_the_best_epoch_is_kept(tmp_path: Path, settings: dict[str, Any], values: Sequence[float], best: int) -> None:
    session = train(make(tmp_path, **settings), values)
    assert session.best_epoch == best
    tensors, header = _weights.read(session.best_path)
    assert (tensors["weight"][0], header["epoch"]) == (best - 1, best)


def test_patience_counts_epochs_without_improvement(tmp_path: Path) -> None:
    session = train(make(tmp_path, patience=2), (0.5, 0.6, 0.6, 0.5, 0.9))
    assert (session.epoch, session.best_epoch) == (4, 2)
    assert not train(make(tmp_path / "patient"), (0.5, 0.4, 0.3)).finished


def test_history_has_a_row_an_epoch(tmp_path: Path) -> None:
    train(make(tmp_path), (0.5, 0.75))
    with (tmp_path / "history.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [float(row["roc_auc"]) for row in rows] == [0.5, 0.75]
    assert {"epoch", "train_loss", "validation_loss", "lr", "seconds", "wait_seconds"} <= set(rows[0])


def test_a_continuation_knows_what_was_done(tmp_path: Path) -> None:
    train(make(tmp_path), (0.5, 0.8, 0.7))
    (tmp_path / "history.csv").unlink()  # written again from the checkpoint
    again = make(tmp_path, threads=3)
    assert (again.epoch, again.best_epoch) == (3, 2)
    assert again.tensors is not None
    assert again.tensors["weight"][0] == 2.0
    assert (tmp_path / "history.csv").exists()
    assert again.rate(35) == make(tmp_path / "new").rate(35)


def test_a_training_goes_on_to_more_epochs_with_their_learning_rates(tmp_path: Path) -> None:
    train(make(tmp_path, epochs=2), (0.5, 0.8))
    assert make(tmp_path, epochs=2).finished
    longer = make(tmp_path, epochs=6, patience=4)
    assert not longer.finished
    assert (longer.epoch, longer.best_epoch) == (2, 2)
    assert longer.rate(25) == make(tmp_path / "new", epochs=6).rate(25)
    train(longer, (0.7, 0.9))
    assert [row["roc_auc"] for row in make(tmp_path, epochs=6).rows] == [0.5, 0.8, 0.7, 0.9]


@pytest.mark.parametrize(
    ("settings", "message"), [({"lr": 1e-4}, r"training\.lr is"), ({"seed": 7}, r"training\.seed is 1 there and 7")]
)
def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    train(make(tmp_path), (0.5,))
    with pytest.raises(RunError, match=message):
        make(tmp_path, **settings)


def test_a_checkpoint_without_its_best_weights_is_refused(tmp_path: Path) -> None:
    train(make(tmp_path), (0.5,)).best_path.unlink()
    with pytest.raises(RunError, match="best weights"):
        make(tmp_path)


def test_an_unknown_monitor_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'roc_auc'"):
        train(make(tmp_path, monitor="roc_acu"), (0.5,))


def test_a_loss_that_is_not_finite_names_epoch_and_step(tmp_path: Path) -> None:
    session = train(make(tmp_path), (0.5,))
    session.check_finite(np.array([0.1, 0.2]), 0)
    with pytest.raises(RunError, match="epoch 2, step 7"):
        session.check_finite(np.array([0.1, np.inf]), 5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_the_loss_of_an_epoch_is_weighted_by_what_its_batches_hold(tmp_path: Path) -> None:
    session = make(tmp_path)
    assert session.mean_loss(np.array([1.0, 4.0, 9.0]), [2, 1, 0]) == 2.0
    with pytest.raises(RunError, match=r"something to learn from.*2 batches; where: epoch 1; do: "):
        session.mean_loss(np.array([0.0, 0.0]), [0, 0])


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_equal_descriptions_do_not_differ(values: dict[str, Any]) -> None:
    assert differences(values, values) == []


def test_differences_name_the_key() -> None:
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}) == ["a.c is 2 there and 3 here"]
    assert differences({"a": 1}, {}) == ["a is 1 there and None here"]
