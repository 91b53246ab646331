"""Representations as hits without edges, flat over the H hits of the events of a batch.

``nodes`` (H, F) float32, the features of a hit; ``place`` (H, D) float32, where it stands; ``layer``, ``event`` and
``kind`` (H,) int32; in a calorimeter ``energy`` (H,) [GeV]. ``labels`` name the columns of ``nodes`` and ``place``:

- in a tracker ``TRACK_PLACE``, with ``azimuth: true`` alone: a network on places is to know where a hit is in phi;
- in a calorimeter depth, u and v.

What two places in a tracker say about a track through both, and in which orders its hits may be sorted, stands here, as
functions of tensors, so that networks need not know what the columns mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

TRACK_PLACE = ("cos_phi", "sin_phi", "r", "z")
"""Columns of ``place`` in a tracker; r and z in the units of the features of these names."""
TRACK_SCALES = (500.0, 1500.0)
"""Units of r and z, the first two features of a node in a tracker [mm]."""
AROUND = ("phi", "bend", "back")
"""The orders of ``sorting`` that are angles: their last hit is followed by the first."""
PAIR_FEATURES = ("dphi", "dphi_over_dr", "dphi_over_dz", "z0", "dr", "deta", "cos_dphi")
"""What ``pair_features`` says of two hits."""
_STEP = 0.01  # differences in r and z below this are none, in the units of the places


def sorting(place: Tensor, bend: float) -> dict[str, Tensor]:
    """Return values that hits of a tracker may be sorted by, (H,) each; angles from 0 to 2 pi.

    These are phi; phi + bend * r and phi - bend * r, called bend and back, in which hits of bent tracks stand together;
    and eta, here z / r, which keeps its order.

    Args:
        place: ``TRACK_PLACE`` of hits, (H, 4).
        bend: Change of phi with r in the bent orders [rad].
    """
    import torch

    cosine, sine, radius, z = place.unbind(1)
    phi, more = torch.atan2(sine, cosine), bend * radius
    angles = {"phi": phi, "bend": phi + more, "back": phi - more}
    found = {name: value.remainder(2 * torch.pi) for name, value in angles.items()}
    found["eta"] = z / radius.clamp(min=1e-3)
    return found


def pair_features(one: Tensor, other: Tensor) -> Tensor:
    """Return what the places of two hits say about a track through both, (..., 7), columns ``PAIR_FEATURES``.

    These are the difference in phi (its sine and cosine), the sine over the differences in r and in z (bending), the z
    at which their line meets r = 0, and the differences in r and in asinh(z / r); all but the cosine are stretched
    around 0.

    Args:
        one: ``TRACK_PLACE`` of the first hit, (..., 4).
        other: The same of the second.
    """
    import torch

    (cos1, sin1, r1, z1), (cos2, sin2, r2, z2) = one.unbind(-1), other.unbind(-1)
    turn, across, along = sin2 * cos1 - cos2 * sin1, r2 - r1, z2 - z1
    over_r, over_z = (x / (x.square() + _STEP**2) for x in (across, along))
    slope = torch.asinh(z2 / r2.clamp(min=_STEP)) - torch.asinh(z1 / r1.clamp(min=_STEP))
    numbers = torch.stack([turn, turn * over_r, turn * over_z, z1 - r1 * along * over_r, across, slope], dim=-1)
    stretched = torch.asinh(100.0 * numbers) / 5.0  # small differences stay visible beside large ones
    return torch.cat([stretched, (cos2 * cos1 + sin2 * sin1)[..., None]], dim=-1)
