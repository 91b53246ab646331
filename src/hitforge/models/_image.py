"""What the image models have in common: the fields of their heads, and the smallest image for their stages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes


class HeadConfig(Config):
    """How feature maps become numbers."""

    pool: Literal["average", "flatten"] = Field(
        "average", description="average: mean over all cells; flatten: every cell keeps its own weights"
    )
    dense: int = Field(0, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0 for none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped before each dense layer")


def summary_length(inputs: Shapes) -> int:
    """Return the numbers in the ``summary`` beside an image, 0 without."""
    return inputs.get("summary", (0,))[0]


def check_stages(model: Model, inputs: Shapes, stages: int) -> None:
    """Say whether an image is large enough to be halved between all stages.

    Raises:
        ConfigError: It is not, or the inputs are not one image.
    """
    rows, columns, _ = model.require_image(inputs)
    need = 2 ** (stages - 1)
    if min(rows, columns) < need:
        raise ConfigError(
            f"{stages} stages need an image of at least {need} x {need} cells",
            came=f"{rows} x {columns}",
            where="model.widths",
            do="give fewer widths or a larger window",
        )
