"""The numbers behind the pictures of a section as one CSV file inside the page."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from hitforge.report.results import MethodResult

_DIGITS = 9  # significant, of a number that is not whole


def csv_address(methods: Sequence[MethodResult], names: Sequence[str]) -> str:
    """Return the ``data:`` address of the tables of some names as CSV; empty where no method has any.

    One long table: a row of a table of a method is a row, and begins with the method and the name of the table. Columns
    are those of all tables by name; a cell that a table lacks, or whose number is not known, is empty.
    """
    found = [(one.label, name, table) for one in methods for name in names if (table := one.table(name))]
    columns = list(dict.fromkeys(column for *_, table in found for column in table))
    if not columns:
        return ""
    text = io.StringIO(newline="")
    file = csv.writer(text, lineterminator="\n")
    file.writerow(["method", "table", *columns])
    for label, name, table in found:
        for row in range(max(len(values) for values in table.values())):
            cells = (table[column][row] if row < len(table.get(column, ())) else None for column in columns)
            file.writerow([label, name, *map(_cell, cells)])
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.getvalue().encode()).decode('ascii')}"


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    number = float(value)
    return "" if math.isnan(number) else str(int(number)) if number.is_integer() else f"{number:.{_DIGITS}g}"
