"""EnergyFlow's quark and gluon jets (zenodo 3164691 and 3066475): npz with ``X`` (N, M, 4) and ``y`` (N,)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.particles import charges, masses
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.readers._jets import JetConfig, JetReader, one_of
from hitforge.readers._npz import plain_npz

_NAMES = ("X", "y")
_FASTEST = 20.0  # rapidities beyond are none
_TURNS = 4 * np.pi  # azimuths beyond are in degrees


class Energyflow(JetReader):
    """Jets of quarks and gluons, as transverse momentum, rapidity, azimuth and PDG number of each constituent.

    Event fields: ``jet_label`` (1 quark, 0 gluon). Energies are those of the particles' masses. Constituents of a kind
    that no table has are taken as massless and without charge, which ``unidentified_constituents`` counts. An array is
    packed as one, so that a file is in memory as a whole while it is read, 450 MB of the published ones, and each shard
    reads all of them: convert a few files at a time.
    """

    class Config(JetConfig):
        """Files, splits and limits."""

    _open: tuple[Path, tuple[int, int], dict[str, Array]] | None = None

    def count(self, path: Path) -> int:
        """Return the number of jets in a file."""
        arrays = self._arrays(path)
        jets, label = (arrays[name] for name in _NAMES)
        if jets.ndim != 3 or jets.shape[2] != 4 or jets.dtype.kind != "f":
            came = f"{jets.dtype} {jets.shape}"
            do = "fetch the file with PDG numbers, not the one of momenta alone"
            raise DataError("'X' must be floating-point numbers (N, M, 4)", came=came, where=path, do=do)
        if label.shape != (len(jets),):
            came = f"{label.shape} for {len(jets)} jets"
            raise DataError("'y' must have a label for each jet", came=came, where=path)
        return len(jets)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the jets ``first`` to ``last - 1`` of a file."""
        arrays = self._arrays(path)
        rows = arrays["X"][first:last].astype(np.float64)  # (n, M, 4) pT, rapidity, azimuth, PDG number
        real = rows[..., 0] != 0
        _refuse_unphysical(rows, real, path, first)
        pt, rapidity, phi, number = rows[real].T
        pdg = np.round(number).astype(np.int64)
        charge = charges(pdg, unknown=np.nan)
        unknown = np.isnan(charge) | (pdg == 0)
        pdg = np.where(unknown, 0, pdg)
        transverse = np.hypot(pt, masses(pdg))  # [GeV] square root of m^2 + pT^2
        columns = {
            "px": pt * np.cos(phi),
            "py": pt * np.sin(phi),
            "pz": transverse * np.sinh(rapidity),
            "energy": transverse * np.cosh(rapidity),
            "charge": np.where(unknown, 0.0, charge),
            "pdg": pdg,
        }
        counts = real.sum(axis=1)
        label = one_of({1: arrays["y"][first:last]}, "'y'", path, first)
        fields: Fields = {
            "jet_label": (label, FieldInfo("int32", "", "1 quark, 0 gluon")),
            "unidentified_constituents": (
                np.bincount(np.repeat(np.arange(len(counts)), counts), unknown, len(counts)),
                FieldInfo("int32", "", "constituents of a kind that no table has", "sum"),
            ),
        }
        return jet_events(counts, columns, None, fields)

    def _arrays(self, path: Path) -> dict[str, Array]:
        """The arrays of a file, of which the last is kept."""
        stat = path.stat()
        stamp = stat.st_mtime_ns, stat.st_size
        if self._open is None or self._open[:2] != (path, stamp):
            self._open = None  # the one before need not stay in memory meanwhile
            self._open = path, stamp, plain_npz(path, _NAMES)
        return self._open[2]


def _refuse_unphysical(rows: Array, real: Array, path: Path, first: int) -> None:
    """Refuse numbers that are not finite, a pT below 0, a rapidity of no particle, and fractions of a PDG number."""
    pt, rapidity, phi, number = np.moveaxis(rows, 2, 0)
    with np.errstate(invalid="ignore"):
        sound = np.isfinite(rows).all(axis=2) & (pt >= 0) & (np.abs(rapidity) < _FASTEST) & (np.abs(phi) < _TURNS)
        sound &= (number == np.round(number)) & (np.abs(number) < 2**31)
    wrong = np.argwhere(~sound & (real | ~np.isfinite(pt)))
    if len(wrong):
        jet, row = wrong[0]
        came = f"{rows[jet, row].tolist()}, and {len(wrong) - 1} more such constituents"
        must = (
            f"a constituent must have pT >= 0 GeV, a rapidity within {_FASTEST:g}, azimuth in rad, a whole PDG number"
        )
        raise DataError(must, came=came, where=f"{path}, event {first + int(jet)}")
