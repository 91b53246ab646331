"""Networks on the points of an event.

Arrays of a batch of B events, of which the fullest has P points: ``points`` (B, P, F), the features of a point,
``position`` (B, P, 3), ``mask`` (B, P, 1), 1 where a point is real; perhaps ``neighbours`` (B, P, K) int32, indices
along P, ``momentum`` (B, P, 4), px, py, pz and energy [GeV], and ``summary`` (B, S), numbers about the whole event.
Networks answer with (B, outputs); points that are not real influence nothing.
"""

from __future__ import annotations

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes


def require_points(model: Model, inputs: Shapes) -> tuple[int, int]:
    """Return features of a point, and neighbours of a point, 0 without.

    Raises:
        ConfigError: The inputs are not points.
    """
    if not {"points", "position", "mask"} <= inputs.keys():
        raise ConfigError(
            f"the model '{model.name}' takes points",
            came=inputs,
            do="use the representation 'points' or 'constituents'",
        )
    return inputs["points"][1], inputs.get("neighbours", (0, 0))[1]


def require_neighbours(model: Model, inputs: Shapes) -> None:
    """Say whether the points carry a table of neighbours.

    Raises:
        ConfigError: They do not, or the inputs are no points.
    """
    if not require_points(model, inputs)[1]:
        raise ConfigError(
            f"the model '{model.name}' needs the neighbours of each point",
            came=inputs,
            do="give the representation 'points' a graph",
        )
