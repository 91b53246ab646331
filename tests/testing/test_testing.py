"""The checks of plug-ins name rooms and plug-ins that do not exist, and what lacks a text."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import Field

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin
from hitforge.testing import check_described, conforms
from tests.testing import shelf


def test_a_plugin_of_ours_conforms() -> None:
    conforms("detectors", "pixel_grid", {"rows": 5})
    conforms("report.sections", "roc_auc")
    conforms("report.events", "track")


@pytest.mark.parametrize(
    ("room", "name", "message"),
    [
        ("detektors", "pixel_grid", "did you mean 'detectors'"),
        ("detectors", "pixel_gird", "did you mean 'pixel_grid'"),
        ("report.sections", "sample", "no plug-in 'sample'"),
    ],
)
def test_a_wrong_name_is_an_error(room: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        conforms(room, name)


def test_a_wrong_setting_is_an_error() -> None:
    with pytest.raises(ConfigError, match="rows"):
        conforms("detectors", "pixel_grid", {"rows": -1})


class Bare(Plugin):
    """It has a text."""

    registered: ClassVar[str | None] = "bare"

    class Config(Config):
        k: int = 3


class Shelf(shelf.Shelf):
    """With what the catalogue asks."""

    def file(self, name: str) -> None:
        """None, as it is of another package."""

    def outside(self, name: str) -> str:
        """Its package."""
        return "package 1.0"

    def configure(self, block: Any, where: str) -> Any:
        """Read the block."""
        return self.cls, self.cls.Config.read({k: v for k, v in block.items() if k != "name"}, where=where)


def test_texts_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="must be called 'other', not 'bare'"):
        check_described(Shelf(Bare), "other")
    with pytest.raises(AssertionError, match="the setting 'k' must have a description"):
        check_described(Shelf(Bare), "bare")

    class Free(Config):
        model_config = {"extra": "ignore"}  # noqa: RUF012
        k: int = Field(3, description="how many")

    monkeypatch.setattr(Bare, "Config", Free)
    with pytest.raises(AssertionError, match="an unknown setting must be refused"):
        check_described(Shelf(Bare), "bare")
    monkeypatch.setattr(Bare, "__doc__", "No sentence")
    with pytest.raises(AssertionError, match="must begin with a sentence"):
        check_described(Shelf(Bare), "bare")
