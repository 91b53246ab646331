"""Which particles are to be found as tracks, and which tracks count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array


class TrackTarget(config.Config):
    """The ``target`` block of a search for tracks: read by representation, task, classical algorithms and metrics."""

    renamed: ClassVar[dict[str, str]] = {"few_hits": "min_seen_hits"}

    min_pt: float = Field(1.0, ge=0, le=1e4, description="transverse momentum that particles must exceed [GeV]")
    max_eta: float = Field(2.5, gt=0, le=20, description="absolute pseudorapidity that particles must stay below")
    max_radius: float | None = Field(
        None, gt=0, le=1e5, description="production radius that particles must stay below [mm]; none: any"
    )
    charged: bool = Field(True, description="only charged particles count")
    min_seen_hits: int = Field(3, ge=1, le=1000, description="hits that a particle must have left to be seen at all")
    min_hits: int = Field(9, ge=1, le=1000, description="hits of a particle that can be reconstructed")
    min_track_hits: int = Field(5, ge=1, le=1000, description="hits of a track that counts; shorter ones are left out")
    subsystems: Literal["all", "pixel"] = Field("all", description="volumes whose hits tracks are made of")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_hits < self.min_seen_hits:
            raise ValueError("min_hits must not be below min_seen_hits")
        return self

    def cuts(self, hits: int) -> str:
        """Return the cuts on particles in words.

        Args:
            hits: Least number of hits; 0 for no cut on hits.
        """
        words = [f"pT > {self.min_pt:g} GeV", f"|eta| < {self.max_eta:g}"]
        if self.max_radius is not None:
            words.append(f"production radius < {self.max_radius:g} mm")
        if hits:
            words.append(f">= {hits} hits")
        return f"{'charged ' if self.charged else ''}particles with {', '.join(words)}"

    def kinematic(self, particles: Mapping[str, Array]) -> Array:
        """Return whether particles pass the cuts but for those on hits, (P,) bool.

        Args:
            particles: ``pt`` [GeV], ``eta``, ``charge`` and ``radius`` of production [mm], (P,) each.
        """
        inside = (particles["pt"] > self.min_pt) & (np.abs(particles["eta"]) < self.max_eta)
        if self.max_radius is not None:
            inside &= particles["radius"] < self.max_radius
        return inside & (particles["charge"] != 0) if self.charged else inside

    def reconstructable(self, particles: Mapping[str, Array]) -> Array:
        """Return whether particles are to be found, (P,) bool: ``kinematic``, and ``hits`` enough."""
        return self.kinematic(particles) & (particles["hits"] >= self.min_hits)

    def widened(self, pt_margin: float, eta_margin: float, hits_margin: int) -> tuple[float, float, int]:
        """Return least pT [GeV], greatest abs(eta) and least number of hits with margins.

        What a method does before it decides (a graph, the seeds of a filter) reaches beyond the particles to be found.
        """
        return (
            max(round(self.min_pt - pt_margin, 9), 0.0),
            round(self.max_eta + eta_margin, 9),
            max(self.min_hits - hits_margin, 1),
        )
