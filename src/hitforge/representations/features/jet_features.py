"""Jet shapes: the numbers by which quarks, gluons and heavy flavours have been told apart without a network."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.events import Collection, Events
from hitforge.events.jets import about_axis, axes, is_charged, lifetime_signed, require_one_jet
from hitforge.representations import Prepared
from hitforge.representations.features._subjets import subjettiness
from hitforge.representations.features._table import TableRepresentation, known_names

_AXES = 4  # of subjets, at most
_LEADING = 3  # constituents and tracks that are looked at one by one
_NAMES = (
    "pt", "abs_eta", "mass", "soft_drop_mass",
    "constituents", "charged", "neutral", "photons", "electrons", "muons",
    "width", "ptd", "major", "minor", "c1",
    *(f"tau_{number}" for number in range(1, _AXES + 1)),
    *(f"tau_ratio_{number}" for number in range(2, _AXES + 1)),
    *(f"share_{number}" for number in range(1, _LEADING + 1)),
    "charged_share", "photon_share", "lepton_share", "lepton_pt", "jet_charge",
    *(f"annulus_{number}" for number in range(1, 6)),
    *(f"d0_{number}" for number in range(1, _LEADING + 1)),
    *(f"d0_significance_{number}" for number in range(1, _LEADING + 1)),
    *(f"lifetime_{number}" for number in range(1, _LEADING + 1)),
    *(f"track_{what}_{number}" for what in ("z0", "share", "distance") for number in range(1, _LEADING + 1)),
    "displaced", "displaced_share",
)  # fmt: skip
_OF_JET = ("pt", "abs_eta", "mass", "soft_drop_mass")
_ANNULI = (0.0, 0.1, 0.2, 0.3, 0.4, 0.8)
_KAPPA = 0.5  # of the jet's charge
_DISPLACED = 0.1  # [mm]
_TINY = 1e-12


class JetFeatures(TableRepresentation):
    """Numbers of each event's jet, of all its constituents; shares are of the sum of their transverse momenta, pT.

    - ``pt``, ``abs_eta``, ``mass``, ``soft_drop_mass`` of the jet [GeV]
    - ``constituents``, ``charged``, ``neutral`` (of a known kind, not charged), ``photons``, ``electrons``, ``muons``:
      their numbers
    - ``width``: mean distance from the axis, weighted by pT (girth); ``ptd``: root of the sum of pT^2 over the sum of
      pT; ``major``, ``minor``: roots of the eigenvalues of the covariance of (deta, dphi), weighted by pT^2 (CMS PAS
      JME-13-002); ``c1``: energy correlation of pairs, sum of z_i z_j (distance)^0.2 (arXiv 1305.0007)
    - ``tau_1`` to ``tau_4``: N-subjettiness about the axes of exclusive kt (arXiv 1011.2268); ``tau_ratio_2`` to
      ``tau_ratio_4``: each over the one before, 0 where that is 0
    - ``share_1`` to ``share_3``: of the hardest constituents; ``charged_share``, ``photon_share``, ``lepton_share``;
      ``lepton_pt``: the largest momentum of an electron or muon across the axis, as angle times pT [GeV]
    - ``jet_charge``: sum of charges weighted by shares^0.5 (arXiv 1209.2421)
    - ``annulus_1`` to ``annulus_5``: share within 0.1, 0.1 to 0.2, 0.2 to 0.3, 0.3 to 0.4, 0.4 to 0.8 of the axis
    - of tracks with abs(d0) up to ``max_d0`` and abs(z0) up to ``max_z0``: ``d0_1`` to ``d0_3``: largest abs(d0), in
      falling order [mm], ``track_z0_1`` to ``_3``, ``track_share_1`` to ``_3``, ``track_distance_1`` to ``_3``: abs(z0)
      [mm], share of pT and distance from the axis of these tracks; ``d0_significance_1`` to ``_3``: largest abs(d0)
      over its error; ``lifetime_1`` to ``_3``: largest abs(d0) of tracks that pass the vertex on the jet's side [mm];
      ``displaced``, ``displaced_share``: number and share of tracks of abs(d0) over 0.1 mm. 0 where
      there are fewer tracks

    Where tracks and cells of one jet are constituents, as of ``barrel_jets``, ``parts: [charged, neutral]`` tells them
    apart, and ``radius`` leaves out what lies about the jet.

    A jet without constituents has zeros behind its own numbers.
    """

    reads: ClassVar[frozenset[str]] = frozenset({"jets", "constituents"})

    class Config(config.Config):
        """Choice of features."""

        names: tuple[str, ...] = Field(_NAMES, min_length=1, description="features, in order")
        parts: Annotated[tuple[Literal["all", "charged", "neutral"], ...], config.DISTINCT] = Field(
            ("all",),
            min_length=1,
            description="constituents whose numbers are told; beside 'all' their names begin with 'charged_' and so on",
        )
        radius: float | None = Field(
            None, gt=0, le=5, description="constituents further from the axis are left out; absent: none are"
        )
        max_d0: float = Field(2.0, gt=0, description="tracks that pass the vertex at more are of something else [mm]")
        max_z0: float = Field(2.0, gt=0, description="the same along the beam [mm]")

        @field_validator("names")
        @classmethod
        def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
            return known_names(names, _NAMES)

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the configuration, for each of its parts; the jet's own numbers once."""
        first, *more = self.config.parts
        names = [_called(first, name) for name in self.config.names]
        names += [_called(part, name) for part in more for name in self.config.names if name not in _OF_JET]
        return tuple(names)

    def prepare(self, events: Events) -> Prepared:
        """Return ``features``, (N, F) float32.

        Raises:
            DataError: An event has no jet or several.
        """
        require_one_jet(events, "the representation 'jet_features'")
        columns: dict[str, Array] = {}
        for part in reversed(self.config.parts):
            chosen = _chosen(events, part, self.config.radius)
            found = _numbers(chosen, self.config.max_d0, self.config.max_z0)
            columns |= {_called(part, name): values for name, values in found.items()}
        table = np.stack([columns[name] for name in self.names], axis=1)
        return Prepared(None, {"features": table.astype(np.float32)})


