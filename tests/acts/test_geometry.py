from __future__ import annotations

import numpy as np
import pytest

from hitforge.acts import geometry
from hitforge.core.errors import RunError


def test_geometry_is_built_once_and_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    geometry.tracking_geometry.cache_clear()
    assert geometry.tracking_geometry() is geometry.tracking_geometry()
    assert capfd.readouterr() == ("", "")
    assert geometry.sensors() is geometry.sensors()


def test_sensors_are_in_order_of_their_numbers() -> None:
    columns = geometry.sensors()
    assert (np.diff(columns["number"]) > 0).all()
    assert (columns["number"] >> 56 == columns["volume"]).all()


def test_another_detector_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "_SENSORS", 5)
    with pytest.raises(RunError, match="must have 5 sensors; got: 18728"):
        geometry.sensors.__wrapped__()
