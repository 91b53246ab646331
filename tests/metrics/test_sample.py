from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics._sample import require_same_events

REGRESSION = ["energy_resolution", "position_resolution", "direction_resolution", "value_response"]
TRACKS = ["tracking_efficiency", "track_parameters", "trackml_score", "gnn_tracking_rates", "colliderml_score"]
SHOWERS = ["average_precision", "shower_efficiency", "shower_response"]
OTHERS = (*REGRESSION, *TRACKS, *SHOWERS, "event_means", "object_counts")  # event_means: any
NAMES = [name for name in METRICS.names() if name not in OTHERS]


def test_all_metrics_are_registered():
    expected = {"background_efficiency", "calibration", "confusion", "roc_auc", "score_distribution", "score_profile"}
    assert expected | {"class_roc"} <= set(NAMES)
    assert set(REGRESSION) <= set(METRICS.names())


@pytest.mark.parametrize("name", NAMES)
def test_regression_is_refused_by_name_of_what_is_missing(metric, name):
    sample = Predictions({"true_energy": np.ones(5), "predicted_energy": np.ones(5)})
    with pytest.raises(DataError, match=r"measures a classification.*got: true_energy.*evaluation.metrics"):
        metric(name).compute(sample, 0)


@pytest.mark.parametrize("name", TRACKS)
def test_what_is_no_tracks_is_refused_by_name_of_what_is_missing(metric, gaussian, name):
    with pytest.raises(DataError, match=r"measures tracks.*got: target.*evaluation.metrics"):
        metric(name).compute(gaussian(1, 20, 20, 1.0), 0)


@pytest.mark.parametrize("name", SHOWERS)
def test_what_is_no_showers_is_refused_by_name_of_what_is_missing(metric, gaussian, name):
    with pytest.raises(DataError, match=r"measures showers.*got: target.*evaluation.metrics"):
        metric(name).compute(gaussian(1, 20, 20, 1.0), 0)


@pytest.mark.parametrize("name", REGRESSION)
def test_classification_is_refused_by_name_of_what_is_missing(metric, gaussian, name):
    sample = gaussian(1, 20, 20, 1.0)
    with pytest.raises(DataError, match=r"measures a regression.*got: target.*evaluation.metrics"):
        metric(name).compute(sample, 0)
    with pytest.raises(DataError, match="measures a regression"):
        metric(name).compare(sample, sample, 0)


def test_predictions_may_differ_and_the_truth_only_by_rounding():
    true = np.linspace(5, 300, 50)
    first = Predictions({"true_energy": true, "predicted_energy": true, "eta": true / 100})
    second = Predictions({"true_energy": true * (1 + 1e-7), "predicted_energy": 2 * true, "eta": true / 100})
    require_same_events(first, second)
    for name, other in (("true_energy", true * 1.01), ("true_energy", true[::-1]), ("eta", true / 100 + 1e-9)):
        with pytest.raises(DataError, match=f"different '{name}'"):
            require_same_events(first, Predictions({**second.columns, name: other}))
    with pytest.raises(DataError, match="50 and 3 events"):
        require_same_events(first, Predictions({"true_energy": true[:3]}))


@pytest.mark.parametrize("name", NAMES)
def test_empty_sample_is_refused(metric, predictions, name):
    with pytest.raises(DataError, match="at least one event"):
        metric(name).compute(predictions(np.zeros(0), np.zeros(0)), 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_score_that_is_not_finite_is_refused_with_its_event(metric, predictions, name, bad):
    with pytest.raises(DataError, match=r"score_(electron|photon)' must be finite.*event 2"):
        metric(name).compute(predictions([0.1, 0.9, bad, 0.3], [0, 1, 1, 0]), 0)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"confusion", "class_roc"}])
@pytest.mark.parametrize(("truth", "missing"), [(np.zeros(4), "signal"), (np.ones(4), "background")])
def test_missing_class_is_refused_by_name(metric, predictions, name, truth, missing):
    with pytest.raises(DataError, match=f"no {missing}"):
        metric(name).compute(predictions(np.linspace(0.1, 0.9, 4), truth), 0)


@pytest.mark.parametrize("name", NAMES)
def test_missing_column_is_refused(metric, name):
    with pytest.raises(DataError, match=r"must have the column 'score_(electron|photon)'"):
        metric(name).compute(Predictions({"target": np.array([0, 1])}, ("photon", "electron"), 1), 0)


@pytest.mark.parametrize("bad", [2, -1, 0.5])
def test_target_outside_the_classes_is_refused(metric, bad):
    sample = Predictions(
        {"target": np.array([0, 1, bad]), "score_a": np.full(3, 0.5), "score_b": np.full(3, 0.5)}, ("a", "b"), 1
    )
    with pytest.raises(DataError, match="index of one of a, b"):
        metric("confusion").compute(sample, 0)


def test_column_of_wrong_length_is_refused(metric):
    sample = Predictions({"target": np.array([0, 1]), "score_b": np.full(3, 0.5)}, ("a", "b"), 1)
    with pytest.raises(DataError, match="one value an event"):
        metric("roc_auc").compute(sample, 0)


@pytest.mark.parametrize("name", ["calibration", "score_distribution"])
def test_score_that_is_no_probability_is_refused(metric, predictions, name):
    with pytest.raises(DataError, match="probabilities"):
        metric(name).compute(predictions([0.2, 1.5], [0, 1]), 0)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_same_numbers_and_values_lie_in_their_intervals(metric, gaussian, name):
    sample = gaussian(1, 400, 300, 1.0)
    first, again = metric(name).compute(sample, 7), metric(name).compute(sample, 7)
    assert first.values == again.values
    for value in first.values.values():
        assert value.low <= value.value <= value.high
        assert value.n == 700
        assert value.definition.startswith(f"{name} v{METRICS.get(name).version}: ")
    for table in first.tables.values():
        assert len({len(column) for column in table.values()}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_three_classes_are_measured(metric, three_classes, name):
    result = metric(name).compute(three_classes, 0)
    assert result.values or name in {"score_distribution", "score_profile"}
