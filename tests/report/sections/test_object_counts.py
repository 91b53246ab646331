from __future__ import annotations

from hitforge.report.page import _tables
from tests.report.drawing import BARE, draw, method, results, section


def test_counts_stand_beside_each_other_and_shares_in_percent() -> None:
    methods = [method("net", showers_per_event=3.5, share_of_energy=0.8), method("cone", showers_per_event=4.0)]
    (table,) = _tables(results([*methods, method("none", roc_auc=0.9)]), [section("object_counts")])
    assert table["columns"] == ["showers an event", "of all hits' energy [%]"]
    assert [one.label for one, _ in table["rows"]] == ["net", "cone"]
    assert [value and value["value"] for value in table["rows"][0][1]] == [3.5, 80.0]
    assert table["rows"][1][1][1] is None
    assert table["n"] == 7
    assert table["note"].endswith("nothing here says what is right.")


def test_objects_of_another_kind_stand_under_their_own_name() -> None:
    one = method("net", rings_per_event=2.0, loss=3.0)
    one.metrics["test.rings_per_event"]["definition"] = "object_counts v1: mean number of rings in an event"
    (table,) = _tables(results([one]), [section("object_counts")])
    assert table["columns"] == ["rings per event"]


def test_what_counted_nothing_has_no_table() -> None:
    assert _tables(results([method("net", roc_auc=0.9)]), [section("object_counts")]) == []
    assert _tables(results([]), [section("object_counts")]) == []
    assert draw("object_counts", BARE) == {}
