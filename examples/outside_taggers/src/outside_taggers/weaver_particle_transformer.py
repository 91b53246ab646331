"""The Particle Transformer of weaver-core, by the authors of arXiv 2202.03772."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models.points import require_points
from hitforge.representations import Shapes

Widths = tuple[Annotated[int, Field(ge=1)], ...]


class WeaverParticleTransformer(Model):
    """``weaver.nn.model.ParticleTransformer``; what is not a setting here has the authors' value."""

    class Config(config.Config):
        """Size of the network; where absent it is the paper's."""

        embedding: Widths = Field((128, 512, 128), min_length=1, description="units of the layers of a particle")
        pair_embedding: Widths = Field((64, 64, 64), min_length=1, description="units of the layers of a pair")
        heads: int = Field(8, ge=1, description="attention heads; the last of 'embedding' must be a multiple")
        blocks: int = Field(8, ge=1, description="blocks of attention between particles")
        class_blocks: int = Field(2, ge=1, description="blocks in which the token looks at the particles")

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points with momenta, without numbers about the event."""
        require_particles(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the network; inputs as ``hitforge.models.points`` says."""
        return _Network(require_particles(self, inputs), outputs, self.config)


def require_particles(model: Model, inputs: Shapes) -> int:
    """Return the features of a particle.

    Raises:
        ConfigError: The inputs have no momenta, or numbers about the event that the network would not see.
    """
    features, _ = require_points(model, inputs)
    if inputs.get("momentum", (0, 0))[1:] != (4,) or "summary" in inputs:
        raise ConfigError(
            f"the model '{model.name}' takes particles with momenta, and no summary",
            came=inputs,
            do="use the representation 'constituents'",
        )
    return features


class _Network(nn.Module):
    def __init__(self, features: int, outputs: int, settings: WeaverParticleTransformer.Config) -> None:
        super().__init__()
        from weaver.nn.model.ParticleTransformer import ParticleTransformer

        self.network = ParticleTransformer(
            input_dim=features,
            num_classes=outputs,
            embed_dims=settings.embedding,
            pair_embed_dims=settings.pair_embedding,
            num_heads=settings.heads,
            num_layers=settings.blocks,
            num_cls_layers=settings.class_blocks,
        )

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``hitforge.models.points`` says, to (B, K)."""
        real = inputs["mask"].mT.bool()  # (B, 1, P)
        return self.network(inputs["points"].mT.float(), v=inputs["momentum"].mT.float(), mask=real)
