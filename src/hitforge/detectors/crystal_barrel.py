"""Barrel of lead tungstate crystals that point almost at the origin, in a solenoid's field."""

from __future__ import annotations

import math

from pydantic import Field

from hitforge.core import config
from hitforge.detectors._barrel import BarrelGrid


class CrystalBarrel(BarrelGrid):
    """Crystals on a cylinder: rows in eta, columns in azimuth, as in the barrel of the CMS calorimeter.

    A row is ``eta_pitch`` high and a column ``2 pi / columns`` wide, so that with the standard settings each face is
    22 x 22 mm within its gaps. Cell number = row * columns + column; row 0 has the lowest eta, column 0 begins at
    phi = 0. The crystals' axes are turned by ``tilt`` from the line to the origin, so that no particle slips through a
    gap: in polar angle mirrored about the centre of the barrel, in azimuth everywhere the same way round.
    Symmetries: rotation by a column, and the mirror z -> -z; not phi -> -phi.
    """

    class Config(config.Config):
        """Dimensions and material of the barrel."""

        rows_per_side: int = Field(85, ge=1, le=1000, description="crystals in eta on each side of z = 0")
        columns: int = Field(360, ge=8, le=4000, description="crystals in azimuth")
        radius: float = Field(1290.0, gt=0, le=20000, description="radius of the front faces [mm]")
        eta_pitch: float = Field(0.0174, gt=0, le=0.2, description="height of a row in pseudorapidity")
        depth: float = Field(25.8, gt=0, le=100, description="depth of a crystal [radiation lengths]")
        tilt: float = Field(math.radians(3.0), ge=0, le=0.2, description="turn of the crystals off the origin [rad]")
        radiation_length: float = Field(8.9, gt=0, description="radiation length, PbWO4 [mm]")
        moliere_radius: float = Field(21.6, gt=0, description="Moliere radius, 21.2 MeV X0 / critical energy [mm]")
        critical_energy: float = Field(
            8.74e-3, gt=0, description="2.66 MeV (X0 Z / A)^1.1 as in hep-ex/0001020, X0 in g/cm2 [GeV]"
        )
        effective_z: float = Field(68.36, gt=1, description="atomic number, averaged over PbWO4 by mass")
        interaction_length: float = Field(202.7, gt=0, description="nuclear interaction length, PbWO4 [mm]")
        hadron_response: float = Field(
            0.4, gt=0, le=1, description="signal of hadronic over that of electromagnetic energy"
        )
        mip: float = Field(1.02e-3, gt=0, description="mean energy loss of a minimum ionising particle, PbWO4 [GeV/mm]")
        field: float = Field(3.8, ge=0, le=20, description="field along +z inside the front faces [T]")
