from __future__ import annotations

import re
from dataclasses import replace

from tests.report.drawing import BARE, draw, method, results, section


def test_score_stands_in_the_table_of_tracks_and_has_no_picture() -> None:
    told = section("trackml_score").headline(BARE)
    assert (told.table, told.columns) == ("tracks", (("trackml_score_target", "TrackML score, target [%]", 100.0),))
    assert draw("trackml_score", BARE) == {}


def test_answer_says_the_score_and_the_paired_difference() -> None:
    away = {"trackml_score_target_difference": {"value": -0.1, "low": -0.12, "high": -0.08}}
    methods = [
        method("net", trackml_score_target=0.8, trackml_score=0.3),
        replace(method("filter", trackml_score_target=0.9), kind="baseline"),
    ]
    run = results(methods, comparisons=[{"first": "net", "second": "filter", "values": away}])
    assert re.sub("<.*?>", "", section("trackml_score").answer(run)) == (
        "On 7 test events, net has a TrackML score of 80.0 ± 1.0 % over the particles that are asked for, "
        "30.0 ± 1.0 % over all. The classical algorithm filter is better. "
        "On the same events, beside filter: 10.0 ± 2.0 percentage points worse."
    )
    assert section("trackml_score").answer(BARE) is None
