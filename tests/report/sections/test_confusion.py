from __future__ import annotations

import numpy as np

from tests.report.drawing import BARE, draw, method, results, section, texts_of

TABLE = {
    "truth": ["cat", "cat", "dog"],
    "predicted": ["cat", "dog", "dog"],
    "share": [0.75, 0.25, 1.0],
    "count": [3, 1, 9],
}


def test_share_and_count_stand_where_truth_and_answer_meet() -> None:
    run = results([method("net", {"confusion": TABLE})], sample={"classes": ["cat", "dog"]})
    (axes,) = draw("confusion", run)["confusion"][0].axes
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array().filled(np.nan), [[0.75, 0.25], [np.nan, 1.0]])
    assert texts_of(axes) == ["75.0 %\n3", "25.0 %\n1", "100.0 %\n9"]
    assert [text.get_position() for text in axes.texts] == [(0, 0), (1, 0), (1, 1)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answer", "truth")


def test_nothing_measured_draws_nothing() -> None:
    assert draw("confusion", BARE) == {}


def test_right_answers_stand_in_the_alternative_text_and_an_empty_table_has_no_panel() -> None:
    empty = {name: [] for name in TABLE}
    methods = [method("net", {"confusion": TABLE}), method("none", {"confusion": empty})]
    run = results(methods, sample={"classes": ["cat", "dog"]})
    (one,) = draw("confusion", run)["confusion"]
    assert len(one.axes) == 1
    assert one.alt == "Confusion matrices. Answered right: net 75 % of cat; net 100 % of dog."
    (part,) = section("confusion").subsections(run)
    assert part.data == ("confusion",)
    assert draw("confusion", results(methods[1:])) == {}
