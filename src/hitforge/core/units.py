"""Units and constants. Inside hitforge: mm, ns, GeV, rad, tesla; radiation lengths by name (``x0``)."""

from __future__ import annotations

C_LIGHT = 299.792458
"""Speed of light [mm/ns] (exact)."""

CURVATURE = 2.99792458e-4
"""Transverse momentum [GeV] = CURVATURE * charge * field [T] * radius [mm]."""
