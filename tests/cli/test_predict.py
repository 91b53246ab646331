"""hitforge predict."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import hitforge


@pytest.fixture(scope="module")
def trees(recipe: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of boosted trees."""
    folder = tmp_path_factory.mktemp("runs") / "trees"
    samples = tmp_path_factory.mktemp("samples")
    done = hitforge("run", recipe, "--out", folder, "--samples", samples, "--workers", 1)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_dataset_is_answered_for(trees: Path, dataset: Path, tmp_path: Path) -> None:
    done = hitforge("predict", trees, dataset, "--out", tmp_path / "out", "--split", "test", "--truth", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "sample.parquet │ 200" in " ".join(done.stdout.split())
    table = pq.read_table(tmp_path / "out" / "sample.parquet")
    assert table.num_rows == 200
    assert {"file", "event", "part", "target", "score_photon", "pt"} <= set(table.column_names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{run}", "none.h5", "--out", "x", "--from", "ml4sci_hdf5"), "none.h5"),
        (("{run}", "{data}", "--out", "x", "--set", "detector.rows=3"), "settings of a detector need --detector"),
        (("{run}", "{data}", "--out", "x", "--from", "acts"), "a reader has no effect on datasets"),
        (("nothing", "{data}", "--out", "x"), "must be a run"),
        (("{run}", "{data}", "--out", "x", "--to", "csv"), "csv"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], message: str, trees: Path, dataset: Path, tmp_path: Path
) -> None:
    done = hitforge("predict", *(text.format(run=trees, data=dataset) for text in arguments), cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
