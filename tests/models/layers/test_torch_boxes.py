"""Boxes against brute-force forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from hitforge.models.layers import torch_boxes as boxing

DIMENSIONS = st.integers(1, 3)
SEEDS = st.integers(0, 2**31)


def some_boxes(generator: torch.Generator, count: int, dimensions: int, size: float = 8.0) -> torch.Tensor:
    ends = torch.rand(2, count, dimensions, generator=generator) * size
    return torch.cat([ends.amin(0), ends.amax(0) + 0.1], dim=1)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def brute_iou(a: list[float], b: list[float]) -> float:
    d = len(a) // 2
    shared, volumes = 1.0, [1.0, 1.0]
    for k in range(d):
        shared *= max(0.0, min(a[d + k], b[d + k]) - max(a[k], b[k]))
        volumes = [volumes[0] * (a[d + k] - a[k]), volumes[1] * (b[d + k] - b[k])]
    return shared / (sum(volumes) - shared)


def brute_suppress(boxes: list[list[float]], scores: list[float], limit: float, most: int) -> list[int]:
    left = sorted((i for i in range(len(boxes)) if scores[i] > -np.inf), key=lambda i: (-scores[i], i))
    kept: list[int] = []
    while left and len(kept) < most:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if brute_iou(boxes[best], boxes[i]) <= limit]
    return kept


@settings(max_examples=25, deadline=None)
@given(SEEDS, DIMENSIONS)
def test_overlaps_are_those_of_each_pair(seed: int, dimensions: int) -> None:
    random = seeded(seed)
    first, second = some_boxes(random, 5, dimensions).double(), some_boxes(random, 4, dimensions).double()
    expected = [[brute_iou(a, b) for b in second.tolist()] for a in first.tolist()]
    torch.testing.assert_close(boxing.box_overlaps(first, second), torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(boxing.box_overlaps(first, first).diagonal(), torch.ones(5, dtype=torch.float64))


def test_boxes_without_volume_overlap_nothing() -> None:
    flat = torch.tensor([[1.0, 1, 1, 3], [2, 2, 1, 1], [0, 0, 4, 4]])
    found = boxing.box_overlaps(flat, flat)
    assert found.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]


@settings(max_examples=25, deadline=None)
@given(SEEDS, DIMENSIONS)
def test_decoding_undoes_encoding(seed: int, dimensions: int) -> None:
    random = seeded(seed)
    boxes, anchors = (some_boxes(random, 6, dimensions).double() + 0.0 for _ in range(2))
    anchors[:, dimensions:] += 1.0  # sides of boxes and anchors differ by less than exp(3)
    boxes[:, dimensions:] += 0.5
    torch.testing.assert_close(boxing.decode(boxing.encode(boxes, anchors), anchors), boxes)
    assert (boxing.encode(anchors, anchors) == 0).all()


def test_encoding_is_shift_and_growth_in_sides_of_the_anchor() -> None:
    anchor, box = torch.tensor([[0.0, 0, 4, 2]]), torch.tensor([[2.0, 0, 4, 4]])
    expected = torch.tensor([[0.25, 0.5, np.log(0.5), np.log(2.0)]])
    torch.testing.assert_close(boxing.encode(box, anchor), expected.float())
    wild = boxing.decode(torch.full((1, 4), 50.0), anchor)
    torch.testing.assert_close(boxing.sides(wild), torch.tensor([[4.0, 2.0]]) * np.exp(3), rtol=1e-5, atol=1e-3)


def test_clipping_and_growing() -> None:
    boxes = torch.tensor([[-1.0, 2, 3, 9], [7, 7, 9, 9]])
    assert boxing.clip(boxes, (5, 6)).tolist() == [[0, 2, 3, 6], [5, 6, 5, 6]]
    assert boxing.enlarged(boxes, 1.5).tolist() == [[-2, 0.25, 4, 10.75], [6.5, 6.5, 9.5, 9.5]]


def test_anchors_stand_at_the_centres_of_cells() -> None:
    sizes = torch.tensor([[2.0, 1.0], [4.0, 6.0]])
    found = boxing.grid_anchors((2, 3), (4.0, 2.0), sizes).view(2, 3, 2, 4)
    assert found[1, 2, 0].tolist() == [5, 4.5, 7, 5.5]
    assert found[0, 1, 1].tolist() == [0, 0, 4, 6]


@settings(max_examples=40, deadline=None)
@given(SEEDS, DIMENSIONS, st.integers(0, 40), st.floats(0.0, 0.9), st.integers(1, 12), st.integers(1, 16))
def test_suppression_is_the_greedy_one(
    seed: int, dimensions: int, count: int, limit: float, most: int, block: int
) -> None:
    random = seeded(seed)
    boxes = torch.stack([some_boxes(random, count, dimensions, 3.0) for _ in range(2)]).double()
    scores = torch.randint(0, 8, (2, count), generator=random).double()  # with ties
    scores[torch.rand(2, count, generator=random) < 0.2] = -torch.inf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxing, "_BLOCK", block)
        rows, real = boxing.suppress(boxes, scores, limit, most)
    assert rows.shape == real.shape == (2, most)
    for i in range(2):
        expected = brute_suppress(boxes[i].tolist(), scores[i].tolist(), limit, most)
        assert rows[i][real[i]].tolist() == expected
        assert real[i].tolist() == [k < len(expected) for k in range(most)]


def test_a_chain_keeps_every_other_box() -> None:
    # each box lies on the next alone: what is dropped drops nothing
    low = torch.arange(400.0)[:, None] * 0.6
    boxes = torch.cat([low, low + 1.0], dim=1)[None]
    rows, real = boxing.suppress(boxes, -torch.arange(400.0)[None], 0.2, 300)
    assert rows[real].tolist() == list(range(0, 400, 2))


def brute_align(maps: torch.Tensor, box: list[float], bins: int, samples: int) -> np.ndarray:
    """Every point by itself, from its 2^D neighbours; maps (C, *S)."""
    values, d = maps.numpy(), maps.ndim - 1
    found = np.zeros((len(values), *[bins] * d))
    for cell in np.ndindex(*[bins] * d):
        for step in np.ndindex(*[samples] * d):
            point = []
            for k in range(d):
                at = box[k] + (box[d + k] - box[k]) * (cell[k] + (step[k] + 0.5) / samples) / bins - 0.5
                point.append(min(max(at, 0.0), values.shape[1 + k] - 1.0))
            for corner in itertools.product((0, 1), repeat=d):
                weight, index = 1.0, []
                for k, side in enumerate(corner):
                    floor = int(np.floor(point[k]))
                    share = point[k] - floor
                    weight *= share if side else 1 - share
                    index.append(min(floor + side, values.shape[1 + k] - 1))
                found[(slice(None), *cell)] += weight * values[(slice(None), *index)] / samples**d
    return found


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from([(5, 4), (4, 3, 5)]), st.integers(1, 3), st.integers(1, 2))
def test_features_of_regions_are_means_of_points(seed: int, shape: tuple[int, ...], bins: int, samples: int) -> None:
    random = seeded(seed)
    maps = torch.randn(2, 3, *shape, generator=random).double()
    boxes = torch.stack([some_boxes(random, 2, len(shape), 6.0) for _ in range(2)]).double() - 0.5  # some stick out
    found = boxing.align(maps, boxes, bins, samples)
    assert found.shape == (2, 2, 3, *[bins] * len(shape))
    for i, j in np.ndindex(2, 2):
        expected = brute_align(maps[i], boxes[i, j].tolist(), bins, samples)
        np.testing.assert_allclose(found[i, j].numpy(), expected, atol=1e-9)


def test_features_of_regions_agree_with_grid_sample() -> None:
    random = seeded(3)
    maps = torch.randn(1, 2, 6, 7, 8, generator=random)
    boxes = some_boxes(random, 3, 3, 6.0)[None]
    step = (torch.arange(4) + 0.5) / 4
    for r, box in enumerate(boxes[0]):
        axes = [(box[k] + (box[3 + k] - box[k]) * step) / size * 2 - 1 for k, size in enumerate((6, 7, 8))]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)[None]
        expected = functional.grid_sample(maps, grid, padding_mode="border", align_corners=False)
        torch.testing.assert_close(boxing.align(maps, boxes, 4, 1)[0, r], expected[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 4)])
def test_gradients_of_features_reach_maps_and_boxes(shape: tuple[int, ...]) -> None:
    random = seeded(1)
    maps = torch.randn(1, 2, *shape, generator=random, dtype=torch.float64, requires_grad=True)
    boxes = (some_boxes(random, 2, len(shape), 2.3)[None].double() + 0.37).requires_grad_()
    assert torch.autograd.gradcheck(lambda m, b: boxing.align(m, b, 2, 2), (maps, boxes))


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(1, 4))
def test_masks_are_interpolated_as_maps_are(seed: int, dimensions: int, bins: int) -> None:
    random = seeded(seed)
    masks = torch.randn(3, *[bins] * dimensions, generator=random).double()
    boxes = some_boxes(random, 3, dimensions).double()
    region = torch.tensor([0, 2, 2, 1])
    place = torch.rand(4, dimensions, generator=random).double() * 9
    found = boxing.interpolate(masks, boxes, region, place)
    for k, r in enumerate(region.tolist()):
        low, high = boxes[r].chunk(2)
        at = (place[k] - low) / (high - low) * bins
        point = torch.cat([at, at]).tolist()  # a region without extent has one point
        expected = brute_align(masks[r][None], point, 1, 1).item()
        assert found[k].item() == pytest.approx(expected, abs=1e-9)


def test_gradients_of_interpolation_reach_the_mask() -> None:
    masks = torch.randn(2, 3, 3, generator=seeded(0), dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[0.0, 0, 3, 3], [1, 1, 5, 2]], dtype=torch.float64)
    place = torch.tensor([[1.1, 2.2], [4.4, 1.3]], dtype=torch.float64, requires_grad=True)
    region = torch.tensor([0, 1])
    assert torch.autograd.gradcheck(lambda m, p: boxing.interpolate(m, boxes, region, p), (masks, place))
