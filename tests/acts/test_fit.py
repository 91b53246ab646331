from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the fit is that of pyacts")

from hitforge.acts.chain import ActsTracks, Chain
from hitforge.acts.fit import FITTED, _rows, add_fit
from hitforge.acts.measurements import measurements
from hitforge.core.errors import RunError
from hitforge.detectors import acts_geometry
from tests.helix_gun import TRACKER, gun

VOLUMES = np.unique(TRACKER.modules.volume).tolist()


def fitted(volumes: list[int], scattering: bool = True) -> tuple[ActsTracks, list[float]]:
    """One track after the other of an event of twelve, from the inside outwards; and their true azimuths."""
    events, members, truth = gun(1, 12, 1, smear=True, largest=1.0)
    measured = measurements(events, TRACKER.modules)
    row = np.argsort(measured.hit)[members["hit"]]  # of each member's hit
    outwards = np.argsort((measured.position[row] ** 2).sum(axis=1), kind="stable")
    row, track = row[outwards], members["track"][outwards]
    chain = Chain(measured, [[row[track == number].tolist() for number in range(12)]])
    add_fit(chain, *acts_geometry(TRACKER), volumes, scattering, True)
    found, seconds = chain.run(FITTED)
    assert list(seconds) == ["handover", "fit"]
    return found, truth["phi"].tolist()


def test_groups_become_tracks_in_their_order() -> None:
    found, phi = fitted(VOLUMES)
    assert found.counts.tolist() == [12]
    away = (found.parameters[:, 2] - phi + np.pi) % (2 * np.pi) - np.pi
    assert (np.abs(away) < 5 * found.errors[:, 2]).all()


def test_scattering_widens_the_errors() -> None:
    with_material, without = fitted(VOLUMES)[0], fitted(VOLUMES, scattering=False)[0]
    assert (with_material.errors[:, 2] > without.errors[:, 2]).all()


def test_all_volumes_with_sensors_must_be_named() -> None:
    with pytest.raises(RunError, match="ACTS must accept the events"):
        fitted([7, 8, 9])


def test_fitted_tracks_find_their_groups_in_order() -> None:
    class Found:
        counts, sizes, rows = np.array([2, 1]), np.array([2, 2, 1]), np.array([3, 4, 5, 6, 9])

    groups = [[[1, 2], [3, 4], [7, 8], [5, 6]], [[8, 9, 10]]]
    assert _rows(Found, groups, np.array([4, 1])).tolist() == [1, 3, 4]


def test_equal_groups_are_matched_once_each_and_strangers_are_one_clear_line() -> None:
    class Found:
        counts, sizes, rows = np.array([2]), np.array([2, 2]), np.array([3, 4, 3, 4])

    assert _rows(Found, [[[3, 4], [3, 4]]], np.array([2])).tolist() == [0, 1]
    with pytest.raises(RunError, match=r"one of those given.*\[3, 4\].*last of 2 tracks.*event 0, fitted track 1"):
        _rows(Found, [[[3, 4], [5, 6]]], np.array([2]))
