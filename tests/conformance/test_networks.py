"""Networks can be used without a recipe: their keyword arguments are the settings of their model, with its defaults."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.image.residual import ResidualNetwork
from hitforge.models.volume.separable_3d import SeparableVolume

RECIPES = Path(__file__).parents[2] / "src" / "hitforge" / "recipes"
HITS: dict[str, tuple[int, ...]] = {"nodes": (8,), "place": (4,), "layer": (), "event": (), "kind": ()}
EDGES: dict[str, tuple[int, ...]] = {"edges": (5,), "source": (), "destination": ()}
INPUTS: tuple[dict[str, tuple[int, ...]], ...] = (
    {"image": (32, 32, 2)},
    {"volume": (10, 16, 16, 1)},
    {"features": (7,)},
    {"points": (24, 6), "position": (24, 3), "mask": (24, 1), "neighbours": (24, 4)},
    {"points": (24, 6), "position": (24, 3), "mask": (24, 1), "momentum": (24, 4)},
    {**HITS, "place": (3,), "energy": ()},
    {**HITS, "place": (3,), "energy": (), "volume": (12, 16, 16, 2)},
    {**HITS, **EDGES},
    {**HITS, **EDGES, "edges_1": (5,), "source_1": (), "destination_1": ()},
)
NO_DEFAULT = {"anchors", "orders"}
"""Settings that a network must be given, since their defaults belong to a detector."""
NOT_THE_NETWORKS = {"bend"}
"""Settings that go into another argument of the network: what it sorts hits by."""


def built(name: str) -> torch.nn.Module:
    """The network of a model with default settings."""
    model = MODELS.build(name, where="test")
    for inputs in INPUTS:
        try:
            model.check(inputs)
        except ConfigError:
            continue
        return model.torch(inputs, 3)
    raise AssertionError(f"{name} takes none of the inputs")


@pytest.mark.parametrize("name", MODELS.names())
def test_settings_are_keyword_arguments_with_the_same_defaults(name: str) -> None:
    """A network that hands some on to a part of itself, such as its head, has them as that part's arguments."""
    parts = [inspect.signature(type(part).__init__).parameters for part in built(name).modules()]
    for key, field in MODELS.get(name).Config.model_fields.items():
        if key in NOT_THE_NETWORKS:
            continue
        found: Any = next((own[key] for own in parts if key in own and own[key].kind is own[key].KEYWORD_ONLY), None)
        assert found is not None, f"{name}: no part of the network takes '{key}'"
        if found.default is inspect.Parameter.empty:
            assert key in NO_DEFAULT, f"{name}: '{key}' must have a default"
        else:
            assert found.default == field.default, f"{name}: '{key}'"


def test_a_network_of_its_own() -> None:
    network = ResidualNetwork(channels=3, outputs=2, widths=[16, 32], blocks=1)
    assert network(picture=torch.randn(4, 3, 20, 31)).shape == (4, 2)
    assert SeparableVolume(channels=1, outputs=2, stem=4)(volume=torch.randn(3, 1, 5, 9, 9)).shape == (3, 2)


def test_a_file_of_a_model_imports_no_keras() -> None:
    code = (
        "import sys\n"
        "from hitforge.models import MODELS\n"
        "[MODELS.get(name) for name in MODELS.names()]\n"
        "print(sorted({'keras', 'tensorflow', 'lightning'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_recipe_is_read_for_its_events_without_a_framework() -> None:
    recipes = [str(RECIPES / name) for name in ("electron_photon/demo.yaml", "tracking/masks.yaml")]
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from hitforge.recipe.recipe import read_recipe\n"
        f"plans = [read_recipe(Path(path), network=False) for path in {recipes}]\n"
        "assert all(plan.blocks.model['name'] for plan in plans)\n"
        "print(sorted({'torch', 'keras', 'tensorflow', 'lightning'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
