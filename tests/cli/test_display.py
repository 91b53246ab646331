"""hitforge display."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import hitforge


def test_an_event_is_drawn(dataset: Path, tmp_path: Path) -> None:
    for name in ("event.png", "event.html"):
        done = hitforge("display", dataset, "--event", 3, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).stat().st_size > 5000
    done = hitforge("display", dataset, "--event", 200, "--out", tmp_path / "x.png")
    assert done.returncode == 2
    assert "200 events" in done.stderr
