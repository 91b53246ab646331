"""Recipes of showers run on another calorimeter of layers with nothing changed but the detector's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.config import dump_yaml, read_yaml
from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS, pointing
from hitforge.recipe.recipe import read_recipe
from hitforge.runs.run import Session, run

RECIPES = Path(__file__).parents[2] / "src" / "hitforge" / "recipes"
SMALL: dict[str, dict[str, Any]] = {
    "hgcal/electron.yaml": {"train": 40, "validation": 10, "test": 40, "shard_size": 40},
    "showers/one_stage.yaml": {"train": 8, "validation": 2, "test": 6, "particles": [2, 3]},
}


@pytest.mark.parametrize("name", SMALL)
def test_recipes_run_on_ild_unchanged(name: str, tmp_path: Path) -> None:
    raw = read_yaml(RECIPES / name)
    raw["detector"] = {"name": "ild_ecal"}
    raw["source"] |= SMALL[name]
    raw["training"] |= {"epochs": 1, "batch_size": 2, "precision": "fp32"}
    raw["evaluation"] = {"baselines": [raw["evaluation"]["baselines"][0]], "fields": []}
    raw.pop("expect")
    path = tmp_path / "elsewhere.yaml"
    path.write_text(dump_yaml(raw))
    folder = run(read_recipe(path), tmp_path / "run", Session(tmp_path / "samples"))
    values = json.loads((folder / "metrics.json").read_text())
    assert values
    assert all(np.isfinite(value["value"]) for value in values.values())
    if name.startswith("hgcal"):
        classical = json.loads((folder / "baselines" / "weighted_sum" / "metrics.json").read_text())
        assert classical["test.energy_unanswered"]["value"] == 0
    else:
        with np.load(folder / "display_shower.npz") as shown:
            assert float(shown["plane"]) == pytest.approx(1811.6)


def test_detectors_say_plane_and_noise_cuts() -> None:
    hgcal, ild = (DETECTORS.build(name, where="test") for name in ("hgcal", "ild_ecal"))
    assert (hgcal.plane, hgcal.noise_cuts) == (3221.0, (0.012, 0.045, 0.075))
    assert ild.plane == pytest.approx(1811.6)
    assert ild.noise_cuts == pytest.approx((ild.mips.mean(),))  # type: ignore[attr-defined]
    assert 0.6 < ild.noise_cuts[0] / ild.mips.max() < ild.noise_cuts[0] / ild.mips.min() < 1.5  # type: ignore[attr-defined]
    faint = hgcal.is_faint(np.array([0.013, 0.044, 0.074, 0.08]), np.array([0, 1, 2, 5]))
    assert faint.tolist() == [False, True, True, False]
    assert hgcal.is_faint(np.array([0.013]), np.array([0]), 2.0).tolist() == [True]
    with pytest.raises(ConfigError, match=r"reference plane.*point_cloud.*plane: 2500"):
        DETECTORS.build("point_cloud", where="test").plane  # noqa: B018
    with pytest.raises(ConfigError, match="showers need a detector with a reference plane; got: crystal_barrel"):
        DETECTORS.build("crystal_barrel", where="test").plane  # noqa: B018


def test_a_line_from_the_origin_points_to_one_place() -> None:
    z = np.array([1811.6, 1900.0, -2000.0])
    place = pointing(0.1 * np.abs(z), -0.2 * np.abs(z), z, 1811.6)
    np.testing.assert_allclose(place, [[181.16, -362.32]] * 3)
