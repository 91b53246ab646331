"""Hits of many showers as a set of nodes."""

from __future__ import annotations

from hitforge.representations._showers import ShowerRepresentation, ShowerSettings


class ShowerHits(ShowerRepresentation):
    """The hits of a square on the side with more energy, as nodes, flat over a batch.

    ``place`` is (layer / 25, u / 100 mm, v / 100 mm) from the square's centre; u and v are where the line from the
    origin through a hit crosses the detector's reference plane. Boxes of showers are at least a layer and 10 mm wide.
    """

    class Config(ShowerSettings):
        """Which hits, and which particles are to be found."""
