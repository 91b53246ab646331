from __future__ import annotations

import numpy as np
import pytest

from hitforge.detectors._trackml_names import acts_module, trackml_module


@pytest.mark.parametrize(("volume", "modules"), [(7, 108), (8, 1092), (9, 108), (12, 170), (14, 170), (16, 98)])
def test_names_are_a_permutation_and_its_inverse(volume: int, modules: int) -> None:
    module = np.arange(1, modules + 1)
    named = acts_module(np.full(modules, volume), module)
    np.testing.assert_array_equal(np.sort(named), module)
    np.testing.assert_array_equal(trackml_module(np.full(modules, volume), named), module)
    assert np.array_equal(named, module) == (volume == 8)


def test_unknown_modules_keep_their_number() -> None:
    volume, module = np.array([7, -1, 40, 7]), np.array([5000, 3, 3, -2])
    np.testing.assert_array_equal(acts_module(volume, module), module)
    np.testing.assert_array_equal(trackml_module(volume, module), module)
