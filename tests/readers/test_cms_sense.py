"""Columns that contradict each other: layers and z, places and angles, units, times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core import kinematics
from hitforge.core.errors import DataError
from hitforge.readers._cms_sense import contrary_angles, nearest_plane, refuse_early, refuse_nonsense

PLANES = np.array([3000.0, 3010.0, 3030.0, 3040.0, 3060.0])


def test_the_nearest_plane_on_both_sides() -> None:
    z = np.array([3000.0, -3012.0, 3024.0, 3060.4, 2990.0, 9000.0, np.nan])
    assert nearest_plane(z, PLANES, 2.5).tolist() == [0, 1, -1, 4, -1, -1, -1]


def hits(scale: float = 1.0, angles: bool = False) -> dict[str, np.ndarray]:
    """Two hits on each plane, on either side."""
    z = np.concatenate([PLANES, -PLANES])
    x, y = np.linspace(300, 900, 10), np.linspace(-500, 500, 10)
    column = {"x": x * scale, "y": y * scale, "z": z * scale}
    return column | ({"eta": kinematics.eta(x, y, z), "phi": kinematics.phi(x, y)} if angles else {})


LAYER = np.tile(np.arange(1, 6), 2)


def look(column: dict[str, Any], number: Any = LAYER, first_layer: int = 1) -> None:
    refuse_nonsense(column, number, first_layer, PLANES, 2.5, "a.root")


def test_files_that_make_sense_pass() -> None:
    look(hits())
    look(hits(angles=True), None)
    look(hits(), LAYER + 6, 7)
    look({name: values[:3] for name, values in hits(0.1).items()}, LAYER[:3])  # three hits do not tell
    older = hits()
    older["z"] = older["z"] * 1.003 - 4  # other planes, by different distances
    look(older)


@pytest.mark.parametrize(
    ("column", "number", "message"),
    [
        (
            hits(10),
            LAYER,
            "x, y and z must be in cm; got: abs.z. from 3000 to 3060, where planes .*10 of 10 hits fit in mm",
        ),
        (hits(0.01), None, "must be in cm; .*10 of 10 hits fit in m; where: a.root; do: convert"),
        (hits(), LAYER - 1, "from 1, as 'first_layer' says; got: 10 of 10 hits.* plane .1 layers.*set first_layer=0"),
        (hits(), LAYER + 2, "from 1, as 'first_layer' says; got: 10 of 10 hits.* plane -2 layers.*set first_layer=3"),
        (
            hits() | {"eta": np.full(10, 9.0)},
            LAYER,
            "must belong together; got: another eta or phi .* in 10 of 10 hits",
        ),
    ],
)
def test_most_hits_show_another_convention(column: dict[str, Any], number: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        look(column, number)


def test_angles_are_compared_where_there_are_any() -> None:
    column = hits(angles=True)
    assert not contrary_angles(column).any()
    column["phi"] = column["phi"] + 2 * np.pi
    assert not contrary_angles(column).any()
    column["eta"][2] += 0.1
    column["phi"][3] -= 0.1
    column["phi"][4] = np.inf
    column["eta"][5] = np.nan
    assert np.flatnonzero(contrary_angles(column)).tolist() == [2, 3, 4, 5]
    assert not contrary_angles({name: column[name] for name in "xyz"}).any()


def test_times_before_light_are_refused() -> None:
    time = np.array([4.9, 5.0, 5.1, 5.3, 30.0, 0.2])
    refuse_early(time, 5.0, "a.root")
    refuse_early(time - 5, 0.0, "a.root")
    refuse_early(np.zeros(3), 5.0, "a.root")  # three hits do not tell
    refuse_early(np.empty(0), 5.0, "a.root")
    for other, what in ((time - 5, "0.05"), (time * 1e-9, "5.05e-09")):  # without the offset, or in s
        with pytest.raises(DataError, match=rf"in ns, with 5 for light.*of 6 times.*below {what}; where.*time_offset"):
            refuse_early(other, 5.0, "a.root")
