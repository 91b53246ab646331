from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from tests.track_tables import Sample

SIGMA = {"loc0": 0.02, "z0": 0.1, "phi": 0.001, "theta": 0.002, "q_over_p": 0.004}


def fits(number: int, scale: float = 1.0, shift: float = 0.0, bad: int = 0, errors: bool = True) -> Sample:
    """Tracks whose parameters are wrong by ``scale`` times their errors, plus ``shift`` times them."""
    random = np.random.default_rng(7)
    sample = Sample()
    for place in range(number):
        eta, phi, pt = random.uniform(-2.4, 2.4), random.uniform(-np.pi, np.pi), random.uniform(1.5, 3.0)
        d0, z0, charge = random.normal(0, 0.01), random.normal(0, 50), random.choice([-1.0, 1.0])
        true = {"loc0": d0, "z0": z0, "phi": phi, "theta": 2 * np.arctan(np.exp(-eta))}
        true["q_over_p"] = charge / (pt * np.cosh(eta))
        fit = {name: true[name] + SIGMA[name] * (scale * random.normal() + shift) for name in SIGMA}
        fit["phi"] = (fit["phi"] + np.pi) % (2 * np.pi) - np.pi
        if place < bad:
            fit = dict.fromkeys(fit, np.nan)
        if errors:
            fit |= {f"sigma_{name}": value for name, value in SIGMA.items()}
        sample.event().particle(10, pt=pt, eta=eta, phi=phi, d0=d0, z0=z0, charge=charge)
        sample.track(10, (0, 10), **fit)
    return sample


def test_the_errors_put_in_come_out(metric) -> None:
    values = metric("track_parameters").compute(fits(3000, scale=1.5, shift=0.5).predictions(), 0).values
    for name, column in (("d0", "loc0"), ("z0", "z0"), ("phi", "phi"), ("theta", "theta")):
        assert values[f"{name}_sigma68"].value == pytest.approx(1.5 * SIGMA[column], rel=0.06)
        assert values[f"{name}_mean"].value == pytest.approx(0.5 * SIGMA[column], rel=0.2)
    for name in ("d0", "z0", "phi", "theta", "q_over_pt"):
        assert values[f"{name}_pull_width"].value == pytest.approx(1.5, rel=0.06)
        assert values[f"{name}_pull_mean"].value == pytest.approx(0.5, abs=0.1)
        assert values[f"{name}_pull_width"].low < values[f"{name}_pull_width"].value
    assert values["fitted"].value == 1.0
    assert values["d0_sigma68"].n == 3000
    assert "half of the central 68.3 % of fitted - true d0 [mm]" in values["d0_sigma68"].definition


def test_relative_error_of_the_curvature(metric) -> None:
    sample = Sample()
    for place in range(40):
        theta = 2 * np.arctan(np.exp(-0.5))
        fit = {"loc0": 0.0, "z0": 0.0, "phi": 0.25, "theta": theta}
        fit["q_over_p"] = -(1.01 if place % 2 else 0.99) / (2.0 * np.cosh(0.5))
        sample.event().particle(10).track(10, (0, 10), **fit)
    values = metric("track_parameters").compute(sample.predictions(), 0).values
    assert values["q_over_pt_sigma68"].value == pytest.approx(0.01)
    assert values["q_over_pt_mean"].value == pytest.approx(0.0, abs=1e-12)
    assert "d0_pull_width" not in values  # no errors were fitted


def test_failed_fits_are_counted_and_left_out(metric) -> None:
    values = metric("track_parameters").compute(fits(100, bad=25).predictions(), 0).values
    assert (values["fitted"].value, values["fitted"].n) == (0.75, 100)
    assert values["phi_sigma68"].n == 75
    few = metric("track_parameters").compute(fits(30, bad=20).predictions(), 0).values
    assert set(few) == {"fitted"}


