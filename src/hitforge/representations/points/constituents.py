"""Jets as points: the constituents of highest transverse momentum about the jet's axis."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.detectors import Detector
from hitforge.events import Collection, Events
from hitforge.events.jets import axes, lifetime_signed, require_one_jet
from hitforge.representations import Prepared, Representation, Shapes
from hitforge.representations.features.jet_features import JetFeatures

ConstituentFeature = Literal[
    "deta", "dphi", "delta_r", "log_pt", "log_energy", "log_pt_share", "log_energy_share",
    "charge", "electron", "muon", "photon", "charged_hadron", "neutral_hadron",
    "d0", "d0_error", "d0_significance", "lifetime", "z0", "z0_error", "z0_significance",
]  # fmt: skip
_KINDS = {"electron": 11, "muon": 13, "photon": 22}
_STEP = 16  # numbers of points are rounded up to a multiple of this
_SUMMARY = ("log_pt", "abs_eta", "log_mass", "log_constituents")
_SMALL = 1e-3  # [GeV] below it a logarithm is cut off: it would be far from all others


class Constituents(Representation):
    """Sets of points (P, features) with their ``position``, ``mask``, ``momentum`` and a ``summary`` of the jet.

    Each event is one jet. Points are its constituents, the highest transverse momentum first, of which the first
    ``points`` are kept; ``prepare`` counts the transverse momentum that is left out. A batch is padded with zeros to
    its fullest jet, rounded up to a multiple of 16.

    - ``deta``, ``dphi``: from the jet's axis, eta counted away from the middle of the detector; ``delta_r``: length of
      the two
    - ``log_pt``, ``log_energy``: logarithms of pT and energy [GeV]; ``log_pt_share``, ``log_energy_share``: of what the
      constituent has of the jet's
    - ``charge``; ``electron``, ``muon``, ``photon``, ``charged_hadron``, ``neutral_hadron``: 1 where it was
      taken for one
    - ``d0``, ``z0``: arsinh of the impact parameter / ``impact_scale``; ``d0_error``, ``z0_error``: the same of their
      errors; ``d0_significance``, ``z0_significance``: arsinh of parameter over error, 0 without an error;
      ``lifetime``: as ``d0``, but positive where the track passes the vertex on the jet's side, as of a decay in flight

    ``position`` is (deta, dphi, 0): places for networks that search neighbours. ``momentum`` is (px, py, pz, energy)
    [GeV], for networks that compare four-momenta. ``summary`` are the logarithms of the jet's pT, mass [GeV] and number
    of constituents and one, and its abs(eta); with ``shapes`` the numbers of ``jet_features`` follow, which a network
    otherwise has to find by itself. Logarithms of what is below 1 MeV are those of 1 MeV.

    There is no augmentation: turning a jet about its axis is no exact symmetry.
    """

    reads: ClassVar[frozenset[str]] = frozenset({"jets", "constituents"})

    class Config(config.Config):
        """Which points, and their features."""

        points: int = Field(128, ge=1, le=16384, description="constituents that are kept, of the highest pT")
        features: Annotated[tuple[ConstituentFeature, ...], config.DISTINCT] = Field(
            ConstituentFeature.__args__,  # type: ignore[attr-defined]
            min_length=1,
            description="features of each point, in order",
        )
        impact_scale: float = Field(0.1, gt=0, description="impact parameter below which it is linear [mm]")
        shapes: JetFeatures.Config | None = Field(
            None, description="jet shapes that join the summary, as 'jet_features' is set up; absent: none"
        )

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        self._shapes = None if config.shapes is None else JetFeatures(config.shapes, detector)

    def shapes(self) -> Shapes:
        """Return the shapes of points, position, mask, momentum and summary."""
        most = self.config.points
        shapes: Shapes = {"points": (most, len(self.config.features)), "position": (most, 3), "mask": (most, 1)}
        return {**shapes, "momentum": (most, 4), "summary": (len(self._summary()),)}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the features, of the coordinates and of the summary's numbers."""
        return {
            "points": list(self.config.features),
            "position": ["deta", "dphi", "none"],
            "mask": ["real"],
            "momentum": ["px", "py", "pz", "energy"],
            "summary": self._summary(),
        }

    def _summary(self) -> list[str]:
        return [*_SUMMARY, *(self._shapes.names if self._shapes else ())]

    def prepare(self, events: Events) -> Prepared:
        """Return the points of each jet.

        Arrays: ``summary`` (N, S); ``left_out`` (N,), the transverse momentum of constituents beyond the first
        ``points`` [GeV]. Jets without constituents have no points.

        Raises:
            DataError: An event has no jet or several.
        """
        require_one_jet(events, "the representation 'constituents'")
        parts = events.constituents
        pt = np.hypot(parts["px"].astype(np.float64), parts["py"])
        order = np.lexsort((-parts["energy"].astype(np.float64), -pt, parts.event))
        rank = np.arange(parts.rows) - parts.offsets[:-1][parts.event]
        row = order[rank < self.config.points]
        counts = np.minimum(parts.counts, self.config.points)
        kept = Collection.from_counts(counts, {name: values[row] for name, values in parts.columns.items()})
        features, position = self._features(events, kept)
        momentum = np.stack([kept[name] for name in ("px", "py", "pz", "energy")], axis=1)
        axis = axes(events)
        left_out = np.maximum(parts.sum(pt) - kept.sum(pt[row]), 0.0)
        summary = [_log(axis.pt), np.abs(axis.eta), _log(axis.mass), np.log1p(parts.counts)]
        if self._shapes is not None:
            summary += list(self._shapes.prepare(events).dense["features"].T)
        return Prepared(
            Collection(kept.offsets, {"points": features, "position": position, "momentum": momentum}),
            {
                "summary": np.stack(summary, axis=1).astype(np.float32),
                "left_out": left_out.astype(np.float32),
            },
        )

    def _features(self, events: Events, kept: Collection) -> tuple[Array, Array]:
        """Features (rows, F) and places (rows, 3) of constituents, float32."""
        axis, owner = axes(events), kept.event
        px, py, pz, energy = (kept[name].astype(np.float64) for name in ("px", "py", "pz", "energy"))
        pt = kinematics.pt(px, py)
        outward = np.where(axis.eta < 0, -1.0, 1.0)[owner]
        deta = (kinematics.eta(px, py, pz) - axis.eta[owner]) * outward
        dphi = kinematics.wrap_phi(kinematics.phi(px, py) - axis.phi[owner])
        kind, charge = np.abs(kept["pdg"]), kept["charge"]
        lepton_or_photon = np.isin(kind, list(_KINDS.values()))
        scale = self.config.impact_scale
        columns = {
            "deta": deta,
            "dphi": dphi,
            "delta_r": np.hypot(deta, dphi),
            "log_pt": _log(pt),
            "log_energy": _log(energy),
            "log_pt_share": _log(pt) - _log(axis.pt)[owner],
            "log_energy_share": _log(energy) - _log(events.jets["energy"])[owner],
            "charge": charge,
            **{name: kind == number for name, number in _KINDS.items()},
            "charged_hadron": ~lepton_or_photon & ((charge != 0) | (kind == 211)),
            "neutral_hadron": ~lepton_or_photon & (charge == 0) & (kind != 211) & (kind != 0),
        }
        for name in ("d0", "z0"):
            value, error = kept[name].astype(np.float64), kept[f"{name}_error"].astype(np.float64)
            ratio = np.divide(value, error, out=np.zeros(len(value)), where=error > 0)
            columns |= {name: np.arcsinh(value / scale), f"{name}_error": np.arcsinh(error / scale)}
            columns[f"{name}_significance"] = np.arcsinh(ratio)
        columns["lifetime"] = np.arcsinh(lifetime_signed(kept["d0"], dphi) / scale)
        features = np.stack([columns[name] for name in self.config.features], axis=1).astype(np.float32)
        return features, np.stack([deta, dphi, np.zeros(len(deta))], axis=1).astype(np.float32)

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return points (B, P, F), position (B, P, 3), mask (B, P, 1), momentum (B, P, 4) and summary (B, S).

        P is that of the fullest jet, rounded up to a multiple of 16, at most ``points``. ``random`` is not used.
        """
        assert prepared.ragged is not None  # prepare always gives it
        mine = prepared.ragged.take(np.asarray(index, np.int64))
        most = min(-(-int(mine.counts.max(initial=1)) // _STEP) * _STEP, self.config.points)
        at = mine.event, np.arange(mine.rows) - mine.offsets[:-1][mine.event]
        batch = {
            name: np.zeros((len(mine), most, values.shape[1]), np.float32) for name, values in mine.columns.items()
        }
        for name, values in mine.columns.items():
            batch[name][at] = values
        mask = np.zeros((len(mine), most, 1), np.float32)
        mask[at] = 1.0
        return {**batch, "mask": mask, "summary": prepared.dense["summary"][index]}


def _log(values: Array) -> Array:
    """Logarithm of values that are not negative, cut off below."""
    result: Array = np.log(np.maximum(np.asarray(values, np.float64), _SMALL))
    return result