def _called(part: str, name: str) -> str:
    """Name of a number of some constituents."""
    return name if part == "all" or name in _OF_JET else f"{part}_{name}"


def _chosen(events: Events, part: str, radius: float | None) -> Events:
    """Events with some of the constituents."""
    if part == "all" and radius is None:
        return events
    parts = events.constituents
    keep = np.ones(parts.rows, bool)
    if part != "all":
        keep = is_charged(parts) == (part == "charged")
    if radius is not None:
        _, deta, dphi = about_axis(events)
        keep &= np.hypot(deta, dphi) < radius
    return Events({**events.collections, "constituents": parts.select_rows(keep)}, events.fields, events.info)


def _numbers(events: Events, max_d0: float, max_z0: float) -> dict[str, Array]:
    """All features by name, (N,) each."""
    parts, axis = events.constituents, axes(events)
    owner = parts.event
    pt, deta, dphi = about_axis(events)
    distance = np.hypot(deta, dphi)
    total = np.maximum(parts.sum(pt), _TINY)
    share = pt / total[owner]
    kind, charge = np.abs(parts["pdg"]), parts["charge"].astype(np.float64)
    charged = is_charged(parts)
    lepton = np.isin(kind, (11, 13))
    result = {
        "pt": axis.pt,
        "abs_eta": np.abs(axis.eta),
        "mass": axis.mass,
        "soft_drop_mass": events.jets["soft_drop_mass"].astype(np.float64),
        "constituents": parts.counts.astype(np.float64),
        "charged": parts.sum(charged.astype(np.float64)),
        "neutral": parts.sum((~charged & (kind != 0)).astype(np.float64)),
        "photons": parts.sum((kind == 22).astype(np.float64)),
        "electrons": parts.sum((kind == 11).astype(np.float64)),
        "muons": parts.sum((kind == 13).astype(np.float64)),
        "width": parts.sum(share * distance),
        "ptd": np.sqrt(parts.sum(share**2)),
        "charged_share": parts.sum(share * charged),
        "photon_share": parts.sum(share * (kind == 22)),
        "lepton_share": parts.sum(share * lepton),
        "lepton_pt": _largest(parts, pt * np.sin(np.minimum(distance, np.pi / 2)) * lepton, 1)[:, 0],
        "jet_charge": parts.sum(np.sign(charge) * share**_KAPPA),
        "c1": _pair_correlation(parts, share, deta, dphi),
    }
    result |= dict(zip(("major", "minor"), _axes_of_ellipse(parts, pt, deta, dphi), strict=True))
    taus = subjettiness(parts, _AXES)
    for number in range(1, _AXES + 1):
        result[f"tau_{number}"] = taus[:, number - 1]
    for number in range(2, _AXES + 1):
        above, below = taus[:, number - 1], taus[:, number - 2]
        result[f"tau_ratio_{number}"] = np.divide(above, below, out=np.zeros(len(parts)), where=below > 0)
    for number in range(1, len(_ANNULI)):
        inside = (distance >= _ANNULI[number - 1]) & (distance < _ANNULI[number])
        result[f"annulus_{number}"] = parts.sum(share * inside)
    d0, z0, error = (parts[name].astype(np.float64) for name in ("d0", "z0", "d0_error"))
    d0, z0 = np.abs(d0), np.abs(z0)
    d0 = np.where((d0 <= max_d0) & (z0 <= max_z0), d0, 0.0)
    significance = np.divide(d0, error, out=np.zeros(len(d0)), where=error > 0)
    lifetime = lifetime_signed(np.where(d0 > 0, parts["d0"], 0.0), dphi)
    ranked = {"share": share, "d0": d0, "d0_significance": significance, "lifetime": np.maximum(lifetime, 0.0)}
    for name, values in ranked.items():
        for number, column in enumerate(_largest(parts, values, _LEADING).T, 1):
            result[f"{name}_{number}"] = column
    farthest = _rows_of_largest(parts, d0, _LEADING)
    for name, values in (("z0", z0), ("share", share), ("distance", distance)):
        for number, row in enumerate(farthest.T, 1):
            result[f"track_{name}_{number}"] = np.where(row >= 0, np.append(values, 0.0)[row], 0.0)
    displaced = d0 > _DISPLACED
    result |= {"displaced": parts.sum(displaced.astype(np.float64)), "displaced_share": parts.sum(share * displaced)}
    return result


