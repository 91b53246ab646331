"""A recipe is a name, a file, or blocks of names, dicts and plug-ins."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import hitforge as hf
from hitforge.library.recipes import recipe_of
from tests.library.conftest import BLOCKS


def test_blocks_are_names_dicts_or_plugins() -> None:
    before = copy.deepcopy(BLOCKS)
    detector = hf.detector("crystal_barrel")
    gun = {key: value for key, value in BLOCKS["source"].items() if key != "name"}
    parts = {
        "detector": detector,
        "source": hf.source("particle_gun", detector, **gun),
        "model": hf.model("plain_cnn"),
        "task": hf.task("classify"),
    }
    one, other = recipe_of(BLOCKS), recipe_of({**BLOCKS, **parts})
    assert one.hash() == other.hash()
    assert before == BLOCKS
    assert one.name == "tiny"
    changed = recipe_of(BLOCKS, {"training.lr": np.float32(0.5), "detector": detector, "training.epochs": 3})
    assert (changed.training.lr, changed.training.epochs) == (0.5, 3)
    assert changed.settings[0] == "training.lr=0.5"
    assert recipe_of("electron_photon/demo", {"model": "plain_cnn"}).blocks.model == {"name": "plain_cnn"}


def test_what_is_no_recipe_is_told() -> None:
    with pytest.raises(hf.ConfigError, match="did you mean 'electron_photon/demo'"):
        recipe_of("electron_photon/dem")
    with pytest.raises(hf.ConfigError, match="a dict of blocks"):
        recipe_of(3)  # type: ignore[arg-type]
    with pytest.raises(hf.ConfigError, match="unknown key 'modle': did you mean 'model'"):
        recipe_of({**BLOCKS, "modle": "plain_cnn"})
    with pytest.raises(hf.ConfigError, match="must be a number, text, list or dict"):
        recipe_of({**BLOCKS, "training": {"lr": object()}})
    for call in (recipe_of, hf.run):
        with pytest.raises(hf.ConfigError, match="must be a dict by dotted key"):
            call("electron_photon/demo", settings=["training.epochs=1"])  # type: ignore[operator]
