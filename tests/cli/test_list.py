"""hitforge list."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import hitforge


def test_list_shows_rooms_plugins_and_settings() -> None:
    assert "vision_transformer" in hitforge("list").stdout
    assert "crystal_barrel" not in hitforge("list", "models").stdout
    assert "widths" in hitforge("list", "residual").stdout
    assert "position_resolution" in hitforge("list", "report.sections").stdout
    done = hitforge("list", "modls")
    assert done.returncode == 2
    assert "did you mean 'models'" in done.stderr


def test_units_in_square_brackets_are_text() -> None:
    assert "edge of a cell [mm]" in hitforge("list", "ild_ecal").stdout


def test_blocks_are_listed_with_types_bounds_and_defaults() -> None:
    training = hitforge("list", "training").stdout
    assert "│ epochs       │ int, at least 1 " in training
    assert "one of adamw, sgd" in training
    assert "report.parts" not in training
    assert "shower_gun: pileup.mu" in hitforge("list", "pile-up").stdout
    assert "graph.k" in hitforge("list", "points").stdout
    assert "it has no settings" in hitforge("list", "sample").stdout


def test_one_name_in_several_rooms_is_shown_of_each() -> None:
    shower = hitforge("list", "shower").stdout
    assert "shower (objects)" in shower
    assert "shower (tasks)" in shower


def test_recipes_are_listed_with_their_titles() -> None:
    done = hitforge("list", "recipes").stdout
    assert "electron_photon/demo" in done
    assert "Electron or photon?" in done


def test_wide_tables_fold() -> None:
    for name in ("classify_edges", "evaluation", ""):
        text = hitforge("list", name, columns=60).stdout
        assert "…" not in text
        if name:
            lines = [line for line in text.splitlines() if "│" in line]
            assert max(map(len, lines)) <= 60
    keys = [
        line.split("│")[1].strip()
        for line in hitforge("list", "classify_edges", columns=60).stdout.splitlines()
        if "│" in line
    ]
    assert "quality_cut.max_chi2" in "".join(keys)


def test_broken_and_doubled_plugins_of_others_are_told_and_the_rest_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stray_module.py").write_text("import a_module_that_is_not_there\n")
    entries = {
        "stray": "[hitforge.models]\nbroken_net = stray_module:Net\nresidual = stray_module:Net\nshared = stray:A\n",
        "second": "[hitforge.models]\nshared = second:B\n",
    }
    for package, text in entries.items():
        folder = tmp_path / f"{package}-0.3.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.3\n")
        (folder / "entry_points.txt").write_text(text)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(tmp_path)]))
    done = hitforge("list", columns=400)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if "broken:" in line}
    assert set(lines) == {"broken_net", "residual", "shared"}
    for part in ("stray_module:Net", "stray 0.3", "ModuleNotFoundError", "a_module_that_is_not_there"):
        assert part in lines["broken_net"]
    assert "ours and stray_module:Net of stray 0.3" in lines["residual"]
    assert "stray:A of stray 0.3" in lines["shared"]
    assert "second:B of second 0.3" in lines["shared"]
    assert "vision_transformer" in done.stdout
    assert "crystal_barrel" in done.stdout
    used = hitforge("list", "broken_net")
    assert used.returncode == 2
    assert "broken_net" in used.stderr
    assert "Traceback" not in used.stderr
