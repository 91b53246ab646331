"""Convolutions of kernel 1, and all convolutions on a processor with AVX2 alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from hitforge.models.layers.torch_pointwise import Pointwise2d, Pointwise3d


@pytest.mark.parametrize(
    ("ours", "plain", "size"), [(Pointwise2d, nn.Conv2d, (7, 6)), (Pointwise3d, nn.Conv3d, (4, 7, 6))]
)
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_is_the_convolution_with_the_same_weights(
    ours: type[nn.Module], plain: type[nn.Module], size: tuple[int, ...], stride: int
) -> None:
    torch.manual_seed(0)
    layer = ours(9, 4, 1, stride=stride)
    torch.manual_seed(0)
    expected = plain(9, 4, 1, stride=stride)
    assert layer.state_dict().keys() == expected.state_dict().keys()
    x = torch.randn(2, 9, *size)
    for ours_, theirs in zip(layer.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours_, theirs)
    torch.testing.assert_close(layer(x), expected(x), rtol=1e-4, atol=1e-5)
    layer(x).square().sum().backward()
    expected(x).square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, expected.weight.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("part", "backend"), [("torch", ""), ("keras", "torch"), ("keras", "tensorflow")])
def test_every_convolution_lives_and_is_right_on_a_processor_with_avx2_alone(part: str, backend: str) -> None:
    if backend:
        pytest.importorskip("keras")
        pytest.importorskip(backend)
    # a fault of oneDNN ends the process: it must not be this one
    limits = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment = {**os.environ, **limits, **({"KERAS_BACKEND": backend} if backend else {})}
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("convolution_sweep.py")), part]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=280)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"ended by {done.returncode} in: {lines[-1:]}\n{done.stderr[-2000:]}"
    assert lines[-1] == "all done"
    assert not [line for line in lines if line.startswith("WRONG")]
