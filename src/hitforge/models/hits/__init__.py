"""Networks on the hits of an event, without edges.

Arrays of a batch, flat over the H hits of its events: ``nodes`` (H, F), the features of a hit, ``layer``, ``event`` and
``kind`` (H,) int32; perhaps ``place`` (H, D), where it stands, and ``energy`` (H,). The representation's ``labels``
name the columns of ``nodes`` and ``place``. Networks answer with (H, outputs); one that answers for objects
(``mask_transformer``) with arrays by name.
"""

from __future__ import annotations

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes


def require_hits(model: Model, inputs: Shapes) -> int:
    """Return the features of a hit.

    Raises:
        ConfigError: The inputs are not hits of a tracker.
    """
    if "nodes" not in inputs:
        raise ConfigError(
            f"the model '{model.name}' takes hits of a tracker",
            came=inputs,
            do="use the representation 'track_hits' or 'track_graph'",
        )
    return inputs["nodes"][0]


def require_places(model: Model, inputs: Shapes) -> int:
    """Return the features of a hit that stands at a place with three coordinates.

    Raises:
        ConfigError: The inputs are not hits with such a place, a layer and an event.
    """
    if not {"nodes", "place", "layer", "event"} <= inputs.keys() or inputs["place"] != (3,):
        raise ConfigError(
            f"the model '{model.name}' takes hits of a calorimeter with their places",
            came=inputs,
            do="use the representation 'shower_hits'",
        )
    return inputs["nodes"][0]
