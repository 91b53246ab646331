"""Maps of the one-stage detector: their size, and what a hit takes from them."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.layers.torch_one_stage import FeaturePyramid, OneStageNetwork
from hitforge.models.one_stage_detector import OneStageDetector

SIZE = (7, 9, 10)


def config(stride: int) -> OneStageDetector.Config:
    return OneStageDetector.Config(widths=(4, 6, 8), pyramid=5, head=6, hit=7, masks=3, depth_stride=stride)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_finest_map_has_all_rows_and_columns(stride: int) -> None:
    pyramid = FeaturePyramid(2, config(stride)).eval()
    assert pyramid(torch.rand(2, 2, *SIZE)).shape == (2, 5, -(-SIZE[0] // stride), 9, 10)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_hit_takes_what_stands_at_its_voxel(stride: int) -> None:
    torch.manual_seed(3)
    network = OneStageNetwork((*SIZE, 2), 17, config(stride))
    depth = -(-SIZE[0] // stride)
    x, plane = torch.rand(3, 5, depth, 9, 10), torch.rand(3, 6, 9, 10)
    place = torch.rand(40, 3) * torch.tensor(SIZE)
    place[0], place[1] = torch.tensor([-0.5, -0.1, 0.0]), torch.tensor(SIZE).float()  # at the edges and beyond
    event, energy = torch.randint(0, 3, (40,)), torch.rand(40)
    found = network._gathered(x, plane, place, event, energy)
    assert found.shape == (40, 5 + 6 + 5)
    for i in range(40):
        layer, row, column = (min(max(int(place[i, k].floor()), 0), SIZE[k] - 1) for k in range(3))
        torch.testing.assert_close(found[i, :5], x[event[i], :, layer // stride, row, column])
        torch.testing.assert_close(found[i, 5:11], plane[event[i], :, row, column])
        inside = place[i] - torch.tensor([layer, row, column]) - 0.5
        torch.testing.assert_close(found[i, 11:14], inside)
        torch.testing.assert_close(found[i, 14:], torch.stack([place[i, 0] / 7, (energy[i] / 0.01).log1p() / 4]))
