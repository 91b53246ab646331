from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitforge.report import figures_curves as curves
from hitforge.report.results import MethodResult, read_run
from hitforge.report.style import look

CLASSES = ("photon", "electron")
DRAW = {
    "headline": lambda methods: curves.headline(methods),
    "training": lambda methods: curves.training(methods),
    "roc": lambda methods: curves.roc(methods, "electron", "photon"),
    "scores": lambda methods: curves.scores(methods, CLASSES, "electron"),
    "calibration": lambda methods: curves.calibration(methods, "electron"),
    "confusion": lambda methods: curves.confusion(methods, CLASSES),
}


@pytest.fixture(scope="module")
def methods(whole_run):
    return read_run(whole_run).methods


@pytest.mark.parametrize("name", DRAW)
def test_each_figure_is_drawn_and_more_methods_change_it(methods, name):
    with look():
        every, alone = DRAW[name](methods), DRAW[name](methods[:1])
    assert every.source.startswith("data:image/svg+xml;base64,")
    assert every.source != alone.source
    assert every.alt


@pytest.mark.parametrize("name", DRAW)
def test_nothing_measured_gives_no_figure(name):
    with look():
        assert DRAW[name]([MethodResult("empty", "network", {}, {}, {})]) is None


def test_headline_says_its_numbers_to_those_who_cannot_see_it(methods):
    with look():
        alt = curves.headline(methods).alt
    assert all(one.label in alt for one in methods)
    assert "±" in alt


def test_profile_gives_a_picture_a_field(methods):
    with look():
        assert [one.alt for one in curves.profiles(methods[:1], CLASSES, "electron")] == [
            "AUC and score against pt",
            "AUC and score against eta",
        ]


def test_one_epoch_is_shown_as_a_point(methods):
    short = replace(methods[0], history={"epoch": np.array([0.0]), "train_loss": np.array([0.7])})
    with look():
        assert curves.training([short]) is not None


def test_perfect_separation_can_be_drawn(methods):
    tables = {
        "roc": {"fpr": np.array([0.0, 0.0, 1.0]), "tpr": np.array([0.0, 1.0, 1.0])},
        "background_efficiency": {
            name: np.array([value])
            for name, value in {"signal_efficiency": 0.8, "background_efficiency": 0.0, "low": 0.0, "high": 0.1}.items()
        },
    }
    with look():
        assert curves.roc([replace(methods[0], tables=tables)], "electron", "photon") is not None
