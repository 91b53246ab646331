"""Networks on an image.

Arrays of a batch of B events: one image by the name that its representation gives it, (B, channels, rows, columns) in
PyTorch, channels last in memory, and (B, rows, columns, channels) in Keras; perhaps ``summary`` (B, S), numbers about
the whole event. Its shape in ``Shapes`` is (rows, columns, channels). Networks answer with (B, K).

``mask_rcnn`` answers for regions: its outputs are arrays by name.
"""

from __future__ import annotations

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes


def require_image(model: Model, inputs: Shapes) -> tuple[int, int, int]:
    """Return (rows, columns, channels) of the one image, beside which there may be a ``summary``.

    Raises:
        ConfigError: The inputs are not one image.
    """
    shapes = [shape for name, shape in inputs.items() if name != "summary"]
    if len(shapes) != 1 or len(shapes[0]) != 3:
        raise ConfigError(
            f"the model '{model.name}' takes one image (rows, columns, channels)",
            came=inputs,
            do="use the representation 'image'",
        )
    return shapes[0][0], shapes[0][1], shapes[0][2]


def require_stages(model: Model, inputs: Shapes, stages: int, stride: int = 1) -> None:
    """Say whether an image is large enough to be thinned by a stride and halved between all stages.

    Raises:
        ConfigError: It is not, or the inputs are not one image.
    """
    rows, columns, _ = require_image(model, inputs)
    need = stride * 2 ** (stages - 1)
    if min(rows, columns) < need:
        raise ConfigError(
            f"{stages} stages need an image of at least {need} x {need} cells",
            came=f"{rows} x {columns}",
            where="model.widths",
            do="give fewer widths or a larger window",
        )
