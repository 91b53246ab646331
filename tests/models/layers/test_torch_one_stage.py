"""Maps of the one-stage detector: their size, and what a hit takes from them."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.layers.torch_one_stage import FeaturePyramid, OneStageNetwork
from hitforge.models.one_stage_detector import OneStageDetector

SIZE = (7, 9, 10)


def config(stride: int, across: int = 1) -> OneStageDetector.Config:
    sizes = {"widths": (4, 6, 8), "pyramid": 5, "head": 6, "hit": 7, "masks": 3}
    return OneStageDetector.Config(**sizes, depth_stride=stride, plane_stride=across)


@pytest.mark.parametrize(("stride", "across"), [(1, 1), (2, 1), (3, 2)])
def test_finest_map_has_the_sides_of_the_volume_over_the_strides(stride: int, across: int) -> None:
    pyramid = FeaturePyramid(2, config(stride, across)).eval()
    sides = -(-SIZE[0] // stride), -(-9 // across), -(-10 // across)
    assert pyramid(torch.rand(2, 2, *SIZE)).shape == (2, 5, *sides)


@pytest.mark.parametrize(("stride", "across"), [(1, 1), (2, 1), (3, 2), (2, 3)])
def test_a_hit_takes_what_stands_at_its_voxel(stride: int, across: int) -> None:
    torch.manual_seed(3)
    network = OneStageNetwork((*SIZE, 2), 17, config(stride, across))
    x = torch.rand(3, 5, -(-SIZE[0] // stride), -(-9 // across), -(-10 // across))
    plane = torch.rand(3, 6, 9, 10)
    place = torch.rand(40, 3) * torch.tensor(SIZE)
    place[0], place[1] = torch.tensor([-0.5, -0.1, 0.0]), torch.tensor(SIZE).float()  # at the edges and beyond
    event, energy = torch.randint(0, 3, (40,)), torch.rand(40)
    found = network._gathered(x, plane, place, event, energy)
    assert found.shape == (40, 5 + 6 + 5)
    for i in range(40):
        layer, row, column = (min(max(int(place[i, k].floor()), 0), SIZE[k] - 1) for k in range(3))
        torch.testing.assert_close(found[i, :5], x[event[i], :, layer // stride, row // across, column // across])
        torch.testing.assert_close(found[i, 5:11], plane[event[i], :, row, column])
        inside = place[i] - torch.tensor([layer, row, column]) - 0.5
        torch.testing.assert_close(found[i, 11:14], inside)
        torch.testing.assert_close(found[i, 14:], torch.stack([place[i, 0] / 7, (energy[i] / 0.01).log1p() / 4]))
