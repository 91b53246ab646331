"""Barrel of towers of a sampling calorimeter for hadrons, behind a barrel of crystals."""

from __future__ import annotations

from pydantic import Field

from hitforge.core import config
from hitforge.detectors._barrel import BarrelGrid


class TowerBarrel(BarrelGrid):
    """Towers of brass and scintillator on a cylinder, as in the barrel of the CMS calorimeter: one depth is read out.

    With the standard settings a tower stands behind 5 x 5 crystals of ``crystal_barrel``, and dimensions follow the
    barrel of CMS. ``hadron_response`` is that of a calorimeter with e/h = 1.4, and ``sampling`` was chosen with the
    shower's settings, see ``simulation.barrel.hadrons``: neither is a measurement.
    """

    class Config(config.Config):
        """Dimensions and material of the barrel."""

        rows_per_side: int = Field(17, ge=1, le=1000, description="towers in eta on each side of z = 0")
        columns: int = Field(72, ge=8, le=4000, description="towers in azimuth")
        radius: float = Field(1806.0, gt=0, le=20000, description="radius of the front faces [mm]")
        eta_pitch: float = Field(0.087, gt=0, le=0.5, description="height of a row in pseudorapidity")
        depth: float = Field(5.82, gt=0, le=20, description="depth at pseudorapidity 0 [interaction lengths]")
        interaction_length: float = Field(178.0, gt=0, description="nuclear interaction length, gaps included [mm]")
        radiation_length: float = Field(16.2, gt=0, description="radiation length, gaps included [mm]")
        hadron_response: float = Field(
            0.72, gt=0, le=1, description="signal of hadronic over that of electromagnetic energy"
        )
        sampling: float = Field(
            0.9, ge=0, le=5, description="relative spread of the signal of 1 GeV, of sampling alone [sqrt(GeV)]"
        )
        mip: float = Field(
            2.0e-3, gt=0, description="signal of a minimum ionising particle, at the scale of electrons [GeV/mm]"
        )
