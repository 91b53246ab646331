"""Normalisations over a shared batch are PyTorch's own where one process has it all, and come back afterwards."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from hitforge.models.layers.torch_dense import InputNorm
from hitforge.training._norms import shared_norms


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A team of this process."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def trained(network: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Output and gradient of the input."""
    x = x.clone().requires_grad_()
    y = network(x)
    (y * torch.linspace(-1, 2, y.numel()).view_as(y)).sum().backward()
    return y.detach(), x.grad


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.BatchNorm1d(3), (7, 3)),
        (nn.BatchNorm2d(3), (4, 3, 5, 2)),
        (nn.BatchNorm3d(2, affine=False, momentum=0.3), (3, 2, 2, 3, 4)),
        (InputNorm(3), (7, 3)),
    ],
    ids=["rows", "images", "volumes", "inputs"],
)
def test_a_team_of_one_gives_the_numbers_of_pytorch(alone: None, network: nn.Module, shape: tuple[int, ...]) -> None:
    ours, x = copy.deepcopy(network), 3 + 2 * torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = trained(network, x)
    with shared_norms(ours):
        found = trained(ours, x)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    if isinstance(network, nn.BatchNorm1d):
        torch.testing.assert_close(ours.weight.grad, network.weight.grad, rtol=1e-4, atol=1e-5)


def test_rows_that_are_not_real_do_not_count(alone: None) -> None:
    norm, x = InputNorm(2), torch.randn(5, 2, generator=torch.Generator().manual_seed(2))
    real = torch.tensor([True, True, False, True, False])[:, None]
    plain = InputNorm(2)
    expected = plain(x[real[:, 0]])
    with shared_norms(norm):
        found = norm(x, real)
    torch.testing.assert_close(found[real[:, 0]], expected)
    torch.testing.assert_close(norm.running_var, plain.running_var)


def test_evaluation_is_left_alone_and_the_network_comes_back() -> None:
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2), InputNorm(2)).eval()
    x = torch.randn(4, 3)
    expected = network(x)
    with pytest.raises(ValueError, match="stop"), shared_norms(network):  # noqa: PT012
        torch.testing.assert_close(network(x), expected)  # needs no team
        raise ValueError("stop")
    for module in network:
        assert not {"forward", "_moments"} & set(vars(module))
