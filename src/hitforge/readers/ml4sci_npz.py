"""The small ML4SCI electron and photon sample: npz with x_train, x_test (N, 32, 32) energies, and y_train, y_test."""

from __future__ import annotations

import zipfile
import zlib
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.files import sha256
from hitforge.core.random import stream
from hitforge.events import Events
from hitforge.readers import Reader
from hitforge.readers._images import ImageConfig, check_images, check_labels, check_layout, to_events
from hitforge.readers.public import locate


class Ml4sciNpz(Reader):
    """Training and test events are those of the file; validation is drawn from the training events, class by class.

    Times are 0: the sample has none. Images are taken as they are, their middle as the seed. An array of Python
    objects, which only a pickle can hold, is refused.
    """

    class Config(ImageConfig):
        """File, split and units."""

        path: str = Field(description="the file, also relative to HITFORGE_DATA")
        validation: float = Field(0.2, ge=0, lt=1, description="share of the training events that becomes validation")
        seed: int = Field(1, ge=0, description="of the draw of the validation events")

    @cached_property
    def _file(self) -> Path:
        return locate(self.config.path)

    @cached_property
    def _samples(self) -> dict[str, tuple[Array, Array, Array]]:
        """Split -> images, labels, numbers in the file's part."""
        arrays = _load(self._file)
        whole: dict[str, tuple[Array, Array]] = {}
        for part in ("train", "test"):
            images, c = arrays[f"x_{part}"], self.config
            check_layout(images.shape, images.dtype, f"'x_{part}'", self.detector.grid_shape, self._file)
            label = check_labels(arrays[f"y_{part}"], f"'y_{part}'", self._file)
            if len(label) != len(images):
                came = f"{len(label)} labels, {len(images)} images"
                raise DataError(f"'y_{part}' must have a label for each image", came=came, where=self._file)
            number = np.arange(len(images))
            check_images(images, f"'x_{part}' (energy)", number, self._file, -c.negative / c.energy_unit)
            whole[part] = images, label
        images, label = whole["train"]
        chosen = np.zeros(len(label), np.bool_)
        for kind in (0, 1):
            members = stream(self.config.seed, "validation", kind).permutation(np.flatnonzero(label == kind))
            chosen[members[: round(self.config.validation * len(members))]] = True
        parts = {"train": (whole["train"], ~chosen), "validation": (whole["train"], chosen)}
        parts["test"] = whole["test"], np.ones(len(whole["test"][1]), np.bool_)
        return {name: (part[0][keep], part[1][keep], np.flatnonzero(keep)) for name, (part, keep) in parts.items()}

    def splits(self) -> dict[str, int]:
        """Return the number of shards of each split.

        Raises:
            DataError: The file is missing, damaged, not of this layout, or holds values that are not physical.
        """
        return {name: -(-len(label) // self.config.shard_events) for name, (_, label, _) in self._samples.items()}

    def shard(self, split: str, index: int) -> Events:
        """Return shard ``index`` of a split, in the order of the file."""
        size = self.config.shard_events
        images, label, number = (part[index * size : (index + 1) * size] for part in self._samples[split])
        return to_events(images, None, label, number, int(split == "test"), self.detector, self.config)

    def inputs(self) -> list[str]:
        """Return the SHA-256 of the file."""
        return [sha256(self._file)]


def _load(path: Path) -> dict[str, Array]:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with path.open("rb") as raw:
            file = np.load(raw, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError("the file must be an npz archive", came="one array", where=path)
            missing = [name for name in names if name not in file.files]
            if missing:
                raise DataError(
                    f"the file must have the arrays {', '.join(names)}", came=", ".join(file.files), where=path
                )
            return {name: file[name] for name in names}
    except (
        OSError,
        ValueError,
        EOFError,
        LookupError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            "the file must be a whole npz archive of plain numbers", came=came, where=path, do="download it again"
        ) from None
