"""Which particles are to be found as showers."""

from __future__ import annotations

from pydantic import Field

from hitforge.core import config


class ShowerTarget(config.Config):
    """The ``target`` block of a search for showers: read by representation, task, classical algorithms and metrics."""

    min_deposited: float = Field(
        3.0,
        ge=0,
        le=1e4,
        description="particles are to be found if their hits hold this energy at least; showers with less in "
        "their hits that match no particle are left out [GeV]",
    )
