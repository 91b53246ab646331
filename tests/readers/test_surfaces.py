"""Sensors from the table of surfaces that ACTS writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._surfaces import read_surfaces

RECTANGLE, TRAPEZOID, DISC = 6, 7, 8


def identity(volume: int, layer: int, sensitive: int) -> int:
    return volume << 56 | layer << 36 | sensitive << 8


def row(
    number: int, kind: int = RECTANGLE, bound: tuple[float, ...] = (-8, -36, 8, 36), **values: Any
) -> dict[str, Any]:
    usual = {"geometry_id": number, "bounds_type": kind, "cx": 30.0, "cy": 1.0, "cz": -5.0}
    usual |= {
        f"rot_{axis}{side}": float(axis == turned) for side, turned in zip("uvw", "yzx", strict=True) for axis in "xyz"
    }
    usual |= {f"bound_param{i}": float(value) for i, value in enumerate(bound)}
    return {**usual, "module_t": 0.15, "pitch_u": 0.05, "pitch_v": 0.06, **values}


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "detectors.csv"
    lines = [",".join(rows[0]), *(",".join(map(str, one.values())) for one in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rectangles_and_trapezoids(tmp_path: Path) -> None:
    wide = row(identity(9, 2, 1), TRAPEZOID, (5, 12, 30, 0))
    other = row(identity(8, 4, 1), DISC, (1, 2, 3, 4), pitch_u=-1.0)
    passive = row(identity(8, 2, 0))
    modules = read_surfaces(write(tmp_path, [wide, passive, row(identity(8, 2, 2)), row(identity(8, 2, 1)), other]))
    numbers = [identity(8, 2, 1), identity(8, 2, 2), identity(8, 4, 1), identity(9, 2, 1)]
    assert modules.number.tolist() == numbers  # in order, without the surface that measures nothing
    assert modules.layer.tolist() == [0, 0, 1, 2]
    assert modules.volume.tolist() == [8, 8, 8, 9]
    assert modules.half_u_low.tolist() == [8, 8, 0, 5]
    assert modules.half_u_high.tolist() == [8, 8, 0, 12]
    assert modules.half_v.tolist() == [36, 36, 0, 30]
    assert modules.pitch_u.tolist() == [0.05, 0.05, 0.0, 0.05]
    np.testing.assert_array_equal(modules.axes[0], [[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # rows are u, v and the normal
    np.testing.assert_array_equal(modules.centre[0], [30, 1, -5])


def test_wrong_tables_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must have sensitive surfaces; got: none of 1"):
        read_surfaces(write(tmp_path, [row(identity(8, 2, 0))]))
    with pytest.raises(DataError, match="each 'geometry_id' must stand once"):
        read_surfaces(write(tmp_path, [row(identity(8, 2, 1))] * 2))
    with pytest.raises(DataError, match="cy"):
        read_surfaces(write(tmp_path, [row(identity(8, 2, 1), cy=float("nan"))]))
    less = row(identity(8, 2, 1))
    del less["rot_zw"]
    with pytest.raises(DataError, match="rot_zw"):
        read_surfaces(write(tmp_path, [less]))
    with pytest.raises(DataError, match=r"'layer_id' must be that of 'geometry_id'; got: 3 for .*, which holds 2"):
        read_surfaces(write(tmp_path, [row(identity(8, 2, 1), layer_id=3)]))
    with pytest.raises(DataError, match=r"the axes of a surface must be a rotation; got: others for 5764.* and 0 more"):
        read_surfaces(write(tmp_path, [row(identity(8, 2, 1), rot_zw=0.5)]))


def test_ids_are_numbers_without_a_sign(tmp_path: Path) -> None:
    numbers = [identity(volume, 2, 1) for volume in (200, 3, 127, 128)]
    numbers[0] -= 2**64  # the same bits, written with a sign
    modules = read_surfaces(write(tmp_path, [row(number) for number in numbers]))
    assert modules.volume.tolist() == [3, 127, 128, 200]
    assert modules.layer.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("kind", "name"), [(3, "disc"), (11, "annulus"), (1, "cylinder"), (5, "line")])
def test_surfaces_that_are_measured_in_angles_are_refused(tmp_path: Path, kind: int, name: str) -> None:
    message = rf"a plane that is measured in two lengths; got: '{name}' for 5764.*, and 0 more"
    with pytest.raises(DataError, match=message):
        read_surfaces(write(tmp_path, [row(identity(8, 2, 1), kind), row(identity(8, 2, 2))]))
    passive = row(identity(8, 2, 0), kind)
    assert len(read_surfaces(write(tmp_path, [passive, row(identity(8, 2, 2))]))) == 1


def test_sizes_are_those_of_the_farther_edge_and_finite(tmp_path: Path) -> None:
    modules = read_surfaces(write(tmp_path, [row(identity(8, 2, 1), bound=(-9, -36, 8, 30))]))
    assert (modules.half_u_low.tolist(), modules.half_v.tolist()) == ([9], [36])
    for values, message in (
        ({"bound_param2": float("inf")}, "must have their sizes; got: none for 5764.* and 0 more surfaces"),
        ({"pitch_u": float("inf")}, "'pitch_u' must be finite"),
        ({"module_t": float("inf")}, "'module_t' must be finite"),
    ):
        with pytest.raises(DataError, match=message):
            read_surfaces(write(tmp_path, [row(identity(8, 2, 1), **values)]))
