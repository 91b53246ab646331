"""Pictures of the pages stay light: each file, and their folder."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tests.laws._source import REPOSITORY, none_of

IMAGES = REPOSITORY / "docs" / "images"
MOST, MOST_TOGETHER = 300_000, 3_000_000  # [bytes]


def heavy(folder: Path) -> list[str]:
    """Pictures that are larger than one may be, and the folder if it is larger than all may be."""
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    found = [f"{name}: {size:,} bytes, at most {MOST:,}" for name, size in sizes.items() if size > MOST]
    whole = sum(sizes.values())
    return found + ([f"{folder.name}: {whole:,} bytes, at most {MOST_TOGETHER:,}"] if whole > MOST_TOGETHER else [])


def unmatched(folder: Path, pages: list[Path]) -> list[str]:
    """Pictures that no page shows, and those that a page shows and nobody has."""
    shown = {name for page in pages for name in re.findall(r"images/([\w-]+[.]\w+)", page.read_text(encoding="utf-8"))}
    have = {path.name for path in folder.iterdir()}
    return [f"no page shows {name}" for name in sorted(have - shown)] + [f"no {name}" for name in sorted(shown - have)]


@pytest.fixture(scope="module")
def pictures() -> Any:
    """The module with which scripts of pages write their pictures."""
    spec = importlib.util.spec_from_file_location("pictures", REPOSITORY / "docs" / "plots" / "_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pictures_are_light() -> None:
    none_of(heavy(IMAGES))


def test_each_picture_is_shown_and_each_shown_one_is_there() -> None:
    none_of(unmatched(IMAGES, [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]))


def test_a_cloud_of_hits_is_written_light_and_always_the_same(pictures: Any, tmp_path: Path) -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 20_000))
    for name in ("first.png", "again.png"):
        figure = Figure(figsize=(13.0, 7.4))
        figure.subplots().scatter(x, y, s=2, c=x, cmap="viridis", alpha=0.5)
        pictures.save(figure, tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    none_of(heavy(tmp_path))
    drawn = Image.open(tmp_path / "first.png").convert("RGB")
    assert drawn.size == (13 * 144, int(7.4 * 144))
    assert drawn.getpixel((0, 0)) == (255, 255, 255)


def test_each_of_these_laws_can_be_broken(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(10):
        (images / f"{number}.png").write_bytes(bytes(300_000 + number))
    page = tmp_path / "page.md"
    page.write_text("".join(f"![a](images/{number}.png)" for number in range(1, 11)))
    assert len(heavy(images)) == 10
    assert unmatched(images, [page]) == ["no page shows 0.png", "no 10.png"]
