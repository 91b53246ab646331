"""What the networks on volumes have in common: a check that the volume is large enough."""

from __future__ import annotations

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes


def check_halvings(model: Model, inputs: Shapes, halvings: int, *, depth: bool = True) -> None:
    """Say whether a volume is large enough to be halved so many times.

    Args:
        model: Who asks.
        inputs: Shapes that the representation gives.
        halvings: How often rows and columns are halved.
        depth: Whether the layers are halved as often.

    Raises:
        ConfigError: It is not, or the inputs are not one volume.
    """
    (layers, rows, columns, _), _ = model.require_volume(inputs)
    need = 2**halvings
    if min((layers, rows, columns) if depth else (rows, columns)) < need:
        what = f"{need} layers, rows and columns" if depth else f"{need} rows and columns"
        raise ConfigError(
            f"{halvings} halvings need at least {what}",
            came=f"{layers} x {rows} x {columns}",
            where="model.widths",
            do="give fewer widths or a larger region",
        )
