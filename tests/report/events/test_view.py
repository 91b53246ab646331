from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Events, FieldInfo
from hitforge.report.events._view import (
    LEGEND,
    NOISE_COLOUR,
    named_owners,
    on_screen,
    owner_colour,
    owner_groups,
    view_event,
)


def test_owner_is_the_particle_with_the_largest_share(tiny):
    events, detector = tiny
    view = view_event(events, 0, detector)
    assert view.names == ["γ 30 GeV", "e− 20 GeV"]
    assert view.owner.tolist() == [0, 1, 0, -1]
    assert view.colours == [owner_colour(0), owner_colour(1), owner_colour(0), NOISE_COLOUR]
    assert view.title == "event 0: pt 50 GeV"


def test_an_event_is_called_as_its_reader_calls_it(tiny):
    events, detector = tiny
    fields = {"file": np.full(2, 3, np.int32), "event": np.arange(2) + 5, "seed_cell": np.full(2, 44_113)}
    fields |= {"primary_pdg": np.full(2, 22), "eta": np.full(2, 0.5)}
    info = {name: FieldInfo("float32" if name == "eta" else "int32", "", "") for name in fields}
    named = Events(events.collections, {**events.fields, **fields}, {**events.info, **info})
    view = view_event(named, 0, detector, "event 7 of a.root")
    assert view.title == "event 7 of a.root: γ, pt 50 GeV, eta 0.5"  # numbers that count are no property of it


def test_small_owners_share_a_group(tiny):
    view = replace(view_event(*tiny[:1], 0, tiny[1]), names=[f"γ {i} GeV" for i in range(12)])
    view = replace(view, owner=np.array([0, 11, LEGEND, -1]))
    groups, of = owner_groups(view)
    assert [groups[one].name for one in of] == ["γ 0 GeV", "others", "others", "noise or unknown"]
    assert named_owners(view).endswith(f"γ {LEGEND - 1} GeV and 4 more.")
    assert named_owners(replace(view, names=[])) == ""


def test_extreme_colours_follow_the_page():
    assert on_screen(NOISE_COLOUR) == "faint"
    assert on_screen("#2b2d33") == "ink"
    assert on_screen("#bd1f01") == "#bd1f01"


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
