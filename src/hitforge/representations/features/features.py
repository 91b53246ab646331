"""Shower shapes: the numbers by which calorimeters have told electrons, photons and jets apart for decades."""

from __future__ import annotations

import numpy as np
from pydantic import Field, field_validator

from hitforge.core import config
from hitforge.core.kernels import njit
from hitforge.detectors import Detector, require_grid
from hitforge.events import Events
from hitforge.representations import Prepared
from hitforge.representations._window import crop
from hitforge.representations.features._table import TableRepresentation, known_names

_NAMES = (
    "energy", "e25", "e1", "cells", "cells_80mev", "cells_200mev",
    "r9", "e9_e25", "e1_e25", "e2_e25", "e3_e25", "e2x2_e25", "e1x3_e25", "e3x1_e25", "e1x5_e25", "e5x1_e25",
    "e25_energy",
    "sigma_ieta_ieta", "sigma_iphi_iphi", "cov_ieta_iphi", "mean_ieta", "mean_iphi",
    "eta_width", "phi_width", "phi_skewness",
    "strip_outside", "strip_asymmetry", "strip_peaks", "eta_outside",
    "second_energy", "second_ieta", "second_iphi", "eta_asymmetry", "phi_asymmetry",
    "seed_time", "time_spread", "time_outside",
)  # fmt: skip
_LOG_WEIGHT = 4.7  # w0 of the logarithmic weights; Awes et al., Nucl. Instrum. Meth. A 311 (1992) 130; CMS uses 4.7
_PEAK = 0.35  # [GeV] least energy of a peak in the strip, the CMS hybrid clustering's seed of a sub-cluster
_TIMED = 1.0  # [GeV] cells below this have no time worth the name


