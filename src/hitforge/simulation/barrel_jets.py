"""Jets of proton collisions as a barrel of tracker, crystals and towers sees them."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from hitforge.acts.fatras import Primaries
from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.particles import charges, masses
from hitforge.detectors import Detector, GridDetector, TrackerDetector
from hitforge.detectors.composite import Composite
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.detectors.tower_barrel import TowerBarrel
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.simulation._gun import Gun
from hitforge.simulation.barrel.cells import CellReadout, read_out
from hitforge.simulation.barrel.hadrons import HadronShowerSettings, calibration, deposit_hadrons
from hitforge.simulation.barrel.tracks import BarrelTracks, Leaving, through_silicon
from hitforge.simulation.crystal.em_shower import CrystalShowerSettings, deposit_in_crystals
from hitforge.simulation.crystal.helix import to_cylinder
from hitforge.simulation.generators.gun import GUN_PARTICLES, MASS_DIGITS
from hitforge.simulation.generators.jets import Jets, clustered_near
from hitforge.simulation.pythia_jets import PythiaJets

_AT_ONCE = 500  # jets that are simulated together; bounds the memory
_MARGIN = 0.3  # what flies beside the window may turn into it
_PION = 0.13957  # GeV
_BARYON = 1000  # PDG numbers of baryons are higher
_MOMENTUM = ("px", "py", "pz", "energy")
_PARTS = ("tracker", "ecal", "hcal")


class BarrelJets(PythiaJets):
    """The jets of ``pythia_jets``, with all particles about their axes, in a composite detector.

    Stages: collisions of Pythia; ACTS's fast simulation of the tracker, and a Kalman fit of each charged particle's own
    hits; helices to the crystals; parametrised showers of electrons and photons in the crystals, of hadrons in crystals
    and towers; noise and thresholds.

    Constituents are what the detector saw within ``reach`` of the jet's axis, in pseudorapidity and azimuth: tracks
    (pdg 211, muons 13, with impact parameters), crystals (22) and towers (130), the cells without mass. Energy of
    charged particles stands in tracks and in cells: there is no particle flow. The jet is that of anti-kt on cells
    alone that is nearest to the generated one; its momentum is not corrected.

    Event fields: those of ``pythia_jets``, and ``particle_jet_pt``, ``particle_jet_mass``, ``particle_soft_drop_mass``
    of the generated jet. ``unclustered`` counts jets that cells do not give, whose momentum is the sum of the cells
    within the radius, ``failed_tracks`` fits that failed; ``lost_energy`` is that of particles that meet no crystal.

    Kinds are balanced in what was generated, not in what cells give: the response differs between them. There is no
    pile-up, tracks have no fakes, and behind the end of the barrel, at 1.48, there are no cells: a jet should end
    before it, and its window is dark behind it.

    Args:
        config: Settings.
        detector: ``composite`` with the parts tracker, ecal (crystals) and hcal (towers).
    """

    class Config(PythiaJets.Config):
        """Which jets, how many, and how they are seen."""

        eta_max: float = Field(0.65, gt=0, le=4.0, description="largest abs(pseudorapidity) of the jets")
        decay_length: float = Field(100.0, ge=0, le=1000, description="particles with a smaller c tau decay [mm]")
        shard_size: int = Field(5_000, ge=1, le=100_000, description="jets in a shard; bounds the memory")
        reach: float = Field(1.1, ge=0.2, le=2.0, description="of what is told about a jet, from its axis")
        p_min: float = Field(0.2, ge=0.02, le=10, description="particles with less momentum are left out [GeV]")
        hits_min: int = Field(6, ge=3, le=20, description="hits that a track must have")
        shower: CrystalShowerSettings = Field(CrystalShowerSettings(), description="electromagnetic showers")
        hadrons: HadronShowerSettings = Field(HadronShowerSettings(), description="hadronic showers")
        crystals: CellReadout = Field(
            CellReadout(noise=0.047, stochastic=0.021, constant=0.005, threshold=0.15),
            description="read-out of the crystals",
        )
        towers: CellReadout = Field(
            CellReadout(noise=0.2, constant=0.02, threshold=0.7), description="read-out of the towers"
        )

    def __init__(self, config: Config, detector: Detector) -> None:
        Gun.__init__(self, config, detector)
        kinds = dict(zip(_PARTS, (TrackerDetector, CrystalBarrel, TowerBarrel), strict=True))
        fits = isinstance(detector, Composite) and all(
            name in list(detector) and isinstance(detector[name], kind) for name, kind in kinds.items()
        )
        if not fits:
            raise ConfigError(
                f"the simulation '{self.name}' needs the detector composite with the parts {', '.join(_PARTS)}",
                came=", ".join(detector) if isinstance(detector, Composite) else detector.name,
                where="detector",
            )

    @property
    def reach(self) -> float:
        """Of the generated particles that are followed, from the jet's axis."""
        return float(self.config.reach + _MARGIN)

    @property
    def within(self) -> tuple[float, float]:
        """Radius and abs(z) of the tracker's last sensors, behind which particles reach the calorimeters undecayed."""
        return self._tracker_radius, float(np.abs(self.detector["tracker"].modules.centre[:, 2]).max())

    def _events(self, jets: Jets, kind: Array, rng: np.random.Generator) -> Events:
        parts = []
        for first in range(0, len(jets.collision), _AT_ONCE):
            some = np.arange(first, min(first + _AT_ONCE, len(jets.collision)))
            parts.append(self._seen(jets.take(some), kind[some], rng))
        return Events.concatenate(parts)

    def _seen(self, jets: Jets, kind: Array, rng: np.random.Generator) -> Events:
        """Events of some jets."""
        count = len(jets.collision)
        tracks, leaving = self._tracked(jets, rng)
        of_cell, cells, cell_pdg, lost = self._cells(leaving, jets, rng)
        found, groomed, good = clustered_near(
            np.bincount(of_cell, minlength=count), cells, jets.momentum, self.config.radius
        )
        owner, momentum = np.concatenate([tracks.event, of_cell]), np.concatenate([_with_mass(tracks), cells])
        none = np.zeros(len(of_cell))
        columns = dict(zip(_MOMENTUM, momentum.T, strict=True))
        columns["pdg"] = np.concatenate([_track_pdg(tracks), cell_pdg])
        for name in ("charge", "d0", "d0_error", "z0", "z0_error"):
            columns[name] = np.concatenate([getattr(tracks, name), none])
        near = np.flatnonzero(self._inside(owner, momentum, found))
        order = near[np.argsort(owner[near], kind="stable")]
        fields = {**self._fields(jets, kind), **_particle_level(jets)}
        fields["lost_energy"] = (
            lost,
            FieldInfo("float32", "GeV", "of particles within reach that meet no crystal: slow, or beyond", "sum"),
        )
        failed = np.bincount(tracks.failed, minlength=count)
        fields["failed_tracks"] = failed, FieldInfo("int32", "", "particles with enough hits but without a fit", "sum")
        fields["unclustered"] = ~good, FieldInfo("int8", "", "1 for a jet that cells do not give", "sum")
        return jet_events(
            np.bincount(owner[near], minlength=count),
            {name: column[order] for name, column in columns.items()},
            {**dict(zip(_MOMENTUM, found.T, strict=True)), "soft_drop_mass": groomed},
            fields,
        )

    def _inside(self, owner: Array, momentum: Array, axis: Array) -> Array:
        """What lies within reach of the jets as cells give them, (rows,) bool."""
        deta = kinematics.eta(*momentum[:, :3].T) - kinematics.eta(*axis[:, :3].T)[owner]
        dphi = kinematics.phi(*momentum[:, :2].T) - kinematics.phi(*axis[:, :2].T)[owner]
        reach = self.config.reach
        near: Array = (np.abs(deta) < reach) & (np.abs(kinematics.wrap_phi(dphi)) < reach)
        return near

    def _tracked(self, jets: Jets, rng: np.random.Generator) -> tuple[BarrelTracks, Leaving]:
        """Tracks, and all particles where they leave the tracker."""
        c, near = self.config, jets.near
        event = np.repeat(np.arange(len(near.counts)), near.counts)
        charge = charges(near.pdg, unknown=0.0)
        size = np.linalg.norm(near.momentum[:, :3], axis=1)
        mass = np.sqrt(np.maximum(near.momentum[:, 3] ** 2 - size**2, 0.0))
        followed = np.isin(np.abs(near.pdg), GUN_PARTICLES) & (size > c.p_min)
        followed &= np.hypot(near.vertex[:, 0], near.vertex[:, 1]) < self._tracker_radius
        rows = np.flatnonzero(followed)
        primaries = Primaries(
            len(near.counts), event[rows], event[rows] * 0, near.pdg[rows], charge[rows],
            masses(near.pdg[rows], MASS_DIGITS), near.momentum[rows, :3], near.vertex[rows, :3], near.vertex[rows, 3],
        )  # fmt: skip
        tracks, leaving = through_silicon(self.detector["tracker"], primaries, rng, c.p_min, c.hits_min)
        rest = np.flatnonzero(~followed & (size > c.p_min))
        columns = (event, near.pdg, charge, mass, near.vertex[:, :3], near.momentum[:, :3])
        both = [
            np.concatenate([of, column[rest]])
            for of, column in zip(
                (getattr(leaving, name) for name in Leaving.__dataclass_fields__), columns, strict=True
            )
        ]
        order = np.argsort(both[0], kind="stable")
        return tracks, Leaving(*(column[order] for column in both))

    @property
    def _tracker_radius(self) -> float:
        centre = self.detector["tracker"].modules.centre
        return float(np.hypot(centre[:, 0], centre[:, 1]).max())

    def _cells(self, leaving: Leaving, jets: Jets, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
        """Event, momentum (K, 4) [GeV] and kind of crystals and towers, in order of event; energy that meets none."""
        c, ecal, hcal = self.config, self.detector["ecal"], self.detector["hcal"]
        energy = np.sqrt((leaving.momentum**2).sum(axis=1) + leaving.mass**2)
        face = to_cylinder(
            leaving.position, leaving.momentum, leaving.charge, energy, np.zeros(len(energy)), ecal.config.radius,
            self.detector.field,
        )  # fmt: skip
        arrives = face.reached & (ecal.cell_at(face.position) >= 0)
        light = np.isin(np.abs(leaving.pdg), (11, 22))
        rows = np.flatnonzero(arrives & light)
        em = deposit_in_crystals(
            ecal, c.shower, rng, leaving.pdg[rows], energy[rows], face.position[rows], face.direction[rows]
        )
        em_event = leaving.event[rows][em.particle]
        leak = hcal.cell_at(face.position[rows])  # what leaves the crystals' rear goes to the tower behind
        leaks = np.flatnonzero((leak >= 0) & (em.leaked > 0))
        leak_event, leak, leaked = leaving.event[rows][leaks], leak[leaks], em.leaked[leaks]
        rows = np.flatnonzero(arrives & ~light)
        # a baryon keeps its mass, an antibaryon gives that of its partner, too
        sign = np.where(np.abs(leaving.pdg) > _BARYON, np.sign(leaving.pdg), 0)
        visible = (energy - sign * leaving.mass)[rows]
        hadrons = deposit_hadrons(
            ecal, hcal, c.hadrons, rng, leaving.pdg[rows], visible, face.position[rows], face.direction[rows]
        )
        event = leaving.event[rows][hadrons.particle]
        front = hadrons.section == 0
        axis = jets.momentum[:, :3]
        crystals = read_out(
            ecal, c.crystals, rng, np.concatenate([em_event, event[front]]),
            np.concatenate([em.cell, hadrons.cell[front]]), np.concatenate([em.energy, hadrons.energy[front]]), axis,
            self.reach,
        )  # fmt: skip
        scale = calibration(hcal)
        towers = read_out(
            hcal, c.towers, rng, np.concatenate([event[~front], leak_event]),
            np.concatenate([hadrons.cell[~front], leak]), scale * np.concatenate([hadrons.energy[~front], leaked]),
            axis, self.reach,
        )  # fmt: skip
        beside = np.column_stack([leaving.momentum, energy])
        lost = ~arrives & self._inside(leaving.event, beside, jets.momentum)
        missed = np.bincount(leaving.event[lost], energy[lost], len(axis))
        momenta = [_momenta(ecal, *crystals[1:]), _momenta(hcal, *towers[1:])]
        owner = np.concatenate([crystals[0], towers[0]])
        pdg = np.repeat([22, 130], [len(crystals[0]), len(towers[0])])
        order = np.argsort(owner, kind="stable")
        return owner[order], np.concatenate(momenta)[order], pdg[order], missed


def _momenta(part: GridDetector, cell: Array, energy: Array) -> Array:
    """Momenta of cells, without mass and from the origin, (K, 4) [GeV]."""
    place = part.position(cell)
    flight = place / np.linalg.norm(place, axis=1)[:, None]
    return np.column_stack([flight * energy[:, None], energy])


def _track_pdg(tracks: BarrelTracks) -> Array:
    """211 with the sign of the charge; 13 of muons, which are negative."""
    muon = np.abs(tracks.pdg) == 13
    sign: Array = np.where(tracks.charge < 0, -1, 1)
    return np.where(muon, -13 * sign, 211 * sign)


def _with_mass(tracks: BarrelTracks) -> Array:
    """Momenta of tracks and the energies of pions, (T, 4) [GeV]."""
    return np.column_stack([tracks.momentum, np.sqrt((tracks.momentum**2).sum(axis=1) + _PION**2)])


def _particle_level(jets: Jets) -> Fields:
    """Numbers of the generated jets."""
    return {
        "particle_jet_pt": (jets.pt, FieldInfo("float32", "GeV", "transverse momentum of the generated jet")),
        "particle_jet_mass": (
            kinematics.mass(*jets.momentum.T), FieldInfo("float32", "GeV", "mass of the generated jet")
        ),
        "particle_soft_drop_mass": (
            jets.soft_drop_mass, FieldInfo("float32", "GeV", "mass of what soft drop leaves of the generated jet")
        ),
    }  # fmt: skip
