from __future__ import annotations

from hitforge.report.figures_counts import headline_table

from hitforge.report.results import MethodResult


def _method(label: str, **values: float) -> MethodResult:
    metrics = {
        f"test.{name}": {"value": v, "low": v, "high": v, "definition": "", "n": 7} for name, v in values.items()
    }
    return MethodResult(label, "network", metrics, {}, {})


def test_counts_stand_beside_each_other_and_shares_in_percent() -> None:
    first = _method("net", showers_per_event=3.5, share_of_energy=0.8)
    table = headline_table([first, _method("cone", showers_per_event=4.0), _method("none", roc_auc=0.9)])
    assert table is not None
    assert table["columns"] == ["showers an event", "of all hits' energy [%]"]
    assert [one.label for one, _ in table["rows"]] == ["net", "cone"]
    assert [value and value["value"] for value in table["rows"][0][1]] == [3.5, 80.0]
    assert table["rows"][1][1][1] is None
    assert table["n"] == 7


def test_what_counted_nothing_has_no_table() -> None:
    assert headline_table([_method("net", roc_auc=0.9)]) is None
    assert headline_table([]) is None
