"""A window of cells around an event's seed, as an image with channels chosen by name."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.detectors import Detector, require_grid
from hitforge.events import Events
from hitforge.representations import Prepared, Representation, Shapes
from hitforge.representations._window import crop

_Channel = Literal["energy", "log_energy", "sqrt_energy", "time", "gated_time", "lit"]
_CODES = {"energy": 0, "log_energy": 1, "sqrt_energy": 2, "time": 3, "gated_time": 4, "lit": 5}


class Image(Representation):
    """Images (rows, columns, channels); the seed cell stands at ``[rows // 2, columns // 2]``.

    The seed is the cell in the event field ``seed_cell`` where there is one, else the cell of the hottest hit. Rows
    and columns follow the detector's grid (barrel: eta and phi) and wrap where the detector does. The compact form
    holds the lit cells only, in a window with as many cells before the seed as behind it, so that a mirrored image of
    even width loses no column. Channels, for a cell of energy E and time t:

    - ``energy``: E / ``energy_scale``
    - ``log_energy``: log(1 + E / ``log_floor``) / log(1 + ``energy_scale`` / ``log_floor``): 1 at ``energy_scale``,
      and cells near the noise stay visible beside the core
    - ``sqrt_energy``: sqrt(E / ``energy_scale``), flattens the Poisson part of the fluctuations
    - ``time``: t / ``time_scale``; 0 where no cell is lit
    - ``gated_time``: the same times E^2 / (E^2 + ``gate``^2). The resolution of a cell's time goes as 1 / E, so the
      time of a faint cell is noise alone, and there are many such cells; this is the weight of a Wiener filter
    - ``lit``: 1 where the cell was read out

    Augmentation mirrors images about the seed. Rows: the barrel, its tilt (signed with eta) and the spread of vertices
    are the same on both sides of z = 0, and a field along z survives this mirror. Columns: phi -> -phi turns the field
    around, which only exchanges the charges: right for photons, and for electrons and positrons in equal numbers;
    crystals that are tilted in azimuth, always the same way round, break it, so it is off unless asked for. A rotation
    in phi cannot be seen in a window that moves with the seed.
    """

    class Config(config.Config):
        """Window and channels."""

        rows: int = Field(32, ge=1, le=255, description="height of the window [cells]")
        columns: int = Field(32, ge=1, le=255, description="width of the window [cells]")
        channels: Annotated[tuple[_Channel, ...], config.DISTINCT] = Field(
            ("energy", "gated_time"), min_length=1, description="channels, in order"
        )
        energy_scale: float = Field(50.0, gt=0, description="energy that becomes 1 [GeV]")
        log_floor: float = Field(0.05, gt=0, description="energy below which log_energy is linear [GeV]")
        time_scale: float = Field(1.0, gt=0, description="time that becomes 1 [ns]")
        time_reference: Literal["none", "seed"] = Field("none", description="subtract nothing, or the seed cell's time")
        gate: float = Field(1.0, gt=0, description="energy at which gated_time has half its weight [GeV]")
        mirror_rows: bool = Field(True, description="augment by the mirror of rows about the seed")
        mirror_columns: bool = Field(False, description="augment by the mirror of columns about the seed")

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        self._grid = require_grid(detector, "the representation 'image'")
        self._half = config.rows // 2, config.columns // 2
        self._codes = np.array([_CODES[name] for name in config.channels])  # (C,)
        self._scales = np.array(
            [
                config.energy_scale,
                config.log_floor,
                1 / np.log1p(config.energy_scale / config.log_floor),
                config.time_scale,
                config.gate**2,
            ]
        )

    def shapes(self) -> Shapes:
        """Return the shape of ``image``: (rows, columns, channels)."""
        return {"image": (self.config.rows, self.config.columns, len(self.config.channels))}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the channels."""
        return {"image": list(self.config.channels)}

    def prepare(self, events: Events) -> Prepared:
        """Return the lit cells near each seed: columns ``pixel`` (uint16), ``energy`` [GeV] and ``time`` [ns].

        Hits in one cell are merged: energies add, and the time is that of the most energetic.

        Raises:
            DataError: The events have no hits, or a cell is not one of the detector's.
        """
        subtract = self.config.time_reference == "seed"
        return Prepared(crop(events, self._grid, self._half, subtract_seed_time=subtract), {})

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return ``image``, (B, rows, columns, channels) float32; mirrored at random where ``random`` is given."""
        lit = prepared.ragged
        assert lit is not None  # prepare always gives it
        index = np.asarray(index, np.int64)
        mirror = np.zeros((len(index), 2), np.bool_)
        if random is not None:
            allowed = [self.config.mirror_rows, self.config.mirror_columns]
            mirror = (random.random((len(index), 2)) < 0.5) & allowed
        image = np.zeros((len(index), *self.shapes()["image"]), np.float32)
        _fill(image, index, lit.offsets, lit["pixel"], lit["energy"], lit["time"], mirror, self._codes, self._scales)
        return {"image": image}


@njit(nogil=True, cache=True)
def _fill(image, index, offsets, pixel, energy, time, mirror, codes, scales):  # type: ignore[no-untyped-def]
    """Write the lit cells of the events ``index`` into zeros, (B, rows, columns, channels)."""
    rows, columns = image.shape[1], image.shape[2]
    half_row, half_column = rows // 2, columns // 2
    width = 2 * half_column + 1
    for b in range(len(index)):
        for hit in range(offsets[index[b]], offsets[index[b] + 1]):
            i, j = np.int64(pixel[hit]) // width - half_row, np.int64(pixel[hit]) % width - half_column
            i = half_row + (-i if mirror[b, 0] else i)
            j = half_column + (-j if mirror[b, 1] else j)
            if i >= rows or j >= columns:  # the one row or column more than an even window shows
                continue
            value, when = energy[hit], time[hit]
            for c in range(len(codes)):
                code = codes[c]
                if code == 0:
                    image[b, i, j, c] = value / scales[0]
                elif code == 1:
                    image[b, i, j, c] = np.log1p(value / scales[1]) * scales[2]
                elif code == 2:
                    image[b, i, j, c] = np.sqrt(value / scales[0])
                elif code == 3:
                    image[b, i, j, c] = when / scales[3]
                elif code == 4:
                    image[b, i, j, c] = when / scales[3] * (value * value / (value * value + scales[4]))
                else:
                    image[b, i, j, c] = 1
