"""Figures are the report's own, as axes, and show themselves in a notebook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

import hitforge as hf


def test_answers_are_drawn_as_the_report_draws_them(tiny: hf.Run) -> None:
    given = {label: method.predictions for label, method in tiny.methods.items()}
    drawn, whole = hf.plot("roc_auc", given), hf.plot("roc_auc", tiny)
    assert all(isinstance(axes, Axes) for axes in drawn)
    assert len(drawn) == len(whole) == 2
    for one, other in zip(drawn, whole, strict=True):
        assert one.get_xlabel() == other.get_xlabel()
        mine, theirs = (
            {str(line.get_label()): line.get_xydata() for line in axes.get_lines() if line.get_linestyle() != "None"}
            for axes in (one, other)
        )
        assert list(mine) == list(theirs)
        for label, line in mine.items():
            np.testing.assert_allclose(line, theirs[label])
    assert "boosted trees" in drawn[0].get_legend_handles_labels()[1][1]
    assert len(hf.plot("roc_auc", tiny.predictions)) == 2
    assert drawn[0:1] == [drawn[0]]


def test_arrays_are_drawn_too() -> None:
    random = np.random.default_rng(1)
    truth = random.random(200) > 0.5
    assert len(hf.plot("roc_auc", {"mine": (truth, 0.5 * truth + 0.5 * random.random(200))})) == 2
    assert len(hf.plot(hf.metric("confusion"), {"mine": (truth, random.random(200))})) >= 1


def test_events_are_drawn(dataset: hf.Dataset, tmp_path: Path) -> None:
    surface = hf.display(dataset, 55)  # of the second shard
    assert "seed" in surface[0].get_xlabel()
    assert "event 55" in surface.figures[0].get_suptitle()
    points = hf.display(dataset.events("test", limit=3), 2)
    assert points[0].get_xlabel().endswith("[mm]")
    assert "seed" in hf.display(dataset.events("test"), 0, "crystal_barrel")[0].get_xlabel()
    with pytest.raises(hf.ConfigError, match="has 60 events"):
        hf.display(dataset, 60)
    with pytest.raises(hf.DataError, match="between 0 and 2"):
        hf.display(dataset.events("test", limit=3), 3)
    with pytest.raises(hf.ConfigError, match="Events or a Dataset"):
        hf.display("sample")  # type: ignore[arg-type]


def test_what_cannot_be_drawn_is_told(tiny: hf.Run) -> None:
    with pytest.raises(hf.ConfigError, match="did you mean 'roc_auc'"):
        hf.plot("roc", tiny)
    with pytest.raises(hf.ConfigError, match="answers by label; got: 'runs/demo'"):
        hf.plot("roc_auc", "runs/demo")  # type: ignore[arg-type]
    with pytest.raises(hf.ConfigError, match="there must be answers"):
        hf.plot("roc_auc", {})
    with pytest.raises(hf.ConfigError, match="as it was measured"):
        hf.plot("confusion", tiny, threshold=0.3)
    with pytest.raises(hf.ConfigError, match="something that 'energy_resolution' draws"):
        hf.plot("energy_resolution", tiny)
    with pytest.raises(hf.ConfigError, match="a pair of truth and answer"):
        hf.plot("roc_auc", {"mine": 3})
