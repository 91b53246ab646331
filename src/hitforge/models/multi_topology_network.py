"""An interaction network over several graphs of the same hits, such as a geometric and an embedded one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hitforge.core.errors import ConfigError
from hitforge.models._graph import MessageConfig, MessageModel
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class MultiTopologyNetwork(MessageModel):
    """Rounds of messages as in ``interaction_network``, along every set of edges with its own weights.

    A hit adds what all sets bring it. The first set, ``edges``, gets answers; the others, ``edges_1`` with ``source_1``
    and ``destination_1`` and so on, only carry messages: they may join what the first set does not.
    """

    class Config(MessageConfig):
        """Size of the network."""

    config: Config

    def _network(self) -> type[torch.nn.Module]:
        from hitforge.models.layers.torch_topologies import TopologiesNetwork

        return TopologiesNetwork

    def _edges(self, inputs: Shapes) -> list[int]:
        """Features of an edge of each set."""
        found, number = [self.require_graph(inputs)[1]], 1
        while number == 1 or f"edges_{number}" in inputs:
            missing = [
                name for part in ("edges", "source", "destination") if (name := f"{part}_{number}") not in inputs
            ]
            if missing:
                raise ConfigError(
                    f"the model '{self.name}' takes two or more sets of edges, but {', '.join(missing)} of set "
                    f"{number + 1} came not",
                    came=sorted(inputs),
                    do="let the representation give another set of edges, or use the model 'interaction_network'",
                )
            found.append(inputs[f"edges_{number}"][0])
            number += 1
        return found
