from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError


@pytest.fixture
def sample(gaussian, predictions):
    """Scores that are useful at small |eta| only."""
    random = np.random.default_rng(0)
    plain = gaussian(1, 2000, 2000, 1.5)
    eta = random.uniform(-1.0, 1.0, 4000)
    score = np.where(np.abs(eta) < 0.5, plain.score, random.random(4000))
    return predictions(score, plain.is_signal, eta=eta, pt=np.full(4000, 50.0), run=np.arange(4000))


def test_auc_follows_the_field(metric, sample):
    table = metric("score_profile", bins=8).compute(sample, 0).tables["score_profile.eta"]
    assert len(table["auc"]) == 8
    np.testing.assert_allclose(table["n"], 500, atol=1)
    inner = np.abs(table["centre"]) < 0.5
    assert (table["auc"][inner] > 0.75).all()
    assert (table["auc"][~inner] < 0.65).all()
    assert (table["mean_electron"][inner] > table["mean_photon"][inner] + 0.2).all()
    assert (table["low_photon"] <= table["median_photon"]).all()
    assert (table["median_photon"] <= table["high_photon"]).all()
    np.testing.assert_allclose(table["low"][1:], table["high"][:-1])


def test_a_bin_that_separates_fully_has_a_width(metric, predictions):
    truth = np.arange(40) % 2
    score = np.where(truth == 1, 0.9, 0.1) + 0.05 * np.random.default_rng(0).random(40)
    sample = predictions(score, truth, pt=np.linspace(1.0, 2.0, 40))
    table = metric("score_profile", bins=1).compute(sample, 0).tables["score_profile.pt"]
    same = metric("roc_auc").compute(sample, 0).values["roc_auc"]
    assert (table["auc"].tolist(), table["auc_high"].tolist()) == ([1.0], [1.0])
    assert table["auc_low"] == pytest.approx([same.low])
    assert same.low == pytest.approx(0.912, abs=1e-3)


def test_constant_field_has_one_bin(metric, sample):
    table = metric("score_profile").compute(sample, 0).tables["score_profile.pt"]
    assert (table["n"].tolist(), table["low"].tolist(), table["high"].tolist()) == ([4000], [50.0], [50.0])


def test_usual_fields_may_be_absent_but_named_ones_may_not(metric, gaussian):
    plain = gaussian(1, 50, 50, 1.0)
    assert metric("score_profile").compute(plain, 0).tables == {}
    with pytest.raises(DataError, match="must have the column 'phi'"):
        metric("score_profile", columns=["phi"]).compute(plain, 0)


def test_chosen_field(metric, sample):
    assert set(metric("score_profile", columns=["run"]).compute(sample, 0).tables) == set()  # signal comes first
    assert set(metric("score_profile", columns=["run"], bins=1).compute(sample, 0).tables) == {"score_profile.run"}


def test_bins_with_few_events_are_left_out(metric, predictions):
    truth = np.concatenate([np.tile([0, 1], 50), np.zeros(100, int)])
    pt = np.concatenate([np.linspace(0, 1, 100), np.linspace(2, 3, 100)])
    sample = predictions(np.linspace(0, 1, 200), truth, pt=pt)
    table = metric("score_profile", bins=2).compute(sample, 0).tables["score_profile.pt"]
    assert table["n"].tolist() == [100]
