"""Simulation: from a detector to events. A plug-in of this room is a source that reads no file."""

from hitforge.core.registry import Registry
from hitforge.events import Source

SIMULATIONS: Registry[Source] = Registry("simulation", Source, skip=("stages",))  # type: ignore[type-abstract]

__all__ = ["SIMULATIONS"]
