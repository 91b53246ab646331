"""Parts as one detector: numbers that tell the part, places, and what cannot stand together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.detectors.composite import Composite

CALORIMETERS = {"ecal": {"name": "crystal_barrel"}, "hcal": {"name": "tower_barrel"}}


def built(**parts: Any) -> Composite:
    detector = DETECTORS.build({"name": "composite", "parts": parts or CALORIMETERS}, where="detector")
    assert isinstance(detector, Composite)
    return detector


def test_numbers_tell_the_part_and_come_back() -> None:
    detector = built()
    assert list(detector) == ["ecal", "hcal"]
    for place, name in enumerate(detector):
        own = np.arange(detector[name].cells)  # type: ignore[attr-defined]
        number = detector.number(name, own)
        assert detector.is_cell(number).all()
        assert set(detector.part(number)) == {place}
        np.testing.assert_array_equal(detector.own(name, number), own)
        other = "hcal" if name == "ecal" else "ecal"
        assert (detector.own(other, number) == -1).all()
        np.testing.assert_array_equal(detector.position(number), detector[name].position(own))
    assert detector.number("hcal", np.array([-1, 34 * 72])).tolist() == [-1, -1]
    assert not detector.is_cell(np.array([-1, 3 << 48, (1 << 48) + 34 * 72])).any()
    assert detector.part(np.array([-1, 3 << 48])).tolist() == [-1, -1]


def test_a_point_belongs_to_the_innermost_part_and_neighbours_to_one() -> None:
    detector = built()
    hcal = detector.number("hcal", np.array([700]))
    assert detector.cell_at(np.array([[1290.0, 1.0, 3.0], [0.0, 0.0, 1.0]])).tolist() == [
        int(detector.number("ecal", detector["ecal"].cell_at(np.array([[1290.0, 1.0, 3.0]])))[0]),
        -1,
    ]
    near = detector.neighbours(np.concatenate([hcal, detector.number("ecal", np.array([700])), [-1]]))
    assert near.shape == (3, 8)
    assert set(detector.part(near[0])) == {1}
    assert set(detector.part(near[1])) <= {0, -1}
    assert (near[2] == -1).all()


def test_modules_of_a_tracker_are_numbered_by_their_rows() -> None:
    pytest.importorskip("acts", reason="the tracker is ACTS's")
    detector = built(tracker={"name": "silicon_barrel_endcap", "field": 3.8}, **CALORIMETERS)
    modules = detector["tracker"].modules  # type: ignore[attr-defined]
    number = detector.number("tracker", modules.number)
    np.testing.assert_array_equal(number, np.arange(len(modules)))
    np.testing.assert_array_equal(detector.own("tracker", number), modules.number)
    np.testing.assert_array_equal(detector.position(number[:5]), modules.centre[:5])
    assert not detector.is_cell(np.array([len(modules)])).any()
    assert detector.field == 3.8


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"crystal_barrle.*detector\.parts\.ecal"):
        built(ecal={"name": "crystal_barrle"})
    with pytest.raises(ConfigError, match="letters, digits and underscores"):
        built(**{"e-cal": {"name": "crystal_barrel"}})
    with pytest.raises(ConfigError, match=r"one field; got: a 3\.8 T, b 2 T"):
        built(a={"name": "crystal_barrel"}, b={"name": "crystal_barrel", "field": 2.0})
    with pytest.raises(ConfigError, match="must have a part 'muons'; got: ecal, hcal"):
        built()["muons"]
