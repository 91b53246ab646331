"""What the networks on graphs of hits have in common: the fields of their configurations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hitforge.core.config import Config


class GraphConfig(Config):
    """Size of the networks on graphs of hits."""

    width: int = Field(48, ge=1, le=4096, description="features of a hit and of an edge")
    layers: int = Field(48, ge=1, le=65536, description="sensitive layers that the network knows apart")


class MessageConfig(GraphConfig):
    """Message passing."""

    readout: Literal["edge", "hit"] = Field("edge", description="what the network answers for: edges or hits")
    iterations: int = Field(5, ge=1, le=64, description="rounds of message passing")
    shared: bool = Field(False, description="all rounds have the same weights")
    checkpoint: bool = Field(
        False, description="compute the inside of each round again in the backward pass: less memory, more time"
    )
