"""Networks on a volume of calorimeter layers.

Arrays of a batch of B events: ``volume`` (B, channels, layers, rows, columns) in PyTorch, channels last in memory;
perhaps ``summary`` (B, S), numbers about the whole event. Its shape in ``Shapes`` is (layers, rows, columns, channels).
Networks answer with (B, K).

``two_stage_detector`` answers for regions; ``one_stage_detector`` for places of the front plane and for each of H hits,
flat over the batch, which come beside the volume: ``place`` (H, 3), layer, row and column in voxels, ``energy`` (H,)
and ``event`` (H,) int32, the number of the event in the batch.
"""

from __future__ import annotations

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes


def require_volume(model: Model, inputs: Shapes) -> tuple[int, int, int, int]:
    """Return (layers, rows, columns, channels) of the one volume, beside which there may be a ``summary``.

    Raises:
        ConfigError: The inputs are not one volume with or without a summary.
    """
    shape = inputs.get("volume", ())
    if len(shape) != 4 or set(inputs) - {"volume", "summary"}:
        raise ConfigError(
            f"the model '{model.name}' takes one volume (layers, rows, columns, channels)",
            came=inputs,
            do="use the representation 'voxels' with layout: volume",
        )
    return shape[0], shape[1], shape[2], shape[3]


def require_halvings(model: Model, inputs: Shapes, halvings: int, *, depth: bool = True) -> None:
    """Say whether a volume is large enough to be halved so many times.

    Args:
        model: Who asks.
        inputs: Shapes that the representation gives.
        halvings: How often rows and columns are halved.
        depth: Whether the layers are halved as often.

    Raises:
        ConfigError: It is not, or the inputs are not one volume.
    """
    layers, rows, columns, _ = require_volume(model, inputs)
    need = 2**halvings
    if min((layers, rows, columns) if depth else (rows, columns)) < need:
        what = f"{need} layers, rows and columns" if depth else f"{need} rows and columns"
        raise ConfigError(
            f"{halvings} halvings need at least {what}",
            came=f"{layers} x {rows} x {columns}",
            where="model.widths",
            do="give fewer widths or a larger region",
        )
