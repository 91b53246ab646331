"""Simulation: from a detector to events. A plug-in of this room is a source that reads no file.

The sources stand at the top; ``generators`` makes the particles, and each technology of detectors has a folder of
stages that turn them into hits.
"""

from hitforge.core.registry import Registry
from hitforge.events import Source

SIMULATIONS: Registry[Source] = Registry(  # type: ignore[type-abstract]
    "simulation", Source, skip=("crystal", "generators", "layered", "tracker")
)

__all__ = ["SIMULATIONS"]