def test_table_in_bins_of_eta(metric) -> None:
    tables = metric("track_parameters", eta_edges=[0.0, 1.0, 2.5]).compute(fits(400).predictions(), 0).tables
    table = tables["track_parameters.eta"]
    assert table["low"].tolist() == [0.0, 1.0]
    assert table["n"].sum() == 400
    assert table["z0_sigma68"] == pytest.approx([0.1, 0.1], rel=0.3)
    assert (table["z0_sigma68_low"] < table["z0_sigma68_high"]).all()
    assert table["theta_pull_width"] == pytest.approx([1.0, 1.0], rel=0.3)


def test_displaced_and_unmatched_tracks_do_not_count(metric) -> None:
    sample = fits(40)
    good = {name: values[0] for name, values in sample.predictions().tables["tracks"].columns.items()}
    wild = {name: 100.0 * value for name, value in good.items() if name != "hits"}
    sample.event().particle(10, radius=5.0).track(10, (0, 10), **wild)
    sample.event().particle(10, pt=0.5).track(10, (0, 10), **wild)
    sample.event().particle(10).track(10, (0, 4), **wild)
    values = metric("track_parameters").compute(sample.predictions(), 0).values
    assert values["fitted"].n == 40


def test_nothing_fitted_is_nothing_measured(metric) -> None:
    result = metric("track_parameters").compute(Sample().event().particle(9).track(9, (0, 9)).predictions(), 0)
    assert (result.values, result.tables) == ({}, {})


def test_table_without_errors_has_no_pulls(metric) -> None:
    table = metric("track_parameters").compute(fits(300, errors=False).predictions(), 0).tables["track_parameters.eta"]
    assert np.isnan(table["d0_pull_width"]).all()
    assert np.isfinite(table["d0_sigma68"]).all()


def test_impossible_settings_are_refused(metric) -> None:
    with pytest.raises(ConfigError, match="prompt_radius"):
        metric("track_parameters", prompt_radius=0.0)


def test_what_a_network_says_of_momenta_is_measured(metric) -> None:
    random, sample = np.random.default_rng(3), Sample()
    for _ in range(2000):
        pt, eta = random.uniform(1.5, 3.0), random.uniform(-2.4, 2.4)
        said = {"pt": pt * (1.02 + 0.05 * random.normal()), "eta": eta + 0.01 * random.normal()}
        sample.event().particle(10, pt=pt, eta=eta).track(10, (0, 10), **said)
    values = metric("track_parameters").compute(sample.predictions(), 0).values
    assert set(values) == {f"predicted_{name}_{kind}" for name in ("pt", "eta") for kind in ("sigma68", "mean")}
    assert values["predicted_pt_sigma68"].value == pytest.approx(0.05, rel=0.06)
    assert values["predicted_pt_mean"].value == pytest.approx(0.02, rel=0.2)
    assert values["predicted_eta_sigma68"].value == pytest.approx(0.01, rel=0.06)
    assert values["predicted_pt_sigma68"].n == 2000


def test_tracks_of_one_event_that_err_together_count_as_few(metric) -> None:
    def width(shared: float) -> float:
        random, sample = np.random.default_rng(5), Sample()
        for _ in range(20):
            sample.event()
            common = random.normal()
            for place in range(10):
                error = 0.1 * (shared * common + (1 - shared**2) ** 0.5 * random.normal())
                said = {"pt": 2.0 * (1 + error), "eta": 0.5}
                sample.particle(10, pt=2.0, eta=0.5).track(10, (place, 10), **said)
        value = metric("track_parameters").compute(sample.predictions(), 0).values["predicted_pt_mean"]
        assert "over events" in value.definition
        return value.high - value.low

    assert width(0.0) < 0.02
    assert width(0.9) > 0.03


def test_tracks_of_a_single_event_are_taken_as_independent(metric) -> None:
    random, sample = np.random.default_rng(5), Sample()
    sample.event()
    for place in range(40):
        sample.particle(10, pt=2.0, eta=0.5).track(10, (place, 10), pt=2.0 * random.normal(1.0, 0.1), eta=0.5)
    value = metric("track_parameters").compute(sample.predictions(), 0).values["predicted_pt_mean"]
    assert "tracks of one event, taken as independent" in value.definition
    assert value.high - value.low == pytest.approx(2 * 0.1 / 40**0.5, rel=0.4)
