from __future__ import annotations

from tests.report.drawing import BARE, draw, section


def test_score_stands_in_the_table_of_tracks_and_has_no_picture() -> None:
    told = section("trackml_score").headline(BARE)
    assert (told.table, told.columns) == ("tracks", (("trackml_score", "TrackML score [%]", 100.0),))
    assert draw("trackml_score", BARE) == {}
