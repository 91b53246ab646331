"""A drawing shows itself in a notebook, and is saved in any format of figures."""

from __future__ import annotations

from pathlib import Path

import pytest

import hitforge as hf

PNG = b"\x89PNG"


def test_a_drawing_shows_and_saves_itself(tiny: hf.Run, tmp_path: Path) -> None:
    drawn = hf.plot("roc_auc", tiny)
    assert drawn._repr_html_().startswith('<div><img src="data:image/png;base64,')
    assert repr(drawn).startswith("Drawing(1 figure: ")
    assert [path.read_bytes()[:4] for path in drawn.save(tmp_path / "roc.png")] == [PNG]
    both = type(drawn)([*drawn.figures, *drawn.figures])
    assert [path.name for path in both.save(tmp_path / "roc.svg")] == ["roc_0.svg", "roc_1.svg"]
    with pytest.raises(hf.ConfigError, match="a format of figures"):
        drawn.save(tmp_path / "roc.docx")
