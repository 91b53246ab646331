"""The example package of other people's taggers works as its page says."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch

from hitforge.models import Model

PACKAGE = Path(__file__).parents[2] / "examples" / "outside_taggers"
SMALL = {
    "weaver_particle_transformer.WeaverParticleTransformer": {
        "embedding": [16],
        "pair_embedding": [8],
        "heads": 2,
        "blocks": 2,
        "class_blocks": 1,
    },
    "weaver_particle_net.WeaverParticleNet": {"neighbours": 3, "widths": [8, 8], "dense": 8},
    "lgatr_slim.LGATrSlim": {"blocks": 2, "vectors": 4, "scalars": 8, "heads": 2},
}
SHAPES = {"points": (12, 5), "position": (12, 3), "mask": (12, 1), "momentum": (12, 4)}


@pytest.fixture(params=list(SMALL))
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Model:
    """One of the models, small."""
    pytest.importorskip("weaver")
    pytest.importorskip("lgatr")
    monkeypatch.syspath_prepend(PACKAGE / "src")
    module, _, kind = request.param.partition(".")
    found = getattr(importlib.import_module(f"outside_taggers.{module}"), kind)
    return found(found.Config(**SMALL[request.param]))


def jets() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    momentum = torch.rand(6, 12, 3, generator=random) * 20 + 1
    energy = momentum.square().sum(2, keepdim=True).sqrt() * 1.01
    mask = (torch.arange(12) < torch.tensor([12, 9, 7, 5, 4, 3])[:, None])[..., None].float()
    inputs = {
        "points": torch.randn(6, 12, 5, generator=random),
        "position": torch.randn(6, 12, 3, generator=random),
        "momentum": torch.cat([momentum, energy], dim=2),
    }
    return {"mask": mask, **{name: value * mask for name, value in inputs.items()}}


def test_gives_outputs_and_learns(model: Model) -> None:
    network = model.torch(SHAPES, 3)
    answers = network(**jets())
    assert answers.shape == (6, 3)
    answers.square().sum().backward()
    learning = [p for p in network.parameters() if p.requires_grad]
    assert sum(p.grad is not None and p.grad.abs().sum() > 0 for p in learning) > 0.8 * len(learning)


def test_what_is_no_particle_counts_for_nothing(model: Model) -> None:
    network, inputs = model.torch(SHAPES, 2).eval(), jets()
    with torch.inference_mode():
        expected = network(**inputs)
        wide = {name: torch.nn.functional.pad(value, (0, 0, 0, 4)) for name, value in inputs.items()}
        torch.testing.assert_close(network(**wide), expected, rtol=1e-3, atol=1e-4)
        alone = network(**{name: value[1:2] for name, value in inputs.items()})
        torch.testing.assert_close(alone, expected[1:2], rtol=1e-3, atol=1e-4)


def test_entry_points_name_what_there_is(model: Model) -> None:
    text = (PACKAGE / "pyproject.toml").read_text()
    kind = type(model)
    assert f'= "{kind.__module__}:{kind.__name__}"' in text
