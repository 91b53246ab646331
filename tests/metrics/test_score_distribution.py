from __future__ import annotations

import numpy as np


def test_counts_by_hand(metric, predictions):
    table = (
        metric("score_distribution", bins=2)
        .compute(predictions([0.1, 0.5, 1.0, 0.0], [0, 0, 1, 1]), 0)
        .tables["score_distribution"]
    )
    np.testing.assert_array_equal(table["low"], [0.0, 0.5])
    np.testing.assert_array_equal(table["high"], [0.5, 1.0])
    np.testing.assert_array_equal(table["count_photon"], [1, 1])
    np.testing.assert_array_equal(table["count_electron"], [1, 1])


def test_no_event_is_lost(metric, three_classes):
    table = metric("score_distribution").compute(three_classes, 0).tables["score_distribution"]
    target = three_classes.columns["target"]
    assert [table[f"count_{name}"].sum() for name in "abc"] == np.bincount(target).tolist()
