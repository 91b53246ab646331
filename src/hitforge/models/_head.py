"""How feature maps of an image or a volume become numbers: settings that their models have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hitforge.core.config import Config


class HeadConfig(Config):
    """How feature maps become numbers."""

    pool: Literal["average", "flatten"] = Field(
        "average", description="average: mean over all cells; flatten: every cell keeps its own weights"
    )
    dense: int = Field(0, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0 for none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped before each dense layer")
