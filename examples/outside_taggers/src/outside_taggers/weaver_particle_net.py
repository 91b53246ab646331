"""ParticleNet of weaver-core, by the authors of arXiv 1902.08570."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from hitforge.core import config
from hitforge.models import Model
from hitforge.models.points import require_points
from hitforge.representations import Shapes


class WeaverParticleNet(Model):
    """``weaver.nn.model.ParticleNet``; what is not a setting here has the authors' value."""

    class Config(config.Config):
        """Size of the network; where absent it is the paper's."""

        neighbours: int = Field(16, ge=1, description="that a particle looks at")
        widths: tuple[int, ...] = Field((64, 128, 256), min_length=1, description="of each block of edge convolutions")
        dense: int = Field(256, ge=1, description="units in front of the outputs")
        dropout: float = Field(0.1, ge=0, lt=1, description="share of features dropped in front of the outputs")

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points."""
        require_points(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the network; inputs as ``hitforge.models.points`` says."""
        return _Network(require_points(self, inputs)[0], outputs, self.config)


class _Network(nn.Module):
    def __init__(self, features: int, outputs: int, settings: WeaverParticleNet.Config) -> None:
        super().__init__()
        from weaver.nn.model.ParticleNet import ParticleNet

        self.network = ParticleNet(
            input_dims=features,
            num_classes=outputs,
            conv_params=[(settings.neighbours, (width,) * 3) for width in settings.widths],
            fc_params=[(settings.dense, settings.dropout)],
        )

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``hitforge.models.points`` says, to (B, K)."""
        real = inputs["mask"].mT.bool()  # (B, 1, P)
        place = inputs["position"][..., :2].mT.float()  # (B, 2, P), distances to the axis in eta and phi
        return self.network(place, inputs["points"].mT.float(), mask=real)