class Features(TableRepresentation):
    """Shower shapes around the seed cell (eta = row, phi = column of the detector's grid; lengths in cells).

    E5x5 and the like are sums over rows x columns around the seed, E the sum over the window.

    - ``energy``, ``e25``, ``e1``: E, E5x5, the seed cell [GeV]; ``cells``: cells read out, and those above 80, 200 MeV
    - ``r9``: E3x3 / E (arXiv 1502.02702); ``e9_e25``: E3x3 / E5x5; ``e25_energy``: E5x5 / E
    - ``e1_e25``, ``e2_e25``, ``e3_e25``: seed, second and third highest cell of the 5 x 5, over E5x5
    - ``e2x2_e25``: highest 2 x 2 that contains the seed; ``e1x3_e25`` ... ``e5x1_e25``: 1 row x 3 columns, ...
    - ``sigma_ieta_ieta``, ``sigma_iphi_iphi``, ``cov_ieta_iphi``: square roots of the variances, and the covariance, in
      the 5 x 5 with weights max(0, 4.7 + ln(E_i / E5x5)) (arXiv 1502.02701, without its factor 0.0175 a crystal);
      ``mean_ieta``, ``mean_iphi``: distance of the centroid with these weights from the seed
    - ``eta_width``, ``phi_width``: energy-weighted standard deviation over the window; ``phi_skewness``: modulus of the
      third central moment over the cube of ``phi_width``
    - strip: the 5 rows around the seed, where a field along the barrel's axis spreads an electron's radiation.
      ``strip_outside``: its energy outside the 5 x 5, over E; ``strip_asymmetry``: the modulus of that on one side
      minus that on the other, over E; ``strip_peaks``: columns above 0.35 GeV and above both their neighbours, summed
      over the 5 rows; ``eta_outside``: energy outside the strip, over E
    - ``second_energy``: highest cell outside the 7 x 7, over E; ``second_ieta``, ``second_iphi``: its distance
    - ``eta_asymmetry``, ``phi_asymmetry``: difference of the seed's two neighbours, over E5x5
    - ``seed_time``: time of the seed cell; ``time_spread``: standard deviation of the times of cells above 1 GeV, with
      weights E^2, because the resolution goes as 1 / E; ``time_outside``: their mean outside the 5 x 5, from
      ``seed_time`` [ns]. 0 where no cell qualifies

    All but ``cov_ieta_iphi`` are the same for mirrored events, so augmentation changes nothing here. An event without
    hits has zeros.
    """

    class Config(config.Config):
        """Choice of features and window."""

        names: tuple[str, ...] = Field(_NAMES, min_length=1, description="features, in order")
        half_rows: int = Field(16, ge=3, le=127, description="rows on each side of the seed [cells]")
        half_columns: int = Field(16, ge=3, le=127, description="columns on each side of the seed [cells]")

        @field_validator("names")
        @classmethod
        def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
            return known_names(names, _NAMES)

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        self._grid = require_grid(detector, "the representation 'features'")
        self._columns = np.array([_NAMES.index(name) for name in config.names])

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the configuration."""
        return self.config.names  # type: ignore[no-any-return]

    def prepare(self, events: Events) -> Prepared:
        """Return ``features``, (N, F) float32.

        Raises:
            DataError: The events have no hits, or a cell is not one of the detector's.
        """
        half = self.config.half_rows, self.config.half_columns
        lit = crop(events, self._grid, half)
        table = np.zeros((len(lit), len(_NAMES)))
        _shapes(table, lit.offsets, lit["pixel"], lit["energy"], lit["time"], half)
        return Prepared(None, {"features": table[:, self._columns].astype(np.float32)})


@njit(nogil=True, cache=True)
def _block(window, row, column, rows, columns):  # type: ignore[no-untyped-def]
    """Sum over ``rows`` x ``columns`` cells from (row, column) on."""
    total = 0.0
    for i in range(row, row + rows):
        for j in range(column, column + columns):
            total += window[i, j]
    return total


@njit(nogil=True, cache=True)
def _shapes(table, offsets, pixel, energy, time, half):  # type: ignore[no-untyped-def]
    """Fill ``table``, (N, all features), event by event from a dense window that is cleared after use."""
    r, c = half  # the seed
    width = 2 * c + 1
    window, times = np.zeros((2 * r + 1, width)), np.zeros((2 * r + 1, width))
    for event in range(len(table)):
        first, last = offsets[event], offsets[event + 1]
        for hit in range(first, last):
            window[pixel[hit] // width, pixel[hit] % width] = energy[hit]
            times[pixel[hit] // width, pixel[hit] % width] = time[hit]
        _global(table[event], window, times, r, c, pixel[first:last], energy[first:last], time[first:last])
        _core(table[event], window, r, c)
        _strip(table[event], window, r, c)
        for hit in range(first, last):
            window[pixel[hit] // width, pixel[hit] % width] = 0
            times[pixel[hit] // width, pixel[hit] % width] = 0


@njit(nogil=True, cache=True)
def _global(out, window, times, r, c, pixel, energy, time):  # type: ignore[no-untyped-def]
    """Sums and moments over all cells of the window."""
    width = 2 * c + 1
    total = eta = phi = 0.0
    for hit in range(len(pixel)):
        total += energy[hit]
        eta += energy[hit] * (pixel[hit] // width - r)
        phi += energy[hit] * (pixel[hit] % width - c)
        out[3] += 1
        out[4] += energy[hit] > 0.08
        out[5] += energy[hit] > 0.2
    out[0] = total
    if total <= 0:
        return
    eta, phi = eta / total, phi / total
    eta2 = phi2 = phi3 = second = strip = 0.0
    weights = mean = mean2 = weights_outside = mean_outside = 0.0
    seed_time = times[r, c]
    for hit in range(len(pixel)):
        i, j, e = pixel[hit] // width - r, pixel[hit] % width - c, np.float64(energy[hit])
        eta2 += e * (i - eta) ** 2
        phi2 += e * (j - phi) ** 2
        phi3 += e * (j - phi) ** 3
        if abs(i) <= 2:
            strip += e
        if max(abs(i), abs(j)) > 3 and e > second:
            second = e
            out[30], out[31] = abs(i), abs(j)
        if e > _TIMED:
            t = time[hit] - seed_time
            weights += e * e
            mean += e * e * t
            mean2 += e * e * t * t
            if max(abs(i), abs(j)) > 2:
                weights_outside += e * e
                mean_outside += e * e * t
    out[22], out[23] = np.sqrt(eta2 / total), np.sqrt(phi2 / total)
    if phi2 > 0:
        out[24] = abs(phi3 / total) / (phi2 / total) ** 1.5
    out[28] = (total - strip) / total
    out[29] = second / total
    out[34] = seed_time
    if weights > 0:
        out[35] = np.sqrt(max(mean2 / weights - (mean / weights) ** 2, 0.0))
    if weights_outside > 0:
        out[36] = mean_outside / weights_outside


@njit(nogil=True, cache=True)
def _core(out, window, r, c):  # type: ignore[no-untyped-def]
    """Ratios and logarithmic moments in the 5 x 5 around the seed."""
    e25, e9 = _block(window, r - 2, c - 2, 5, 5), _block(window, r - 1, c - 1, 3, 3)
    out[1], out[2] = e25, window[r, c]
    if e25 <= 0:
        return
    out[6], out[16] = e9 / out[0], e25 / out[0]
    out[7], out[8] = e9 / e25, window[r, c] / e25
    ordered = np.sort(window[r - 2 : r + 3, c - 2 : c + 3].copy().ravel())
    out[9], out[10] = ordered[-2] / e25, ordered[-3] / e25
    for i in range(2):
        for j in range(2):
            out[11] = max(out[11], _block(window, r - i, c - j, 2, 2) / e25)
    out[12], out[13] = _block(window, r, c - 1, 1, 3) / e25, _block(window, r - 1, c, 3, 1) / e25
    out[14], out[15] = _block(window, r, c - 2, 1, 5) / e25, _block(window, r - 2, c, 5, 1) / e25
    weights = eta = phi = eta2 = phi2 = both = 0.0
    for i in range(-2, 3):
        for j in range(-2, 3):
            share = window[r + i, c + j] / e25
            if share > 0:
                w = max(0.0, _LOG_WEIGHT + np.log(share))
                weights += w
                eta += w * i
                phi += w * j
                eta2 += w * i * i
                phi2 += w * j * j
                both += w * i * j
    eta, phi = eta / weights, phi / weights
    out[17] = np.sqrt(max(eta2 / weights - eta * eta, 0.0))
    out[18] = np.sqrt(max(phi2 / weights - phi * phi, 0.0))
    out[19] = both / weights - eta * phi
    out[20], out[21] = abs(eta), abs(phi)
    out[32] = abs(window[r + 1, c] - window[r - 1, c]) / e25
    out[33] = abs(window[r, c + 1] - window[r, c - 1]) / e25


@njit(nogil=True, cache=True)
def _strip(out, window, r, c):  # type: ignore[no-untyped-def]
    """Energy along phi in the 5 rows around the seed."""
    if out[0] <= 0:
        return
    left, right = _block(window, r - 2, 0, 5, c - 2), _block(window, r - 2, c + 3, 5, c - 2)
    out[25], out[26] = (left + right) / out[0], abs(left - right) / out[0]
    before, here = 0.0, _block(window, r - 2, 0, 5, 1)
    for j in range(2 * c + 1):
        after = _block(window, r - 2, j + 1, 5, 1) if j < 2 * c else 0.0
        out[27] += here > _PEAK and here > before and here >= after
        before, here = here, after
