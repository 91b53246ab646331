from __future__ import annotations

from tests.report.drawing import BARE, draw, section


def test_its_numbers_stand_in_a_table_of_their_own_with_what_they_are_not() -> None:
    told = section("colliderml_score").headline(BARE)
    assert told.table == "colliderml"
    assert [column[0] for column in told.columns][:2] == ["colliderml_trackml_eff", "colliderml_fake_rate"]
    assert "not to be read as efficiencies" in told.note
    assert draw("colliderml_score", BARE) == {}
