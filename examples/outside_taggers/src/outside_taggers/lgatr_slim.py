"""L-GATr-slim of lgatr: a transformer of Lorentz vectors and scalars, by the authors of arXiv 2512.17011."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.core import config
from hitforge.models import Model
from hitforge.models.layers.torch_dense import InputNorm
from hitforge.representations import Shapes
from outside_taggers.weaver_particle_transformer import require_particles

_SCALE = 20.0  # [GeV], unit of momenta inside the network
_REFERENCES = ((1.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, -1.0), (1.0, 0.0, 0.0, 0.0))  # both beams, the time: what is fixed


class LGATrSlim(Model):
    """``lgatr.LGATrSlim`` with a token that reads the jet; beams and time stand beside each particle."""

    class Config(config.Config):
        """Size of the network."""

        blocks: int = Field(12, ge=1, description="blocks of attention")
        vectors: int = Field(32, ge=1, description="Lorentz vectors of a particle inside the network")
        scalars: int = Field(96, ge=1, description="scalars of a particle inside the network")
        heads: int = Field(8, ge=1, description="attention heads")

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points with momenta, without numbers about the event."""
        require_particles(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the network; inputs as ``hitforge.models.points`` says."""
        return _Network(require_particles(self, inputs), outputs, self.config)


class _Network(nn.Module):
    def __init__(self, features: int, outputs: int, settings: LGATrSlim.Config) -> None:
        super().__init__()
        import lgatr

        self.norm = InputNorm(features)
        self.references: Tensor
        self.register_buffer("references", torch.tensor(_REFERENCES), persistent=False)
        self.network = lgatr.LGATrSlim(
            num_blocks=settings.blocks,
            in_v_channels=1 + len(_REFERENCES),
            out_v_channels=0,
            hidden_v_channels=settings.vectors,
            in_s_channels=features + 1,
            out_s_channels=outputs,
            hidden_s_channels=settings.scalars,
            num_heads=settings.heads,
        )

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``hitforge.models.points`` says, to (B, K)."""
        real = inputs["mask"].bool()  # (B, P, 1)
        count = len(real)
        momentum = inputs["momentum"].float().roll(1, dims=2)[:, :, None] / _SCALE  # (B, P, 1, 4), energy first
        references = self.references.expand(count, real.shape[1] + 1, -1, -1)
        token = torch.zeros_like(references[:, :1, :1])
        vectors = torch.cat([torch.cat([token, momentum], dim=1), references], dim=2)  # (B, P + 1, 4, 4)
        kind = torch.zeros_like(real, dtype=torch.float32)
        scalars = torch.cat([kind, self.norm(inputs["points"], real)], dim=2)
        first = nn.functional.pad(torch.ones_like(kind[:, :1]), (0, scalars.shape[2] - 1))
        scalars = torch.cat([first, scalars], dim=1)  # (B, P + 1, F + 1), the token in front
        seen = nn.functional.pad(real.mT, (1, 0), value=True)[:, None]  # (B, 1, 1, P + 1)
        _, answer = self.network(vectors, scalars, attn_mask=seen)
        return answer[:, 0]
