"""Settings and names that come from the command line."""

from __future__ import annotations

import pytest
from rich.table import Table

from hitforge.cli._console import cores, escape, out, pair
from hitforge.core.errors import ConfigError


def test_a_setting_is_read_as_yaml() -> None:
    assert pair("source.eta=[0.1, 1e-3]") == ("source.eta", [0.1, 1e-3])
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        pair("source.eta")


def test_zero_workers_stand_for_all_cores() -> None:
    assert cores(3) == 3
    assert cores(0) >= 1


NAMES = ["[red]e.png", "a[/]b", "[bold", "run[1].csv", "x:smile:y", "\\[red]", "tail\\", "[link=x]y", "a[/red][b]"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_printed_as_they_are(name: str) -> None:
    with out.capture() as printed:
        out.print(f"[bold]{escape(name)}[/]: there")
        table = Table("what", title=escape(name))
        table.add_row(escape(name))
        out.print(table)
    lines = printed.get().splitlines()
    assert lines[0] == f"{name}: there"
    assert sum(name in line for line in lines) == 3
