"""Sweeps give every combination once, each with its own name."""

from __future__ import annotations

from pathlib import Path

from hitforge.recipe.recipe import resolve
from hitforge.recipe.sweep import combinations, slug
from tests.recipe.of_images import RAW


def test_sweep_gives_every_combination_once() -> None:
    points = combinations({"representation.rows": [8, 16], "model": [{"name": "residual"}, {"name": "plain_cnn"}]})
    assert [point.label for point in points] == ["8, residual", "8, plain_cnn", "16, residual", "16, plain_cnn"]
    assert points[2].axes == {"representation.rows": "16", "model": "residual"}
    recipe = resolve(RAW, "test", Path()).but(points[3].settings)
    assert recipe.resolved["representation"]["rows"] == 16
    assert recipe.resolved["model"]["name"] == "plain_cnn"
    assert combinations({}) == []


def test_points_of_a_sweep_with_one_name_are_told_apart_by_their_settings() -> None:
    points = combinations({"model": [{"name": "residual"}, {"name": "plain_cnn"}, {"name": "plain_cnn", "dense": 8}]})
    assert [point.label for point in points] == ["residual", "plain_cnn", "plain_cnn dense=8"]


def test_slug_is_a_folder_name() -> None:
    assert slug("Energy only (v2)") == "energy_only__v2"
