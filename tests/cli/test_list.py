"""hitforge list."""

from __future__ import annotations

from tests.cli.conftest import hitforge


def test_list_shows_rooms_plugins_and_settings() -> None:
    assert "vision_transformer" in hitforge("list").stdout
    assert "crystal_barrel" not in hitforge("list", "models").stdout
    assert "widths" in hitforge("list", "residual").stdout
    assert "position_resolution" in hitforge("list", "report.sections").stdout
    done = hitforge("list", "modls")
    assert done.returncode == 2
    assert "did you mean 'models'" in done.stderr
