from __future__ import annotations

import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.objects import KINDS
from hitforge.report.events import EVENTS, EventPictures, pictures_for
from tests.drawn_showers import HGCAL
from tests.drawn_tracks import Rings


def test_each_detector_is_drawn_by_what_suits_it_best(tiny) -> None:
    assert pictures_for(Rings(Rings.Config())).name == "track"
    assert pictures_for(tiny[1]).name == "shower"
    assert pictures_for(HGCAL).name == "shower"
    assert pictures_for(DETECTORS.build("point_cloud", where="test")).name == "shower"  # for want of better


def test_pictures_are_of_kinds() -> None:
    assert set(EVENTS.names()) <= set(KINDS.names())


def test_no_arrays_are_no_picture_and_no_scene() -> None:
    for name in EVENTS.names():
        one = EVENTS.build(name, where="test")
        assert one.pictures({}, None) == []
        assert one.scenes({}, None) == []


def test_a_kind_that_draws_reports_alone_says_so(tiny, tmp_path) -> None:
    class Reports(EventPictures):
        def pictures(self, arrays, detector):
            return []

    with pytest.raises(ConfigError, match="are drawn in reports alone"):
        Reports(None).event_picture(tiny[0], 0, tiny[1], tmp_path / "event.png")
    with pytest.raises(ConfigError, match="are drawn in reports alone"):
        Reports(None).event_scene(tiny[0], 0, tiny[1])
    assert Reports(None).scenes({}, None) == []
