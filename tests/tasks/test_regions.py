"""Regions beside the truth."""

from __future__ import annotations

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.objects.shower.truth import shower_truth
from hitforge.tasks._regions import Matched, RegionTruth, drawn, hits_in_frames, match_boxes, region_truth, views
from tests.tasks.region_events import event, tensors, together


def particles(boxes: list[list[float]], real: list[bool]) -> RegionTruth:
    one = torch.ones(1, len(boxes))
    return RegionTruth(torch.tensor([boxes]), torch.tensor([real]), one.long(), one, one, one)


def test_views_of_boxes() -> None:
    assert views(torch.zeros(2, 4)) == ((0, 1), (0, 2))
    assert views(torch.zeros(2, 6)) == ((0, 1, 2),)
    with pytest.raises(ConfigError, match="2 axes, in two views of an event, or 3"):
        views(torch.zeros(2, 2))


def test_particles_of_two_views_stand_behind_each_other() -> None:
    target = tensors(together(event(0)[1], event(1)[1]))
    found = region_truth(shower_truth(target), ((0, 1), (0, 2)))
    assert found.boxes.shape == (4, 2, 4)
    objects = target["objects"]
    assert torch.equal(found.boxes[2], objects[1][:, [7, 8, 10, 11]])
    assert torch.equal(found.boxes[3], objects[1][:, [7, 9, 10, 12]])
    assert found.kind.tolist() == [[0, 1]] * 4
    assert torch.equal(found.energy, objects[[0, 0, 1, 1], :, 2])
    nothing = {**target, "objects": torch.zeros(2, 0, 14), "fraction": torch.zeros(len(target["place"]), 0)}
    assert not region_truth(shower_truth(nothing), ((0, 1, 2),)).real.any()


def test_boxes_are_matched_with_what_they_overlap_most() -> None:
    truth = particles([[0.0, 0, 4, 4], [6, 6, 8, 8], [0, 0, 4, 3]], [True, True, False])
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2.4], [0, 0, 4, 1.4], [9, 9, 10, 10], [7, 7, 9, 9]])
    found = match_boxes(boxes, truth, 0.6, 0.3, every=False)
    assert found.particle[0, :3].tolist() == [0, 0, 0]
    assert found.positive.tolist() == [[True, True, False, False, False]]
    assert found.negative.tolist() == [[False, False, False, True, True]]
    every = match_boxes(boxes, truth, 0.6, 0.3, every=True)
    assert every.positive.tolist() == [[True, True, False, False, True]]  # the best one of the second particle
    assert every.particle[0, 4] == 1
    assert every.negative.tolist() == [[False, False, False, True, False]]


def test_an_event_without_particles_matches_nothing() -> None:
    found = match_boxes(torch.tensor([[0.0, 0, 1, 1]]), particles([[0.0, 0, 1, 1]], [False]), 0.5, 0.5, every=True)
    assert found.positive.tolist() == [[False]]
    assert found.negative.tolist() == [[True]]


def test_few_boxes_are_drawn_and_a_seed_draws_the_same() -> None:
    positive = torch.zeros(2, 100, dtype=torch.bool)
    positive[0, :30], positive[1, :3] = True, True
    match = Matched(torch.zeros(2, 100, dtype=torch.int64), positive, ~positive)

    def draw(seed: int, random: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        torch.manual_seed(seed)
        return drawn(match, 20, 0.5, random=random)

    some, none = draw(0)
    assert some.sum(1).tolist() == [10, 3]
    assert none.sum(1).tolist() == [10, 17]
    assert (some <= positive).all()
    assert not (none & positive).any()
    assert torch.equal(some, draw(0)[0])
    assert not torch.equal(some, draw(1)[0])
    assert torch.equal(draw(0, random=False)[1], draw(1, random=False)[1])


@pytest.mark.parametrize("axes", [((0, 1), (0, 2)), ((0, 1, 2),)])
def test_hits_in_frames_are_those_of_the_event_and_inside(axes: tuple[tuple[int, ...], ...]) -> None:
    truth = shower_truth(tensors(together(*(event(seed, 20)[1] for seed in range(3)))))
    random, d = torch.Generator().manual_seed(0), len(axes[0])
    low = torch.rand(5, d, generator=random) * 6
    frames = torch.cat([low, low + 5], dim=1)
    row = torch.randint(0, 3 * len(axes), (5,), generator=random)
    frame, hit, place = hits_in_frames(frames, row, truth, axes)
    found = set(zip(frame.tolist(), hit.tolist(), strict=True))
    expected = set()
    for p in range(5):
        axis = list(axes[int(row[p]) % len(axes)])
        for h in range(len(truth.energy)):
            at = truth.place[h, axis]
            if truth.event[h] == row[p] // len(axes) and (at >= frames[p, :d]).all() and (at < frames[p, d:]).all():
                expected.add((p, h))
    assert found == expected
    assert len(found) == len(frame) > 0
    for k in range(0, len(frame), 7):
        axis = list(axes[int(row[frame[k]]) % len(axes)])
        assert torch.equal(place[k], truth.place[hit[k], axis])
