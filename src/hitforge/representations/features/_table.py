"""What representations as a table share: named numbers of an event, one vector each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import did_you_mean
from hitforge.representations import Prepared, Representation, Shapes


class TableRepresentation(Representation):
    """One vector an event, ``features``; augmentation changes nothing."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """Names of the features, in order."""

    def shapes(self) -> Shapes:
        """Return the shape of ``features``: (F,)."""
        return {"features": (len(self.names),)}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the features."""
        return {"features": list(self.names)}

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return ``features`` of the events ``index``, (B, F) float32."""
        return {"features": prepared.dense["features"][index]}


def known_names(names: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    """Return names of features, each known and once.

    Raises:
        ValueError: One is not known, or stands twice.
    """
    for name in names:
        if name not in known:
            raise ValueError(f"no feature '{name}': {did_you_mean(name, known)}")
    if len(set(names)) != len(names):
        raise ValueError("features must differ from each other")
    return names
