"""The lists of tracks that every fit takes, and the judge of short ones: wrong ones go, true ones stay."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Collection
from hitforge.tasks.track_fitting import COLUMNS, FITS, TRACK_PARAMETERS, track_counts
from tests.track_events import event, members

TWO = event([[0]] * 4), event([[0]] * 3)


def both() -> object:
    from hitforge.events import Events

    return Events.concatenate(TWO)


def test_tracks_are_counted_by_their_greatest_number() -> None:
    tracks = members([[0, 1], [2]], [[0, 1, 2]])
    assert track_counts(both(), tracks, None).tolist() == [2, 1]
    assert track_counts(both(), tracks, np.array([3, 1])).tolist() == [3, 1]  # one track has no hit
    assert track_counts(both(), members([], []), None).tolist() == [0, 0]
    gap = Collection.from_counts(np.array([1, 0]), {"track": np.array([4]), "hit": np.array([0])})
    assert track_counts(both(), gap, None).tolist() == [5, 0]


@pytest.mark.parametrize(
    ("tracks", "counts", "message"),
    [
        (members([[0]]), None, "a list of tracks for each event; got: 1 for 2 events"),
        (members([[0]], [[3]]), None, "the hit of a track must be in its event; got: 3.*event 1"),
        (members([[-1]], []), None, "the hit of a track must be in its event; got: -1.*event 0"),
        (members([[0], [1]], []), np.array([1, 0]), "the track of a track must be in its event; got: 1.*event 0"),
    ],
)
def test_wrong_lists_are_one_clear_line(tracks: Collection, counts: np.ndarray | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        track_counts(both(), tracks, counts)


def test_fits_are_named_by_their_files_and_errors_by_their_parameters() -> None:
    assert FITS.build("helix", where="test").name == "helix"
    with pytest.raises(ConfigError, match="helix"):
        FITS.build("spline", where="test")
    assert [name for name in COLUMNS if name.startswith("sigma_")] == [f"sigma_{name}" for name in TRACK_PARAMETERS]
