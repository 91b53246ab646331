from __future__ import annotations

import numpy as np
import pytest

from hitforge.events import Events
from hitforge.metrics import METRICS
from hitforge.objects.shower.display_data import ParticleFate, ShowerStatus
from hitforge.report.events import _shower_view as module
from hitforge.report.events._shower_view import EventShowers, stored_showers
from tests.drawn_showers import HGCAL, PLANE, explain_showers, found_showers, shower_events


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    events, folder = shower_events(), tmp_path_factory.mktemp("stored")
    efficiency = METRICS.build({"name": "shower_efficiency", "min_score": 0.5}, where="test")
    explain_showers(events, found_showers(events), folder, HGCAL, [efficiency])
    with np.load(folder / "display_shower.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def stored(arrays: dict[str, np.ndarray]) -> list[EventShowers]:
    return stored_showers(arrays)


def test_title_counts_what_was_found(stored: list[EventShowers]) -> None:
    assert stored_showers({}) == []
    assert len(stored) == 4
    event = stored[0]
    fate = event.particles.status
    assert event.title.startswith(f"event 0: {len(event.energy):,} hits with ")
    assert (
        f"{(fate == ParticleFate.FOUND).sum()} of 4 particles found, merged: {(fate == ParticleFate.MERGED).sum()}"
        in event.title
    )
    assert event.note == ""
    assert (stored[3].particles.status == ParticleFate.MISSED).sum() == 1
    assert event.side == -1.0


def test_a_matched_shower_has_the_colour_of_its_particle(
    stored: list[EventShowers], arrays: dict[str, np.ndarray]
) -> None:
    first, last = arrays["shower_offsets"][:2]
    partner = arrays["shower_particle"][first:last]
    event = stored[0]
    for row in np.flatnonzero(event.showers.status == ShowerStatus.MATCHED):
        assert event.showers.colours[row] == event.particles.colours[partner[row]]
        assert f"with {event.particles.names[partner[row]]}" in event.showers.text[row]
    rest = {event.showers.colours[row] for row in np.flatnonzero(event.showers.status != ShowerStatus.MATCHED)}
    assert not rest & set(event.particles.colours)
    assert "hadron" in event.showers.text[0]
    assert event.particles.text[0].startswith("true ")
    assert "next particle" in event.particles.text[0]


def test_owner_is_who_gave_most(stored: list[EventShowers]) -> None:
    hit, owner = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 0, 1])
    weight = np.array([0.3, 0.6, 0.4, 0.3, 0.3])
    assert module._leading(4, hit, owner, weight).tolist() == [1, -1, -1, -1]  # the rest is larger
    event = stored[0]
    proposals = np.flatnonzero(event.showers.status == ShowerStatus.PROPOSAL)
    assert proposals.tolist() == [3, 5, 6]  # without hits, of little energy, of low score
    assert not set(proposals.tolist()) & set(event.finder.tolist())


def test_verdicts() -> None:
    owner, finder = np.array([0, 0, 0, -1, -1, 1]), np.array([0, 1, -1, 0, -1, 2])
    status, particle = np.array([ShowerStatus.MATCHED, ShowerStatus.MATCHED, ShowerStatus.PIECE]), np.array([0, 1, 1])
    expected = [module.RIGHT, module.OTHERS, module.LOST, module.TAKEN, module.QUIET, module.OTHERS]
    assert module._verdicts(owner, finder, status, particle).tolist() == expected


def test_corners_lie_on_lines_from_the_origin(stored: list[EventShowers]) -> None:
    event = stored[1]
    box = event.particles.boxes[0].astype(float)
    corners = event.corners(box)
    assert (corners[:, 2] < 0).all()
    place = corners[:, :2] * PLANE / np.abs(corners[:, 2:])
    np.testing.assert_allclose(place[:, 0], np.tile(np.repeat(box[[1, 4]], 2), 2), rtol=1e-6)
    np.testing.assert_allclose(place[:, 1], np.tile(box[[2, 5]], 4), rtol=1e-6)
    assert np.abs(corners[:4, 2]).max() < np.abs(corners[4:, 2]).min()


def test_showers_without_truth_are_kept_without_a_match(
    arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> None:
    events, folder = shower_events((3,)), tmp_path_factory.mktemp("blind")
    explain_showers(Events({"hits": events.hits}), found_showers(events), folder, HGCAL)
    with np.load(folder / "display_shower.npz", allow_pickle=False) as file:
        (event,) = stored_showers({name: file[name] for name in file.files})
    assert set(event.showers.status.tolist()) == {ShowerStatus.WITHOUT_TRUTH}
    assert event.title.endswith("GeV, 6 showers")
    assert len(event.particles) == 0
    assert len(set(event.showers.colours)) == 6
    few = {**arrays, "left_hits": arrays["left_hits"] + 7, "left_energy": arrays["left_energy"] + 0.5}
    assert stored_showers(few)[0].note == "7 hits with 0.5 GeV are not drawn"
