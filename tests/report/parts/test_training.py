from __future__ import annotations

from dataclasses import replace

import numpy as np

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw, results


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


def test_one_epoch_is_shown_as_a_point(whole_run) -> None:
    short = {"epoch": np.array([0.0]), "train_loss": np.array([0.7])}
    (one,) = draw("training", results([replace(read_run(whole_run).methods[0], history=short)]))["training"]
    assert one.axes[0].lines[0].get_marker() == "o"


def test_no_network_was_trained() -> None:
    assert draw("training", BARE) == {}
