from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.report.events._view import LEGEND, NOISE_COLOUR, owner_colour, view_event


def test_owner_is_the_particle_with_the_largest_share(tiny):
    events, detector = tiny
    view = view_event(events, 0, detector)
    assert view.names == ["γ 30 GeV", "e− 20 GeV"]
    assert view.owner.tolist() == [0, 1, 0, -1]
    assert view.colours == [owner_colour(0), owner_colour(1), owner_colour(0), NOISE_COLOUR]
    assert view.title == "event 0: pt 50 GeV"


def test_pitch_is_the_distance_of_the_neighbours(tiny):
    events, detector = tiny
    pitch = view_event(events, 0, detector).pitch
    assert pitch[:2] == pytest.approx([0.02, 2 * np.pi / 100], rel=1e-6)
    assert 15.0 < pitch[2] < 70.0


def test_event_without_links_has_no_owners(tiny, bare):
    view = view_event(bare, 0, tiny[1])
    assert view.names == []
    assert (view.owner == -1).all()


@pytest.mark.parametrize("index", [-1, 2, 99])
def test_absent_event_is_refused(tiny, index):
    with pytest.raises(DataError, match="between 0 and 1"):
        view_event(tiny[0], index, tiny[1])


def test_event_without_hits_is_refused(tiny):
    with pytest.raises(DataError, match="must have hits"):
        view_event(tiny[0], 1, tiny[1])


def test_owners_beyond_the_legend_share_one_colour():
    assert len({owner_colour(number) for number in range(LEGEND + 3)}) == LEGEND + 1
