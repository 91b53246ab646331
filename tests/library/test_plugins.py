"""Plug-ins are built by name and keyword, and a wrong name or setting is told with the right one."""

from __future__ import annotations

from typing import Any

import pytest

import hitforge as hf


def test_rooms_and_plugins_are_listed() -> None:
    assert {"detectors", "models", "metrics", "recipes"} <= set(hf.plugins())
    assert "crystal_barrel" in hf.plugins("detectors")
    assert "electron_photon/demo" in hf.plugins("recipes")
    with pytest.raises(hf.ConfigError, match="did you mean 'models'"):
        hf.plugins("model")


def test_settings_show_themselves() -> None:
    told = hf.settings("image")
    assert {"rows", "channels"} <= set(told.names)
    assert repr(told).startswith("image (representations): ")
    assert "<td" in told._repr_html_()
    with pytest.raises(hf.ConfigError, match="did you mean 'image'"):
        hf.settings("imagee")


def test_a_recipe_is_a_dict_that_may_be_changed() -> None:
    blocks = hf.recipe_blocks("electron_photon/demo")
    blocks["training"]["epochs"] = 1
    assert hf.recipe_blocks("electron_photon/demo")["training"]["epochs"] != 1


def test_each_part_is_built_by_its_name() -> None:
    detector = hf.detector("crystal_barrel")
    task = hf.task("classify", signal="photon")
    assert task.signal == 0
    assert hf.source("particle_gun", detector, train=3).splits()["train"] == 1
    assert hf.representation("image", detector, rows=4, columns=4, channels=["energy"]).shapes() == {"image": (4, 4, 1)}
    assert hf.model("plain_cnn").engines()
    assert hf.baseline("boosted_trees", "crystal_barrel", task, rounds=3).config.rounds == 3
    assert hf.metric("roc_auc").name == "roc_auc"
    assert hf.source("ml4sci_npz", "pixel_grid", path="x.npz").name == "ml4sci_npz"


def test_objects_are_asked_for_by_their_target() -> None:
    pytest.importorskip("acts")
    target = hf.target("track", "silicon_barrel_endcap", min_pt=1.5)
    assert hf.representation("track_hits", "silicon_barrel_endcap", target).target is target
    assert hf.metric("tracking_efficiency", target).target.min_pt == 1.5
    assert hf.task("find_tracks", "silicon_barrel_endcap", target).object_kind is target


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hf.detector("crystal_barel"), "did you mean 'crystal_barrel'"),
        (lambda: hf.detector("hgcal", length=3), "unknown key 'length'"),
        (lambda: hf.source("particle_gin", "crystal_barrel"), "did you mean 'particle_gun'"),
        (lambda: hf.model("plain_cn"), "did you mean 'plain_cnn'"),
        (lambda: hf.metric("roc_auk"), "did you mean 'roc_auc'"),
        (lambda: hf.representation("image", 3), "a detector must be a name"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_told(call: Any, message: str) -> None:
    with pytest.raises(hf.ConfigError, match=message):
        call()
