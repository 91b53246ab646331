"""What every track builder must do, one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.tasks.track_building import BUILDERS, TrackBuilder

NAMES = ("connected_components", "path_cover", "walk")
LAYER = np.arange(8, dtype=np.int32) % 4
XYZ = np.stack([30.0 + 40.0 * LAYER, np.repeat([0.0, 9.0], 4), np.zeros(8)], axis=1)
SOURCE, DESTINATION = np.array([0, 1, 2, 4, 5, 6]), np.array([1, 2, 3, 5, 6, 7])  # two tracks of four hits


@pytest.fixture(params=NAMES)
def builder(request: pytest.FixtureRequest) -> TrackBuilder:
    return BUILDERS.build(request.param, where="test")


def test_certain_edges_are_the_tracks(builder: TrackBuilder) -> None:
    member, hit, count = builder.build(SOURCE, DESTINATION, np.full(6, 0.99), LAYER, 8, XYZ, 4)
    assert count == 2
    assert (member.dtype, hit.dtype) == (np.int32, np.int32)
    assert (np.diff(member) >= 0).all()
    assert sorted(hit[member == member[0]].tolist()) == [0, 1, 2, 3]
    for number in range(2):
        assert (np.diff(LAYER[hit[member == number]]) > 0).all()  # inner hits first


@pytest.mark.parametrize("hits", [0, 1, 8])
def test_no_edges_no_tracks(builder: TrackBuilder, hits: int) -> None:
    nothing = np.empty(0, np.int32)
    member, hit, count = builder.build(nothing, nothing, np.empty(0, np.float32), LAYER[:hits], hits, XYZ[:hits], 4)
    assert (len(member), len(hit), count) == (0, 0, 0)


def test_edges_that_are_refused_by_the_network_make_no_tracks(builder: TrackBuilder) -> None:
    assert builder.build(SOURCE, DESTINATION, np.full(6, 1e-6), LAYER, 8, XYZ, 4)[2] == 0


def test_what_does_not_fit_is_one_clear_line(builder: TrackBuilder) -> None:
    good = np.full(6, 0.9)
    with pytest.raises(DataError, match="edges must join hits 0 to 6; got: 7"):
        builder.build(SOURCE, DESTINATION, good, LAYER[:7], 7, XYZ[:7], 4)
    with pytest.raises(DataError, match="a source, a destination and a score"):
        builder.build(SOURCE, DESTINATION, good[:5], LAYER, 8, XYZ, 4)
    with pytest.raises(DataError, match=r"a probability from 0 to 1.*edge 2"):
        builder.build(SOURCE, DESTINATION, np.where(np.arange(6) == 2, np.nan, good), LAYER, 8, XYZ, 4)


def test_a_builder_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="walk"):
        BUILDERS.build("guess", where="test")
