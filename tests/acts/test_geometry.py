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


def test_ids_are_numbers_without_a_sign() -> None:
    volume, layer = np.array([130, 1, 255, 127, 130]), np.array([2, 4, 2, 2, 1])
    number = (volume.astype(np.uint64) << 56 | layer.astype(np.uint64) << 36).view(np.int64)
    assert geometry.volume_of(number).tolist() == volume.tolist()
    assert geometry.count_layers(number).tolist() == [3, 0, 4, 1, 2]
    assert geometry.unsigned_order(number).tolist() == [1, 3, 4, 0, 2]


def test_another_detector_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "_SENSORS", 5)
    with pytest.raises(RunError, match="must have 5 sensors; got: 18728"):
        geometry.sensors.__wrapped__()