def _largest(parts: Collection, values: Array, count: int) -> Array:
    """The largest values of each event in falling order, (N, count); 0 where there are fewer."""
    row = _rows_of_largest(parts, values, count)
    return np.where(row >= 0, np.append(values, 0.0)[row], 0.0)


def _rows_of_largest(parts: Collection, values: Array, count: int) -> Array:
    """Rows of the largest values above 0 of each event in falling order, (N, count) int64; -1 where there are fewer."""
    order = np.lexsort((-values, parts.event))
    rank = np.arange(parts.rows) - parts.offsets[:-1][parts.event]
    result = np.full((len(parts), count), -1)
    keep = (rank < count) & (values[order] > 0)
    result[parts.event[keep], rank[keep]] = order[keep]
    return result


def _axes_of_ellipse(parts: Collection, pt: Array, deta: Array, dphi: Array) -> tuple[Array, Array]:
    """Roots of the eigenvalues of the covariance of places with weights pT^2, the larger first, (N,) each."""
    weight = pt**2
    total = np.maximum(parts.sum(weight), _TINY)
    mean_eta, mean_phi = parts.sum(weight * deta) / total, parts.sum(weight * dphi) / total
    eta, phi = deta - mean_eta[parts.event], dphi - mean_phi[parts.event]
    a, b, c = (parts.sum(weight * of) / total for of in (eta * eta, phi * phi, eta * phi))
    root = np.sqrt((a - b) ** 2 + 4 * c**2)
    return np.sqrt(np.maximum(a + b + root, 0) / 2), np.sqrt(np.maximum(a + b - root, 0) / 2)


def _pair_correlation(parts: Collection, share: Array, deta: Array, dphi: Array) -> Array:
    """Sum over pairs of z_i z_j distance_ij^0.2, (N,)."""
    result = np.zeros(len(parts))
    _correlate(result, parts.offsets, share, deta, dphi)
    return result


@njit(nogil=True, cache=True)
def _correlate(result, offsets, share, deta, dphi):  # type: ignore[no-untyped-def]
    for event in range(len(result)):
        total = 0.0
        for i in range(offsets[event], offsets[event + 1]):
            for j in range(offsets[event], i):
                apart = (deta[i] - deta[j]) ** 2 + (dphi[i] - dphi[j]) ** 2
                total += share[i] * share[j] * apart**0.1
        result[event] = total
