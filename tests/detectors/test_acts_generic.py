from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import RunError
from hitforge.detectors import _acts_generic as generic


def test_geometry_is_built_once_and_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    generic.tracking_geometry.cache_clear()
    assert generic.tracking_geometry() is generic.tracking_geometry()
    assert capfd.readouterr() == ("", "")
    assert generic.sensors() is generic.sensors()


def test_pitches_follow_the_volumes() -> None:
    modules = generic.sensors()
    for volume, (u, v) in generic.PITCHES.items():
        mine = modules.volume == volume
        assert mine.any()
        assert (modules.pitch_u[mine] == u).all()
        assert (modules.pitch_v[mine] == v).all()
    assert (np.diff(modules.number) > 0).all()


def test_another_detector_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generic, "_SENSORS", 5)
    with pytest.raises(RunError, match="must have 5 sensors; got: 18728"):
        generic.sensors.__wrapped__()
