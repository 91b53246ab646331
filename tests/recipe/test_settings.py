"""Settings are read as types in words, with bounds and defaults, those of blocks inside blocks too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Le
from pydantic import Field

from hitforge.core.config import Config
from hitforge.recipe.settings import Row, readable, rows_of


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (int, "int"),
        (bool, "true or false"),
        (float | None, "number or null"),
        (Literal["train", "test"], "one of train, test"),
        (list[float], "list of numbers"),
        (tuple[float, float], "2 numbers"),
        (tuple[int, str], "[int, text]"),
        (tuple[tuple[int, ...], ...], "list of lists of ints"),
        (tuple[Literal["a", "b"], ...], "list of a, b"),
        (dict[str, int], "mapping of names to ints"),
        (dict[str, Any], "mapping"),
        (list[dict[str, Any] | str], "list of mapping or text"),
        (Annotated[int, Ge(1), Le(9)], "int, 1 to 9"),
        (Config, "block"),
        (Path, "Path"),
    ],
)
def test_types_in_words(kind: Any, text: str) -> None:
    assert readable(kind) == text


class Inner(Config):
    k: int = Field(8, ge=1, le=128, description="neighbours")


class Outer(Config):
    size: float = Field(gt=0, description="edge [mm]")
    share: float = Field(0.5, ge=0, lt=1, description="a share")
    many: int = Field(10**6, le=10**9, description="most")
    names: list[str] = Field(default_factory=lambda: ["a"], min_length=1, max_length=3, description="texts")
    inner: Inner = Field(Inner(), description="a block")
    maybe: Inner | None = Field(None, description="a block or nothing")
    several: list[Inner] = Field(default_factory=list, description="blocks")
    named: dict[str, Inner] = Field(default_factory=dict, description="blocks by name")
    tool: dict[str, Any] | None = Field(None, description="a tool", json_schema_extra={"plugins": "tools"})
    tools: list[str] = Field(default_factory=list, description="tools", json_schema_extra={"plugins": "tools"})


def test_rows_of_blocks_in_blocks() -> None:
    asked = []

    def plugins(room: str, default: Any) -> tuple[str, list[Row]]:
        asked.append((room, default))
        return "plug-in of tools", [("length", "int", "1", "how long")]

    rows = {key: tuple(rest) for key, *rest in rows_of(Outer, plugins)}
    assert rows["size"] == ("number, above 0", "required", "edge [mm]")
    assert rows["share"] == ("number, at least 0 and below 1", "0.5", "a share")
    assert rows["many"] == ("int, at most 1000000000", "1000000", "most")
    assert rows["names"] == ("list of texts, 1 to 3 of them", '["a"]', "texts")
    assert rows["inner"] == ("block", "", "a block")
    for key in ("inner.k", "maybe.k", "several[].k", "named.NAME.k"):
        assert rows[key] == ("int, 1 to 128", "8", "neighbours")
    assert rows["tool"] == ("plug-in of tools or null", "null", "a tool")
    assert rows["tool.length"] == ("int", "1", "how long")
    assert rows["tools"][0] == "list of plug-ins of tools"
    assert asked == [("tools", None), ("tools", [])]
    short = {key: rest for key, *rest in rows_of(Outer, plugins, (Inner,))}
    assert "inner.k" not in short
    assert "the recipe's own block" in short["inner"][2]
