"""The small ML4SCI electron and photon sample: npz with x_train, x_test (N, 32, 32) energies, and y_train, y_test."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.events import Events
from hitforge.events.schema import ORIGIN
from hitforge.readers._images import ImageConfig, check_images, check_labels, check_layout, to_events
from hitforge.readers._npz import plain_npz
from hitforge.readers._paths import PathsConfig, PathsReader
from hitforge.readers.files import EMPTY

_NAMES = ("x_train", "y_train", "x_test", "y_test")


class Ml4sciNpz(PathsReader):
    """Training and test events are those of the files; validation is drawn from the training events, class by class.

    Times are 0: the sample has none. Images are taken as they are, their middle as the seed. The field ``part`` is 0
    for the events of ``x_train`` and 1 for those of ``x_test``, each counted from 0. An array of Python objects, which
    only a pickle can hold, is refused.
    """

    class Config(ImageConfig, PathsConfig):
        """Files, split and units."""

        validation: float = Field(0.2, ge=0, lt=1, description="share of the training events that becomes validation")
        seed: int = Field(1, ge=0, description="of the draw of the validation events")

    @cached_property
    def _samples(self) -> dict[str, tuple[Array, Array, dict[str, Array]]]:
        """Split -> images, labels, and where each comes from."""
        files = [self._sample(index, path, plain_npz(path, _NAMES)) for index, path in enumerate(self._files)]
        return {split: _joined([file[split] for file in files]) for split in files[0]}

    def _sample(
        self, index: int, path: Path, arrays: dict[str, Array]
    ) -> dict[str, tuple[Array, Array, dict[str, Array]]]:
        whole: dict[str, tuple[Array, Array]] = {}
        for part in ("train", "test"):
            images, c = arrays[f"x_{part}"], self.config
            check_layout(images.shape, images.dtype, f"'x_{part}'", self.detector.grid_shape, path)
            label = check_labels(arrays[f"y_{part}"], f"'y_{part}'", path)
            if len(label) != len(images):
                came = f"{len(label)} labels, {len(images)} images"
                raise DataError(f"'y_{part}' must have a label for each image", came=came, where=path)
            number = np.arange(len(images))
            check_images(images, f"'x_{part}' (energy)", number, path, -c.negative / c.energy_unit)
            whole[part] = images, label
        label = whole["train"][1]
        chosen = np.zeros(len(label), np.bool_)
        for kind in (0, 1):
            key = ("validation", kind, index) if index else ("validation", kind)
            members = stream(self.config.seed, *key).permutation(np.flatnonzero(label == kind))
            chosen[members[: round(self.config.validation * len(members))]] = True
        everyone = np.ones(len(whole["test"][1]), np.bool_)
        result = {}
        for split, part, keep in (
            ("train", "train", ~chosen),
            ("validation", "train", chosen),
            ("test", "test", everyone),
        ):
            rows = np.flatnonzero(keep)
            origin = {
                "file": np.full(len(rows), index),
                "event": rows,
                "part": np.full(len(rows), int(part == "test")),
            }
            result[split] = whole[part][0][rows], whole[part][1][rows], origin
        return result

    def splits(self) -> dict[str, int]:
        """Return the number of shards of each split.

        Raises:
            DataError: A file is missing, damaged, not of this layout, or holds values that are not physical.
        """
        return {name: -(-len(label) // self.config.shard_events) for name, (_, label, _) in self._samples.items()}

    def shard(self, split: str, index: int) -> Events:
        """Return shard ``index`` of a split, in the order of the files."""
        size = self.config.shard_events
        mine = slice(index * size, (index + 1) * size)
        images, label, origin = self._samples[split]
        events = to_events(images[mine], None, label[mine], self.detector, self.config)
        events = events.with_fields({name: rows[mine] for name, rows in origin.items()}, {n: ORIGIN[n] for n in origin})
        events = events.with_fields({"empty_events": events.hits.counts == 0}, {"empty_events": EMPTY})
        return self._refuse_repeated(events)


def _joined(parts: list[tuple[Array, Array, dict[str, Array]]]) -> tuple[Array, Array, dict[str, Array]]:
    """Append the events of several files."""
    if len(parts) == 1:
        return parts[0]
    images, label = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return images, label, {name: np.concatenate([part[2][name] for part in parts]) for name in parts[0][2]}
