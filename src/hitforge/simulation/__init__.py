"""Simulation: from a detector to events. A plug-in of this room is a source that reads no file.

The sources stand at the top; ``generators`` makes the particles, and each technology of detectors has a folder of
stages that turn them into hits.
"""

from hitforge.core.registry import Registry
from hitforge.events import Source

_STAGES = ("barrel", "crystal", "generators", "layered", "tracker")
SIMULATIONS: Registry[Source] = Registry("simulation", Source, skip=_STAGES)  # type: ignore[type-abstract]

__all__ = ["SIMULATIONS"]
