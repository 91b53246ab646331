"""The ML4SCI jet images: Parquet with ``X_jets`` (channels, rows, columns) as nested lists, ``pt``, ``m0``, ``y``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.files import atomic
from hitforge.detectors import Detector
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.readers._jet_pixels import Pixels, images_of, lit_pixels
from hitforge.readers._jets import JetConfig, JetReader, momenta, refuse_values
from hitforge.readers._list_tables import Stretches, columns_of_table

Channel = Literal["track_pt", "d0", "z0", "ecal", "hcal", "unused"]
_IMAGES = ("X_jets", "X_jet")
_PITCH = 0.0174  # of the crystals of CMS's barrel, in pseudorapidity; in azimuth 0.01745
_SIZE = 125  # of the images that are written
_AT_ONCE = 32  # jets that are decoded at a time: 12 MB of three channels as float64
_KINDS: dict[Channel, int] = {"track_pt": 211, "ecal": 22, "hcal": 130}
_KNOWN = ("pt", "m0", "y")
_CM = 10.0  # [mm]


class Ml4sciParquet(JetReader):
    """Each lit pixel of a channel becomes a constituent: tracks 211, of the electromagnetic calorimeter 22, else 130.

    Pixels are massless and stand about the jet's axis, rows in pseudorapidity and columns in azimuth: with the middle
    pixel on the axis an image is ``rows x pitch`` wide. The files do not tell where the axis is, so it lies at
    pseudorapidity and azimuth 0 (``known_axis`` tells so), and energies are taken as transverse ones. Charges are not
    told and stay 0. The representation ``jet_image`` with as many ``rows`` and ``columns`` and ``extent`` half their
    width gives the image of the file back; ``constituents`` makes it a cloud.

    The jet's momentum is that of ``pt`` and ``m0``, or of the sum of the pixels where a file has no ``pt``. Fields:
    ``jet_label`` is ``y`` as it is; each other column of one number a jet, such as ``m``, ``am``, ``ieta`` or
    ``iphi``, keeps its name.
    """

    BLOCK = 512

    class Config(JetConfig):
        """Files, splits, channels and units."""

        max_constituents: int = Field(100_000, ge=1, description="a jet with more lit pixels is an error")
        channels: tuple[Channel, ...] = Field(
            ("track_pt", "ecal", "hcal"), min_length=1, description="what the file's channels are, in order"
        )
        rows: int = Field(_SIZE, ge=1, le=1024, description="rows of an image, pseudorapidity")
        columns: int = Field(_SIZE, ge=1, le=1024, description="columns of an image, azimuth")
        pitch: float = Field(_PITCH, gt=0, le=1, description="edge of a pixel in pseudorapidity and azimuth")
        tower: int = Field(
            1, ge=1, le=64, description="pixels along an edge over which a tower of 'hcal' is spread evenly; 5 at CMS"
        )
        energy_unit: float = Field(1.0, gt=0, description="of a pixel with value 1 [GeV]")
        impact_unit: float = Field(_CM, gt=0, description="of an impact parameter of value 1 [mm]")
        threshold: float = Field(0.0, ge=0, description="pixels up to this energy are left out [GeV]")
        negative: float = Field(
            0.0, ge=0, description="a pixel below minus this is an error [GeV]; left out either way"
        )
        jet_mass: bool = Field(True, description="'m0' is the mass of the jet; false where a network is to find it")

        @model_validator(mode="after")
        def _possible(self) -> Self:
            used = [name for name in self.channels if name != "unused"]
            if len(set(used)) < len(used) or not set(used) & set(_KINDS):
                raise ValueError("channels must differ, and one be 'track_pt', 'ecal' or 'hcal'")
            if {"d0", "z0"} & set(used) and "track_pt" not in used:
                raise ValueError("channels d0 and z0 are those of tracks, and need 'track_pt'")
            if self.rows % self.tower or self.columns % self.tower:
                raise ValueError("tower must divide rows and columns")
            return self

    @cached_property
    def _stretches(self) -> Stretches:  # each process opens files for itself
        return Stretches(_AT_ONCE)

    def count(self, path: Path) -> int:
        """Return the number of jets in a file."""
        names, rows = columns_of_table(path)
        self._image_column(names, path)
        return rows

    @staticmethod
    def _image_column(names: list[str], path: Path) -> str:
        found = [name for name in _IMAGES if name in names]
        if len(found) != 1:
            came = " and ".join(found) or f"only {', '.join(names[:14])}"
            raise DataError("the file must have a column of images, X_jets or X_jet", came=came, where=path)
        return found[0]

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the jets ``first`` to ``last - 1`` of a file."""
        name = self._image_column(columns_of_table(path)[0], path)
        parts, scalars = list[Pixels](), list[dict[str, Array]]()
        at = first
        for batch in self._stretches.rows(path, first, last):
            images = self._images(batch.column(name), name, path, at)
            parts.append(self._pixels(images, path, at))
            scalars.append(_scalars(batch, name, path, at))
            at += len(batch)
        columns = {key: np.concatenate([one[key] for one in scalars]) for key in scalars[0]}
        return self._events(Pixels.concatenate(parts), columns, path, first)

    def _images(self, column: Any, name: str, path: Path, first: int) -> Array:
        """Dense images of a batch, (n, channels, rows, columns), in the file's own type."""
        c = self.config
        shape = (len(c.channels), c.rows, c.columns)
        kind = column.type
        for _ in shape:
            if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
                came = column.type
                raise DataError(f"'{name}' must be lists of lists of lists of numbers", came=came, where=path)
            kind = kind.value_type
        values, rows = column, len(column)
        for length in shape:
            counts = np.asarray(values.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False))
            wrong = np.flatnonzero(counts != length)
            if len(wrong):
                event = first + int(wrong[0]) * rows // max(len(counts), 1)
                came = f"{counts[wrong[0]]} where {length} must be" if counts[wrong[0]] >= 0 else "nothing"
                raise DataError(
                    f"'{name}' must have {shape[0]} channels of {c.rows} x {c.columns} pixels",
                    came=came,
                    where=f"{path}, event {event}",
                    do="name the file's channels in 'channels' (unused ones 'unused'), and set 'rows' and 'columns'",
                )
            values = values.flatten()
        if values.null_count or not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
            came = f"{values.type}, {values.null_count} nulls"
            raise DataError(f"each pixel of '{name}' must be a number", came=came, where=path)
        return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(rows, *shape)

    def _pixels(self, images: Array, path: Path, first: int) -> Pixels:
        """Lit pixels of a batch: the channels that are energies, jet by jet, with impact parameters of tracks."""
        c = self.config
        place = {name: number for number, name in enumerate(c.channels) if name != "unused"}
        found = list[Pixels]()
        track = None
        for name in [name for name in _KINDS if name in place]:
            planes, channel, tower = images, place[name], c.tower if name == "hcal" else 1
            if tower > 1:
                planes, channel = self._towers(images[:, channel], path, first)[:, None], 0
            event, row, column, pt, dropped, unreal, low = lit_pixels(
                planes, channel, c.energy_unit, c.threshold, -c.negative
            )
            self._refuse(planes[:, channel], name, unreal if unreal >= 0 else low, unreal >= 0, path, first)
            impact = np.zeros((2, len(event)))
            if name == "track_pt":
                track = (event, row, column)
                for which, of in enumerate(("d0", "z0")):
                    if of in place:
                        impact[which] = images[:, place[of]][track] * c.impact_unit
            middle = ((c.rows // tower - 1) / 2, (c.columns // tower - 1) / 2)
            eta, phi = (row - middle[0]) * c.pitch * tower, (column - middle[1]) * c.pitch * tower
            kind = np.full(len(event), _KINDS[name])
            found.append(Pixels(event, pt, eta, phi, kind, impact[0], impact[1], dropped, np.zeros(len(images))))
        result = Pixels.merge(found)
        for of in ("d0", "z0"):
            if of in place and track is not None:
                unreal = np.flatnonzero(~np.isfinite(images[:, place[of]]).all(axis=(1, 2)))
                self._refuse(images[:, place[of]], of, int(unreal[0]) if len(unreal) else -1, True, path, first)
                lit = images[:, place[of]] != 0
                lit[track] = False
                result.stray += lit.sum(axis=(1, 2))
        return result

    def _refuse(self, plane: Array, name: str, event: int, unreal: bool, path: Path, first: int) -> None:
        """Refuse a channel, (n, rows, columns), if it has an event, not -1, with a pixel that cannot be."""
        if event < 0:
            return
        low = -self.config.negative
        wrong = ~np.isfinite(plane[event]) if unreal else plane[event] * self.config.energy_unit < low
        raise DataError(
            f"the channel '{name}' must be {'finite' if unreal else f'>= {low:g} GeV'}",
            came=f"{plane[event][wrong][0]:g}, and {int(wrong.sum()) - 1} more such pixels of this jet",
            where=f"{path}, event {first + event}",
            do=None if unreal else "are the channels in this order? 'negative' allows for noise",
        )

    def _towers(self, plane: Array, path: Path, first: int) -> Array:
        """Sums of the squares of pixels that a tower was spread over, which must hold the same."""
        tower = self.config.tower
        split = plane.reshape(len(plane), plane.shape[1] // tower, tower, plane.shape[2] // tower, tower)
        low, high = split.min(axis=(2, 4)), split.max(axis=(2, 4))
        wrong = np.flatnonzero((high - low > 1e-4 * np.abs(high)).any(axis=(1, 2)))
        if len(wrong):
            raise DataError(
                f"'hcal' must be even over squares of {tower} x {tower} pixels",
                came=f"{len(wrong)} of {len(plane)} jets where it is not",
                where=f"{path}, event {first + int(wrong[0])}",
                do="set 'tower' to 1",
            )
        return split.sum(axis=(2, 4))  # type: ignore[no-any-return]

    def _events(self, pixels: Pixels, columns: dict[str, Array], path: Path, first: int) -> Events:
        count = len(pixels.dropped)
        counts = np.bincount(pixels.event, minlength=count)
        part = {**momenta(pixels.pt, pixels.eta, pixels.phi), "energy": pixels.pt * np.cosh(pixels.eta)}
        part |= {"pdg": pixels.pdg, "d0": pixels.d0, "z0": pixels.z0}
        if "pt" in columns:
            pt, mass = columns["pt"].astype(np.float64), columns.get("m0", np.zeros(count)).astype(np.float64)
            refuse_values({"pt": pt, "m0": mass}, np.arange(count + 1), path, first, low=0.0)
            mass = mass if self.config.jet_mass else np.zeros(count)
        else:
            px, py, pz, energy = (np.bincount(pixels.event, part[of], count) for of in ("px", "py", "pz", "energy"))
            pt, mass = np.hypot(px, py), kinematics.mass(px, py, pz, energy)
        jets = {**momenta(pt, np.zeros(count), np.zeros(count)), "energy": np.hypot(pt, mass)}
        fields: Fields = {
            "known_axis": (np.zeros(count), FieldInfo("int8", "", "1 where the jet's direction is known", "flag")),
            "dropped_energy": (
                pixels.dropped,
                FieldInfo("float32", "GeV", "sum of the pixels that are left out, negative ones included", "sum"),
            ),
            "stray_impact": (
                pixels.stray, FieldInfo("int32", "", "pixels with an impact parameter but without a track", "sum")
            ),
        }  # fmt: skip
        if "y" in columns:
            fields["jet_label"] = self._labels(columns["y"], path, first)
        for name, values in columns.items():
            if name not in _KNOWN or (name == "m0" and not (self.config.jet_mass and "pt" in columns)):
                refuse_values({name: values}, np.arange(count + 1), path, first)
                fields[name] = (values, FieldInfo("float32", "", f"the file's column {name}"))
        return jet_events(counts, part, jets, fields)

    @staticmethod
    def _labels(values: Array, path: Path, first: int) -> tuple[Array, FieldInfo]:
        wrong = np.flatnonzero(~np.isfinite(values) | (values != np.round(values)) | (np.abs(values) > 2**31 - 1))
        if len(wrong):
            came = f"{values[wrong[0]]}, and {len(wrong) - 1} more such values"
            raise DataError("'y' must be a whole number", came=came, where=f"{path}, event {first + int(wrong[0])}")
        return values.astype(np.int64), FieldInfo("int32", "", "the file's label y")

    @classmethod
    def write(cls, path: Path, shards: Iterator[Events], detector: Detector) -> list[str]:
        """Write images of 125 x 125 pixels of 0.0174 about each jet's axis, streamed and atomic, a jet a row group.

        Channels are the transverse momenta of charged constituents, of photons, and of other neutral ones, which
        stand for tracks and the two calorimeters; where the first shard has impact parameters, ``d0`` and ``z0`` [cm]
        of each pixel's hardest track stand behind the first. A tower stands in one pixel, not spread over several.

        Returns:
            What lies outside the images, and which constituents share a pixel.

        Raises:
            DataError: Events are no jets, or the disk is full.
        """
        file, outside, lost, shared = None, 0, 0.0, 0
        with atomic(path) as temporary:
            try:
                for events in shards:
                    if file is None:
                        impact = bool(events.constituents["d0"].any() or events.constituents["z0"].any())
                        labelled = "jet_label" in events.fields
                        file = pq.ParquetWriter(temporary, _schema(labelled), compression="zstd")
                    for start in range(0, len(events), _AT_ONCE):
                        block = events.take(np.arange(start, min(start + _AT_ONCE, len(events))))
                        found = images_of(block, _SIZE, _PITCH, impact)
                        outside, lost = outside + found.outside[0], lost + found.outside[1]
                        shared += found.shared
                        file.write_table(_table(block, found.values, impact, labelled), row_group_size=1)
            finally:
                if file is not None:
                    file.close()
            if file is None:
                raise DataError("there must be jets to write", came="none", where=path)
        told = []
        if outside:
            told.append(f"{outside} constituents with {lost:.6g} GeV lie outside the {_SIZE} x {_SIZE} pixels")
        if shared:
            told.append(f"{shared} constituents share a pixel of their channel with a harder one")
        return told


def _scalars(batch: pa.RecordBatch, images: str, path: Path, first: int) -> dict[str, Array]:
    """Columns of one number a jet."""
    found = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        kind = column.type
        if name == images or not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
            continue
        if column.null_count:
            event = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            must = f"'{name}' must be a number for each jet"
            raise DataError(must, came=f"{column.null_count} nulls", where=f"{path}, event {first + event}")
        found[name] = np.asarray(column.to_numpy(zero_copy_only=False)) * 1
    return found


def _schema(labelled: bool) -> pa.Schema:
    image = pa.list_(pa.list_(pa.list_(pa.float32())))
    label = [("y", pa.float32())] if labelled else []
    return pa.schema([("X_jets", image), ("pt", pa.float32()), ("m0", pa.float32()), *label])


def _table(events: Events, values: Array, impact: bool, labelled: bool) -> pa.Table:
    """Images and numbers of jets, with impact parameters in cm."""
    if impact:
        values = values / np.array([1, _CM, _CM, 1, 1], np.float32)[:, None, None]
    nested = pa.array(values.reshape(-1))
    for length, count in zip(
        values.shape[:0:-1], (values[..., 0].size, values[:, :, 0, 0].size, len(values)), strict=True
    ):
        nested = pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32) * length, nested)
    px, py, pz, energy = (events.jets[name].astype(np.float64) for name in ("px", "py", "pz", "energy"))
    mass = kinematics.mass(px, py, pz, energy)
    columns = [nested, np.hypot(px, py), mass]
    if labelled:
        columns.append(events.field("jet_label"))
    schema = _schema(labelled)
    return pa.table([columns[0], *(pa.array(of, pa.float32()) for of in columns[1:])], schema=schema)


__all__ = ["Channel", "Ml4sciParquet"]
