"""The one-stage detector of showers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.volume.one_stage_detector import FeaturePyramid, OneStageNetwork

SHAPE = (5, 8, 9, 2)
INPUTS: dict[str, tuple[int, ...]] = {"volume": SHAPE, "nodes": (7,), "place": (3,), "event": (), "energy": ()}
SMALL: dict[str, Any] = {"name": "one_stage_detector", "widths": [4, 6], "pyramid": 5, "head": 6, "hit": 7, "masks": 3}


def network(block: dict[str, Any] | None = None, outputs: int = 17) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build({**SMALL, **(block or {})}, where="test").torch(INPUTS, outputs)


def batch(events: int = 3, hits: int = 20) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    count = events * hits
    return {
        "volume": torch.rand(events, *SHAPE, generator=random).movedim(-1, 1),
        "nodes": torch.rand(count, 7, generator=random),
        "place": torch.rand(count, 3, generator=random) * torch.tensor(SHAPE[:3]),
        "event": torch.arange(events).repeat_interleave(hits).int(),
        "energy": torch.rand(count, generator=random),
    }


def one(inputs: dict[str, torch.Tensor], event: int) -> dict[str, torch.Tensor]:
    own = inputs["event"] == event
    flat = {name: value[own] for name, value in inputs.items() if name != "volume"}
    return {**flat, "event": torch.zeros_like(flat["event"]), "volume": inputs["volume"][event : event + 1]}


@pytest.mark.parametrize(
    "block",
    [{}, {"depth_stride": 1, "widths": [4], "head_layers": 1}, {"depth_stride": 3}, {"plane_stride": 3, "widths": [4]}],
)
def test_answers_for_places_and_hits_and_everything_learns(block: dict[str, Any]) -> None:
    module = network(block)
    outputs = module(**batch())
    assert outputs["heat"].shape == (3, 8, 9, 17)
    assert outputs["pixels"].shape == (60, 4)
    (outputs["heat"].square().sum() + outputs["pixels"].square().sum()).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_nearly_no_place_holds_a_shower_at_first() -> None:
    assert network()(**batch())["heat"][..., 0].sigmoid().max() < 0.1


def test_events_of_a_batch_do_not_mix() -> None:
    module, inputs = network(), batch()
    module(**inputs)  # moves the running averages
    module.eval()
    whole, alone = module(**inputs), module(**one(inputs, 1))
    torch.testing.assert_close(alone["heat"][0], whole["heat"][1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(alone["pixels"], whole["pixels"][20:40], rtol=1e-4, atol=1e-5)


def test_a_hit_is_told_apart_by_its_voxel_by_its_place_in_it_and_by_its_energy() -> None:
    module, inputs = network().eval(), one(batch(), 0)
    inputs["place"][:] = torch.tensor([2.4, 3.5, 6.5])
    inputs["energy"][:] = 0.1
    same = module(**inputs)["pixels"]
    torch.testing.assert_close(same, same[:1].expand_as(same))
    inputs["place"][1], inputs["place"][2] = torch.tensor([2.4, 3.6, 6.5]), torch.tensor([0.4, 1.5, 6.5])
    inputs["place"][3] = torch.tensor([0.4, 3.5, 6.5])
    inputs["energy"][4] = 3.0
    other = (module(**inputs)["pixels"] - same).abs().amax(1) > 1e-6
    assert other.tolist() == [False, True, True, True, True] + [False] * 15


def test_maps_are_read_at_the_voxel_of_a_hit() -> None:
    module, inputs = network().eval(), batch()
    x, plane = torch.randn(3, 5, 3, 8, 9), torch.randn(3, 6, 8, 9)
    found = module._gathered(x, plane, inputs["place"], inputs["event"].long(), inputs["energy"])
    for hit in (0, 25, 59):
        event, (depth, row, column) = int(inputs["event"][hit]), inputs["place"][hit].long().tolist()
        torch.testing.assert_close(found[hit, :5], x[event, :, depth // 2, row, column])
        torch.testing.assert_close(found[hit, 5:11], plane[event, :, row, column])


def test_an_event_without_hits_is_fine() -> None:
    outputs = network().eval()(**one(batch(), 7) | {"volume": torch.zeros(1, 2, 5, 8, 9)})
    assert outputs["heat"].shape == (1, 8, 9, 17)
    assert outputs["pixels"].shape == (0, 4)


@pytest.mark.parametrize(
    ("block", "inputs", "message"),
    [
        ({}, {"volume": SHAPE}, "takes a volume and its hits.*shower_voxels"),
        ({}, {**INPUTS, "volume": (8, 9, 2)}, "takes a volume and its hits"),
        ({"widths": [2] * 4}, INPUTS, "3 halvings need at least 16 slices and 8 rows"),
    ],
)
def test_wrong_inputs_are_refused(block: dict[str, Any], inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS.build({**SMALL, **block}, where="test").check(inputs)


def test_answers_for_objects() -> None:
    model = MODELS.build(SMALL, where="test")
    assert model.per == "object"
    assert model.engines() == ["torch"]


SIZE = (7, 9, 10)


@pytest.mark.parametrize(("stride", "across"), [(1, 1), (2, 1), (3, 2)])
def test_finest_map_has_the_sides_of_the_volume_over_the_strides(stride: int, across: int) -> None:
    pyramid = FeaturePyramid(2, (stride, across, across), (4, 6, 8), 1, 5).eval()
    sides = -(-SIZE[0] // stride), -(-9 // across), -(-10 // across)
    assert pyramid(torch.rand(2, 2, *SIZE)).shape == (2, 5, *sides)


@pytest.mark.parametrize(("stride", "across"), [(1, 1), (2, 1), (3, 2), (2, 3)])
def test_a_hit_takes_what_stands_at_its_voxel(stride: int, across: int) -> None:
    torch.manual_seed(3)
    sizes = {"widths": (4, 6, 8), "pyramid": 5, "head": 6, "hit": 7, "masks": 3}
    network = OneStageNetwork(2, 17, size=SIZE, **sizes, depth_stride=stride, plane_stride=across)
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
