"""Networks on the graph of an event's hits.

Arrays of a batch, flat over the H hits and E edges of its events: ``nodes`` (H, F), the features of a hit, ``layer``,
``event`` and ``kind`` (H,) int32; ``edges`` (E, G), the features of an edge, ``source`` and ``destination`` (E,) int32,
indices along H. Further sets of edges over the same hits are called ``edges_1``, ``source_1``, ``destination_1``, and
so on. Networks answer with (E, outputs) or (H, outputs), as ``Model.per`` says.
"""

from __future__ import annotations

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes


def require_graph(model: Model, inputs: Shapes) -> tuple[int, int]:
    """Return the features of a hit and of an edge.

    Raises:
        ConfigError: The inputs are not hits and edges.
    """
    if not {"nodes", "edges", "source", "destination"} <= inputs.keys():
        raise ConfigError(
            f"the model '{model.name}' takes hits and edges", came=inputs, do="use the representation 'track_graph'"
        )
    return inputs["nodes"][0], inputs["edges"][0]
