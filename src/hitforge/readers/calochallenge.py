"""CaloChallenge showers: HDF5 with ``incident_energies`` (N, 1) and ``showers`` (N, voxels), both in MeV."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from pydantic import Field

from hitforge.core.errors import DataError
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import require_point_cloud
from hitforge.events import Events, FieldInfo
from hitforge.readers._hdf5 import Hdf5Reader, floats, refuse_other_unit, refuse_unwritten_rows, written_rows
from hitforge.readers.files import FileConfig, FileReader, build, physical, response_flags

_GEV = 1e-3  # the files are in MeV
_LOWEST = 1e-3  # share of the energy: what is left of all of it in another unit


class Calochallenge(Hdf5Reader, FileReader):
    """Each voxel above the threshold becomes a hit at its centre; depth is along +z, the particle comes from -z.

    Voxels stand in the file with the radius fastest, then the angle, then the layer, as the organisers say
    (github.com/CaloChallenge/homepage). The standard settings are those of dataset 2; dataset 3 has ``angular=50``,
    ``radial=18`` and ``radial_pitch=2.325``. Cell number = place in the file's row; times are 0.
    """

    class Config(FileConfig):
        """Files, split and binning."""

        validation: float = Field(0.1, ge=0, le=1, description="share of the events for validation")
        test: float = Field(0.1, ge=0, le=1, description="share of the events for the test; the rest is for training")
        layers: int = Field(45, ge=1, le=1000, description="layers along the particle's way")
        angular: int = Field(16, ge=1, le=1000, description="bins of the angle around the particle, the first from 0")
        radial: int = Field(9, ge=1, le=1000, description="bins of the distance from the particle's line")
        radial_pitch: float = Field(4.65, gt=0, description="width of a radial bin [mm]")
        layer_pitch: float = Field(3.4, gt=0, description="depth of a layer [mm]")
        front: float = Field(800.0, ge=0, description="z of the front face; the particle starts at the origin [mm]")
        threshold: float = Field(0.0, ge=0, description="voxels up to this energy are not hits [GeV]")
        pdg: int = Field(11, description="true particle, PDG number; datasets 2 and 3 hold electrons")

    def __init__(self, config: Config, detector: Detector) -> None:
        require_point_cloud(detector, "calochallenge")
        super().__init__(config, detector)

    def _needed(self) -> tuple[str, ...]:
        return "showers", "incident_energies"

    @property
    def _voxels(self) -> int:
        return int(self.config.layers * self.config.angular * self.config.radial)

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        with self._arrays(path) as found:
            showers, energies = (floats(found[name], name, path) for name in self._needed())
            binning = f"{self.config.layers} x {self.config.angular} x {self.config.radial}"
            if showers.ndim != 2 or showers.shape[1] != self._voxels:
                raise DataError(
                    f"'showers' must have the shape (N, {self._voxels}), which is {binning}",
                    came=showers.shape,
                    where=path,
                    do="set 'layers', 'angular' and 'radial' to those of the file",
                )
            if energies.shape not in ((len(showers),), (len(showers), 1)):
                came = f"{energies.shape} for {len(showers)} showers"
                raise DataError("'incident_energies' must have the shape (N, 1)", came=came, where=path)
            for name in self._needed():
                refuse_other_unit(found[name], name, "MeV", path)
            refuse_unwritten_rows(showers, "showers", path, self.config.limit)
            return len(showers)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        c = self.config
        with self._arrays(path) as found:
            showers, energies = (written_rows(found[name], name, path, first, last) for name in self._needed())
        gev = showers.astype(np.float64) * _GEV  # (n, voxels)
        true = energies.reshape(-1).astype(np.float64) * _GEV
        event, cell = np.nonzero(~(gev <= c.threshold) | (gev < 0))  # a NaN or a negative energy must not vanish here
        energy = gev[event, cell]
        physical({"energy": energy}, event, path, first)
        if not np.isfinite(true).all() or (true <= 0).any():
            bad = int(np.flatnonzero(~(true > 0) | ~np.isfinite(true))[0])
            where = f"{path}, event {first + bad}"
            raise DataError("'incident_energies' must be finite and positive", came=true[bad] / _GEV, where=where)
        counts = np.bincount(event, minlength=len(gev))
        self.refuse_large(counts, path, first)
        layer, rest = np.divmod(cell, c.angular * c.radial)
        angle, ring = np.divmod(rest, c.radial)
        radius, phi = (ring + 0.5) * c.radial_pitch, (angle + 0.5) * (2 * math.pi / c.angular)
        nothing = np.zeros(len(cell))
        columns = {
            "x": radius * np.cos(phi),
            "y": radius * np.sin(phi),
            "z": c.front + (layer + 0.5) * c.layer_pitch,
            "time": nothing,
            "energy": energy,
            "cell": cell,
            "layer": layer,
            "subsystem": nothing,
        }
        small = np.where((gev > 0) & (gev <= c.threshold), gev, 0).sum(axis=1)
        fields = {
            "primary_pdg": (np.full(len(gev), c.pdg), FieldInfo("int32", "", "true particle, PDG number")),
            "energy": (true, FieldInfo("float32", "GeV", "true energy of the particle")),
            "direction_x": (np.zeros(len(gev)), FieldInfo("float32", "", "true direction, x")),
            "direction_y": (np.zeros(len(gev)), FieldInfo("float32", "", "true direction, y")),
            "direction_z": (np.ones(len(gev)), FieldInfo("float32", "", "true direction, z")),
            "dropped_energy": (small, FieldInfo("float32", "GeV", "sum of the voxels up to the threshold", "sum")),
            **response_flags(gev.sum(axis=1), true, _LOWEST, c.pdg, path, first),
        }
        return build(counts, columns, fields)
