from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS, require_layered
from hitforge.detectors.point_cloud import require_point_cloud

CLOUD = DETECTORS.build("point_cloud", where="test")


def test_every_number_but_one_is_a_cell_without_neighbours() -> None:
    cell = np.array([-1, 0, 5, 2**63 - 1, -(2**63)])  # the last is an id whose maker counts without a sign
    assert CLOUD.is_cell(cell).tolist() == [False, True, True, True, True]
    assert CLOUD.neighbours(cell).shape == (5, 0)


def test_it_refuses_to_invent_places() -> None:
    with pytest.raises(ConfigError, match=r"places of cells.*point_cloud.*own x, y and z"):
        CLOUD.position(np.array([1]))
    with pytest.raises(ConfigError, match=r"cell at a point.*point_cloud"):
        CLOUD.cell_at(np.zeros((1, 3)))
    with pytest.raises(ConfigError, match="point_cloud"):
        require_layered(CLOUD, "a test")


def test_whoever_needs_it_refuses_others() -> None:
    require_point_cloud(CLOUD, "a test")
    with pytest.raises(ConfigError, match=r"a test needs the detector point_cloud; got: pixel_grid"):
        require_point_cloud(DETECTORS.build("pixel_grid", where="test"), "a test")
