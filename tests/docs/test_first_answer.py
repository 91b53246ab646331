"""The notebook goes from the import to answers on a real file and their ROC in fifteen lines of code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hitforge as hf
from tests.docs.pages import REPOSITORY, notebook_cells, run_code

NOTEBOOK = REPOSITORY / "docs" / "notebooks" / "first_answer.py"
SIZE = {"train": 256, "validation": 50, "test": 100}


def went_through(real: dict[str, Any]) -> dict[str, Any]:
    """Run all cells with few events; return their names."""
    names: dict[str, Any] = {}
    first, *rest = notebook_cells(NOTEBOOK)
    run_code(first, names)
    names |= {"SIZE": SIZE, "REAL": real}
    shown = [run_code(cell, names)[1] for cell in rest]
    for value in shown:  # each cell shows itself
        assert value is not None
        assert type(value).__name__ == "ndarray" or "<" in value._repr_html_()
    assert isinstance(shown[-2], hf.Drawing)
    return names


def test_it_has_at_most_fifteen_lines() -> None:
    lines = [line for cell in notebook_cells(NOTEBOOK) for line in cell.splitlines() if line.strip()]
    assert lines[0] == "import hitforge as hf"
    assert len(lines) <= 15
    assert not [line for line in lines if line.lstrip().startswith(("import", "from", "#")) or ";" in line][1:]


def test_it_answers_on_a_file_of_the_same_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sample = hf.simulate("electron_photon/pretrain", "other", events={"test": 80}, settings={"source.seed": 9})
    hf.write(sample, "images.h5", to="ml4sci_hdf5")
    names = went_through({"what": "images.h5", "reader": "ml4sci_hdf5"})
    assert len(names["answers"]) == 80


def test_it_answers_on_real_images(public_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = notebook_cells(NOTEBOOK)[0]
    names: dict[str, Any] = {}
    run_code(first, names)
    if not (public_data / names["REAL"]["what"]).exists():
        pytest.skip(f"{names['REAL']['what']} must be in HITFORGE_DATA")
    monkeypatch.chdir(tmp_path)
    names = went_through(names["REAL"])
    assert len(names["answers"]) == 200
    assert 50 < names["answers"].columns["target"].sum() < 150
