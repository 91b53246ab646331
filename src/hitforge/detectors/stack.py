"""From stretches of material to the numbers that shower parametrisations need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hitforge.core.arrays import Array
from hitforge.core.particles import ELECTRON_MASS
from hitforge.detectors import Layers


@dataclass(frozen=True)
class Material:
    """Constants of a material.

    Attributes:
        z: Atomic number (of a mixture: averaged by mass).
        a: Atomic mass [g/mol].
        density: [g/cm3].
        radiation_length: [g/cm2].
        interaction_length: Nuclear interaction length [g/cm2].
        ionisation: Smallest dE/dx of a minimum ionising particle [MeV cm2/g].
    """

    z: float
    a: float
    density: float
    radiation_length: float
    interaction_length: float
    ionisation: float


# Particle Data Group, Atomic and Nuclear Properties of Materials (pdg.lbl.gov/AtomicNuclearProperties). Stainless steel
# has iron's values at its own density; FR4 is PDG's G10; "carbon" is fibre at 1.6 g/cm3; epoxy counts as polyimide.
MATERIALS = {
    "tungsten": Material(74, 183.84, 19.3, 6.76, 191.9, 1.145),
    "lead": Material(82, 207.2, 11.35, 6.37, 199.6, 1.122),
    "copper": Material(29, 63.546, 8.96, 12.86, 137.3, 1.403),
    "steel": Material(26, 55.845, 8.02, 13.84, 132.1, 1.451),
    "silicon": Material(14, 28.0855, 2.329, 21.82, 108.4, 1.664),
    "fr4": Material(9.4, 18.9, 1.70, 33.0, 90.2, 1.87),
    "carbon": Material(6, 12.011, 1.60, 42.70, 85.8, 1.742),
    "kapton": Material(6.36, 12.7, 1.42, 40.58, 85.5, 1.82),
}
SCATTERING = 21.2e-3  # the energy sqrt(4 pi / alpha) m_e of Moliere's theory [GeV]
Stretch = Mapping[str, float]  # material -> thickness [mm]


def most_probable_loss(thickness: float) -> float:
    """Return the most probable energy that a relativistic particle leaves in silicon [GeV].

    Landau, Vavilov and Bichsel with full density effect (PDG review, "Passage of particles through matter", eq. 34.13):
    xi [ln(2 m_e xi / (hbar omega_p)^2) + 0.2] with xi = (K / 2) (Z / A) x; 84 keV in 0.3 mm.

    Args:
        thickness: Of the silicon [mm].
    """
    silicon = MATERIALS["silicon"]
    xi = 0.5 * 0.307075 * silicon.z / silicon.a * silicon.density * 0.1 * thickness  # [MeV]
    electron = round(1e3 * ELECTRON_MASS, 6)  # [MeV]
    plasma = 31.05e-6  # hbar omega_p of silicon [MeV]
    return float(1e-3 * xi * (np.log(2 * electron * xi / plasma**2) + 0.2))


def build_layers(
    stretches: Sequence[Stretch], z: ArrayLike, front: float, section: ArrayLike, active: str, thickness: float
) -> Layers:
    """Turn the material before each active plane into the layers of a sampling calorimeter.

    Mixtures follow hep-ex/0001020, with mass fractions w_i: 1/X0 = sum w_i/X0_i, critical energy E_c = X0 sum w_i
    E_c,i/X0_i with E_c,i = 2.66 MeV (X0 Z/A)^1.1, Moliere radius 1/R_M = (1/21.2 MeV) sum w_i E_c,i/X0_i with the mean
    density over the length. The Moliere radius is that of this stretch and the one before together: where wide and
    narrow gaps take turns, a shower's width does not jump.

    ``weight`` is the energy of an electromagnetic shower over what it leaves in the active medium: with the loss D =
    sum (dE/dx)_i d_i of a minimum ionising particle in the whole stretch and D_a in the part that is read out, weight
    = (D / D_a) / e_mip. There e_mip = 1 / (1 + 0.007 (Z_absorber - Z_active)) is the response to electrons over that
    to such particles (same paper, section on sampling calorimeters).

    Args:
        stretches: Materials from the plane before (or the front) to each plane, one active medium in each; what is
            missing to the full length is taken as empty.
        z: Of the active planes, (L,) [mm].
        front: Where material begins [mm].
        section: Of each layer, (L,).
        active: The active medium.
        thickness: Of the active medium that is read out [mm].
    """
    z = np.asarray(z, np.float64)
    length = np.diff(z, prepend=front) * 0.1  # (L,) [cm]
    number, mass, density, radiation, interaction, loss = (
        np.array([getattr(m, key) for m in MATERIALS.values()])
        for key in ("z", "a", "density", "radiation_length", "interaction_length", "ionisation")
    )
    depth = np.array([[0.1 * stretch.get(name, 0.0) for name in MATERIALS] for stretch in stretches])  # (L, M) [cm]
    grams = depth * density  # (L, M) [g/cm2]
    total = grams.sum(axis=1)
    x0 = grams / radiation  # (L, M) [X0]
    critical = 2.66e-3 * (radiation * number / mass) ** 1.1  # (M,) [GeV]
    absorber = np.array([name != active for name in MATERIALS])
    mean_z = (x0 * absorber * number).sum(axis=1) / (x0 * absorber).sum(axis=1)
    medium = MATERIALS[active]
    response = 1 / (1 + 0.007 * (mean_z - medium.z))  # e/mip
    in_active = 0.1 * thickness * medium.density * medium.ionisation  # [MeV]
    return Layers(
        z=z,
        radiation_lengths=x0.sum(axis=1),
        interaction_lengths=(grams / interaction).sum(axis=1),
        moliere_radius=10 * SCATTERING * _with_before(length) / _with_before((x0 * critical).sum(axis=1)),
        critical_energy=(x0 * critical).sum(axis=1) / x0.sum(axis=1),
        effective_z=(grams * number).sum(axis=1) / total,
        absorber_z=mean_z,
        sampling_frequency=1 / x0.sum(axis=1),
        mip=np.full(len(z), most_probable_loss(thickness)),
        weight=(grams * loss).sum(axis=1) / in_active / response,
        section=np.asarray(section, np.int64),
    )


def _with_before(values: Array) -> Array:
    """Sum of each entry and the one before it, (L,); the first stands for both."""
    summed: Array = values + np.concatenate([values[:1], values[:-1]])
    return summed
