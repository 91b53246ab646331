from __future__ import annotations

from dataclasses import replace

import numpy as np

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw, results, section


def test_losses_scores_and_rate_against_the_epoch(whole_run) -> None:
    run = read_run(whole_run)
    (one,) = draw("training", run)["training"]
    loss, score, rate = one.axes
    history = run.methods[0].history
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), history["train_loss"])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), history["validation_loss"])
    np.testing.assert_array_equal(score.lines[0].get_ydata(), history["roc_auc"])
    np.testing.assert_array_equal(
        rate.lines[1].get_data(), (run.methods[2].history["epoch"], run.methods[2].history["lr"])
    )
    assert [axes.get_ylabel() for axes in one.axes] == ["loss", "validation ROC AUC", "learning rate"]


def test_one_epoch_is_a_sentence_and_no_picture(whole_run) -> None:
    short = {name: np.array([value]) for name, value in
             {"epoch": 0.0, "train_loss": 0.7, "validation_loss": 0.6, "roc_auc": 0.8, "lr": 1e-3}.items()}  # fmt: skip
    run = results([replace(read_run(whole_run).methods[0], history=short)])
    assert draw("training", run) == {}
    (part,) = section("training").subsections(run)
    assert part.note == (
        "residual network was trained for one epoch: loss 0.7, validation loss 0.6, validation ROC AUC 0.8."
    )


def test_columns_without_numbers_have_no_panel(whole_run) -> None:
    history = {"epoch": np.arange(3.0), "train_loss": np.array([3.0, 2.0, 1.0]), "roc_auc": np.full(3, np.nan)}
    (one,) = draw("training", results([replace(read_run(whole_run).methods[0], history=history)]))["training"]
    assert [axes.get_ylabel() for axes in one.axes] == ["loss"]
    (legend,) = one.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation", "residual network"]


def test_ends_of_the_training_stand_in_the_alternative_text(whole_run) -> None:
    run = read_run(whole_run)
    (one,) = draw("training", run)["training"]
    losses = run.methods[0].history["validation_loss"]
    assert f"residual network, 20 epochs: validation loss {losses[0]:.4g} at first, {losses[-1]:.4g} at last" in one.alt


def test_no_network_was_trained() -> None:
    assert draw("training", BARE) == {}
