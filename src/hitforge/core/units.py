"""Units and constants. Inside hitforge: mm, ns, GeV, rad, tesla; radiation lengths by name (``x0``)."""

from __future__ import annotations

C_LIGHT = 299.792458
"""Speed of light [mm/ns] (exact)."""

CURVATURE = 2.99792458e-4
"""Transverse momentum [GeV] = CURVATURE * charge * field [T] * radius [mm]."""

ELECTRON_MASS = 0.51099895e-3
"""[GeV] (CODATA 2022)."""

MASSES = {
    11: ELECTRON_MASS,
    13: 0.1056583755,
    211: 0.13957039,
    321: 0.493677,
    2212: 0.93827209,
    3112: 1.197449,
    3222: 1.18937,
    3312: 1.32171,
    3334: 1.67245,
}
"""Masses of the charged particles that live long enough for a track, by abs(pdg) [GeV] (Particle Data Group, 2024)."""
