"""An interaction network on the graph of an event's hits: tracks are found by the edges that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hitforge.models._graph import MessageConfig, MessageModel

if TYPE_CHECKING:
    import torch


class InteractionNetwork(MessageModel):
    """Rounds of messages between hits and edges (Battaglia et al., arXiv 1612.00222; tracking: arXiv 2103.06995).

    In each round an edge learns from both of its hits, and a hit from the gated sums of the edges that leave and that
    reach it; both add to what they were. An edge's answer comes from itself and both hits, a hit's from itself.
    """

    class Config(MessageConfig):
        """Size of the network."""

    config: Config

    def _network(self) -> type[torch.nn.Module]:
        from hitforge.models.layers.torch_interaction import InteractionNetwork as Network

        return Network
