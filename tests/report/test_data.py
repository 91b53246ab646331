from __future__ import annotations

import base64
import csv
import io

import numpy as np
import pytest

from hitforge.report._data import csv_address
from tests.report.drawing import method


def _rows(address: str) -> list[dict[str, str]]:
    kind, _, code = address.partition(",")
    assert kind == "data:text/csv;charset=utf-8;base64"
    return list(csv.DictReader(io.StringIO(base64.b64decode(code).decode())))


def test_all_methods_and_tables_stand_in_one_long_table():
    first = method("a, b", {"roc": {"fpr": [0.0, 0.5], "tpr": [0.25, 1.0]}, "bins": {"low": [3.0], "kind": ["π⁺"]}})
    second = method('the "other"', {"roc": {"fpr": [0.125], "tpr": [1.0]}, "unasked": {"x": [1.0]}})
    rows = _rows(csv_address([first, second], ("roc", "bins")))
    assert list(rows[0]) == ["method", "table", "fpr", "tpr", "low", "kind"]
    assert [tuple(row.values()) for row in rows] == [
        ("a, b", "roc", "0", "0.25", "", ""),
        ("a, b", "roc", "0.5", "1", "", ""),
        ("a, b", "bins", "", "", "3", "π⁺"),
        ('the "other"', "roc", "0.125", "1", "", ""),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(np.nan, ""), (np.inf, "inf"), (-np.inf, "-inf"), (1e9, "1000000000"), (0.1, "0.1"), (1 / 3, "0.333333333")],
)
def test_numbers_are_written_to_nine_digits(value, text):
    assert _rows(csv_address([method("a", {"t": {"x": [value], "y": [1.0]}})], ("t",)))[0]["x"] == text


def test_columns_of_a_table_may_differ_in_length():
    rows = _rows(csv_address([method("a", {"t": {"x": [1.0, 2.0], "y": [3.0]}})], ("t",)))
    assert [(row["x"], row["y"]) for row in rows] == [("1", "3"), ("2", "")]


def test_nothing_gives_no_address():
    assert csv_address([method("a", {"t": {"x": [1.0]}})], ("other",)) == ""
    assert csv_address([], ("t",)) == ""
