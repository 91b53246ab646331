"""A jet as an image about its axis: transverse momentum in pixels of pseudorapidity and azimuth."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.kernels import njit
from hitforge.detectors import Detector
from hitforge.events import Collection, Events
from hitforge.events.jets import about_axis, is_charged, require_one_jet
from hitforge.representations import Prepared, Representation, Shapes

_Channel = Literal["pt", "charged", "photon", "neutral_hadron", "count", "charged_count", "d0", "z0"]
_IMPACT = ("d0", "z0")
_FLOOR = 0.5  # [GeV] pT below which its logarithm is linear
_TINY = 1e-12


class JetImage(Representation):
    """Images (rows, columns, channels) of constituents, rows in pseudorapidity and columns in azimuth from the axis.

    Pixels reach ``extent`` to either side of the jet's axis. What lies beyond is in no pixel; ``prepare`` counts its
    transverse momentum. The compact form holds the lit pixels alone. Channels are sums over the constituents of a
    pixel:

    - ``pt``, and that of ``charged`` ones, of each ``photon``, of each ``neutral_hadron``: transverse momentum
    - ``count``, ``charged_count``: how many there are

    but ``d0`` and ``z0``, which are the arsinh of the impact parameters / ``impact_scale`` of its hardest track, with
    the signs that mirrors give them.

    Transverse momenta are told by ``scale`` as ``share`` of the sum over the jet's constituents, as its root
    (``sqrt_share``), which leaves soft constituents visible beside hard ones, or as ``log_pt``,
    log(1 + pT / 0.5 GeV); numbers as they are, or as their roots or logarithms log(1 + n).

    Jets are mirrored at random in training, in rows and in columns: which is left, and which is forward, tells no
    origin. With ``align`` each is turned about its axis until its largest spread runs from row to row, and mirrored so
    that the halves with more transverse momentum come last, much as in arXiv 1511.05190, which turns subjets;
    then there is no augmentation. An image tells neither pT nor direction nor mass of the whole jet.
    """

    reads: ClassVar[frozenset[str]] = frozenset({"jets", "constituents"})

    class Config(config.Config):
        """Pixels and channels."""

        rows: int = Field(32, ge=2, le=256, description="pixels in pseudorapidity")
        columns: int = Field(32, ge=2, le=256, description="pixels in azimuth")
        extent: float = Field(0.8, gt=0, le=3, description="from the jet's axis to the edge of the image")
        channels: Annotated[tuple[_Channel, ...], config.DISTINCT] = Field(
            ("charged", "photon", "neutral_hadron"), min_length=1, description="channels, in order"
        )
        scale: Literal["share", "sqrt_share", "log_pt"] = Field("sqrt_share", description="of what a pixel holds")
        impact_scale: float = Field(0.1, gt=0, description="impact parameter below which it is linear [mm]")
        align: bool = Field(False, description="turn and mirror each jet to one orientation")

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        if config.align and set(config.channels) & set(_IMPACT):
            came = ", ".join(sorted(set(config.channels) & set(_IMPACT)))
            raise ConfigError(
                "a jet that is turned has no impact parameters", came=came, where="representation.channels"
            )
        # of d0 a mirror of the azimuth changes the sign, of z0 one of the pseudorapidity
        flips = {"d0": (1, -1), "z0": (-1, 1)}
        self._signs = np.array([flips.get(name, (1, 1)) for name in config.channels], np.float32)  # (C, 2)

    def shapes(self) -> Shapes:
        """Return the shape of ``image``: (rows, columns, channels)."""
        return {"image": (self.config.rows, self.config.columns, len(self.config.channels))}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the channels."""
        return {"image": list(self.config.channels)}

    def prepare(self, events: Events) -> Prepared:
        """Return the lit pixels of each jet: ``pixel`` (row * columns + column) and ``value`` (channels of it).

        ``left_out``, (N,): transverse momentum beyond the image [GeV].

        Raises:
            DataError: An event has no jet or several.
        """
        require_one_jet(events, "the representation 'jet_image'")
        c, parts = self.config, events.constituents
        pt, deta, dphi = about_axis(events)
        if c.align:
            deta, dphi = _aligned(parts, pt, deta, dphi)
        row = np.floor((deta / c.extent + 1) * c.rows / 2)
        column = np.floor((dphi / c.extent + 1) * c.columns / 2)
        inside = (row >= 0) & (row < c.rows) & (column >= 0) & (column < c.columns)
        place = (row * c.columns + column)[inside].astype(np.int64)
        lit, back = np.unique(parts.event[inside] * (c.rows * c.columns) + place, return_inverse=True)
        event, pixel = np.divmod(lit, c.rows * c.columns)
        total = np.maximum(parts.sum(pt), _TINY)
        columns = _channels(parts, pt)
        value = np.empty((len(lit), len(c.channels)), np.float32)
        for number, name in enumerate(c.channels):
            if name in _IMPACT:
                value[:, number] = np.arcsinh(
                    _of_hardest_track(parts, name, pt, inside, back, len(lit)) / c.impact_scale
                )
                continue
            held = np.bincount(back, columns[name][inside], len(lit))
            value[:, number] = self._scaled(held, None if name.endswith("count") else total[event])
        counts = np.bincount(event, minlength=len(parts))
        left_out = parts.sum(np.where(inside, 0.0, pt)).astype(np.float32)
        ragged: dict[str, Array] = {"pixel": pixel.astype(np.uint16), "value": value}
        return Prepared(Collection.from_counts(counts, ragged), {"left_out": left_out})

    def _scaled(self, held: Array, total: Array | None) -> Array:
        """What a pixel shows of a sum: of transverse momenta where the jet's ``total`` is given, else of a number."""
        scale = self.config.scale
        if scale == "log_pt":
            return np.log1p(held if total is None else held / _FLOOR)
        share = held if total is None else held / total
        return np.sqrt(share) if scale == "sqrt_share" else share

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return ``image``, (B, rows, columns, channels) float32; mirrored at random where ``random`` is given."""
        lit = prepared.ragged
        assert lit is not None  # prepare always gives it
        index = np.asarray(index, np.int64)
        mirror = np.zeros((len(index), 2), np.bool_)
        if random is not None and not self.config.align:
            mirror = random.random((len(index), 2)) < 0.5
        image = np.zeros((len(index), *self.shapes()["image"]), np.float32)
        _fill(image, index, lit.offsets, lit["pixel"], lit["value"], mirror, self._signs)
        return {"image": image}


def _channels(parts: Collection, pt: Array) -> dict[str, Array]:
    """What each constituent adds to a pixel of each channel, (rows,)."""
    kind, charged = np.abs(parts["pdg"]), is_charged(parts)
    neutral = ~charged & (kind != 22) & (kind != 0)
    return {
        "pt": pt,
        "charged": pt * charged,
        "photon": pt * (kind == 22),
        "neutral_hadron": pt * neutral,
        "count": np.ones(len(pt)),
        "charged_count": charged.astype(np.float64),
    }


def _of_hardest_track(parts: Collection, name: str, pt: Array, inside: Array, pixel: Array, count: int) -> Array:
    """A column of the charged constituent of highest transverse momentum in each pixel, (pixels,); 0 without one."""
    track = is_charged(parts)[inside]
    row = np.flatnonzero(inside)[track]
    rising = np.argsort(pt[row], kind="stable")
    result = np.zeros(count)
    result[pixel[track][rising]] = parts[name][row[rising]]  # the last one that is written is the hardest
    return result


def _aligned(parts: Collection, pt: Array, deta: Array, dphi: Array) -> tuple[Array, Array]:
    """Places after turning each jet's largest spread into the rows and its heavier halves to positive places."""
    total, owner = np.maximum(parts.sum(pt), _TINY), parts.event
    eta, phi = deta - (parts.sum(pt * deta) / total)[owner], dphi - (parts.sum(pt * dphi) / total)[owner]
    a, b, c = (parts.sum(pt * of) for of in (eta * eta, phi * phi, eta * phi))
    angle = (0.5 * np.arctan2(2 * c, a - b))[owner]
    along, across = deta * np.cos(angle) + dphi * np.sin(angle), dphi * np.cos(angle) - deta * np.sin(angle)
    turned = []
    for place in (along, across):
        side = np.where(parts.sum(pt * np.sign(place)) < 0, -1.0, 1.0)
        turned.append(place * side[owner])
    return turned[0], turned[1]


@njit(nogil=True, cache=True)
def _fill(image, index, offsets, pixel, value, mirror, signs):  # type: ignore[no-untyped-def]
    """Write the lit pixels of the jets ``index`` into zeros, (B, rows, columns, channels)."""
    rows, columns = image.shape[1], image.shape[2]
    for b in range(len(index)):
        for place in range(offsets[index[b]], offsets[index[b] + 1]):
            i, j = np.int64(pixel[place]) // columns, np.int64(pixel[place]) % columns
            i = rows - 1 - i if mirror[b, 0] else i
            j = columns - 1 - j if mirror[b, 1] else j
            for c in range(image.shape[3]):
                sign = (signs[c, 0] if mirror[b, 0] else np.float32(1)) * (
                    signs[c, 1] if mirror[b, 1] else np.float32(1)
                )
                image[b, i, j, c] = sign * value[place, c]
