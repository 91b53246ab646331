"""Sweeps: all combinations of some settings, and their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hitforge.recipe.blocks import Block


@dataclass(frozen=True)
class Combination:
    """One point of a sweep: ``axes`` names its value on each dotted key, ``settings`` holds the values themselves."""

    axes: dict[str, str]
    settings: Block

    @property
    def label(self) -> str:
        """Name in the report."""
        return ", ".join(self.axes.values())


def combinations(sweep: Mapping[str, Sequence[Any]]) -> list[Combination]:
    """Return the combinations of a sweep, the last key fastest; none for an empty sweep."""
    if not sweep:
        return []
    named = [list(zip(_names(values), values, strict=True)) for values in sweep.values()]
    found = []
    for point in product(*named):
        names, values = ([pair[i] for pair in point] for i in (0, 1))
        found.append(Combination(dict(zip(sweep, names, strict=True)), dict(zip(sweep, values, strict=True))))
    return found


def _names(values: Sequence[Any]) -> list[str]:
    """Names of the values on one axis: a block's own name, with its settings where another block has the same one."""
    blocks = [value if isinstance(value, dict) and "name" in value else {"name": value} for value in values]
    plain = [str(block["name"]) for block in blocks]
    settings = [" ".join(f"{key}={value}" for key, value in block.items() if key != "name") for block in blocks]
    return [
        f"{name} {more}" if more and plain.count(name) > 1 else name for name, more in zip(plain, settings, strict=True)
    ]


def slug(label: str) -> str:
    """Turn a label into a folder name."""
    return "".join(c if c.isalnum() else "_" for c in label.lower()).strip("_")
