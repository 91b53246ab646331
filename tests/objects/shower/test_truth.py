"""Truth of showers by name: the same columns as the representations give."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.objects.shower.truth import Particles, ShowerTruth, shower_truth


def target() -> dict[str, np.ndarray]:
    objects = np.arange(2 * 3 * 14, dtype=np.float32).reshape(2, 3, 14)
    shapes = {"fraction": (5, 3), "energy": (5,), "event": (5,), "place": (5, 3)}
    return {"objects": objects, **{name: np.zeros(shape, np.float32) for name, shape in shapes.items()}}


def test_columns_have_names() -> None:
    truth = shower_truth(target())
    for number, name in enumerate(Particles._fields):
        np.testing.assert_array_equal(getattr(truth.particles, name), truth.objects[..., number])
    sides = [Particles._fields.index(f"{axis}_{end}") for end in ("low", "high") for axis in ("depth", "u", "v")]
    np.testing.assert_array_equal(truth.boxes, truth.objects[..., sides])


@pytest.mark.parametrize("name", ShowerTruth._fields)
def test_absent_arrays_are_refused_by_name(name: str) -> None:
    whole = target()
    del whole[name]
    with pytest.raises(DataError, match=rf"got: no {name}"):
        shower_truth(whole)


def test_truth_of_tracks_and_other_columns_are_refused() -> None:
    with pytest.raises(DataError, match="shower_hits"):
        shower_truth(np.zeros((5, 8)))
    with pytest.raises(DataError, match="must have the columns real, kind"):
        shower_truth({**target(), "objects": np.zeros((2, 3, 13))})
