"""Dense layers and the normalisation of inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.models.layers.torch_dense import InputNorm, linear, with_summary


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_weights_have_the_variance_that_the_gain_names(gain: float) -> None:
    torch.manual_seed(0)
    layer = linear(200, 300, gain=gain)
    assert layer.weight.std().item() == pytest.approx((gain / 200) ** 0.5, rel=0.02)
    assert torch.equal(layer.bias, torch.zeros(300))
    assert linear(3, 2, gain=gain, bias=False).bias is None


def test_training_normalises_by_mean_and_variance_of_the_batch() -> None:
    x = np.random.default_rng(0).normal(3, 2, size=(4, 5, 3)).astype(np.float32)
    rows = x.reshape(-1, 3)
    expected = (x - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
    np.testing.assert_allclose(InputNorm(3)(torch.from_numpy(x)).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_rows_that_are_not_real_do_not_count_and_become_zero() -> None:
    random = np.random.default_rng(1)
    x, real = random.normal(1, 2, size=(4, 6, 3)).astype(np.float32), random.random((4, 6, 1)) < 0.6
    x[~real[..., 0]] = 1e4
    norm, rows = InputNorm(3), x[real[..., 0]]
    expected = np.where(real, (x - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5), 0)
    found = norm(torch.from_numpy(x), torch.from_numpy(real))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(norm.running_mean, 0.1 * rows.mean(0), rtol=1e-4)
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * rows.var(0), rtol=1e-4)


def test_a_batch_without_real_rows_gives_zeros() -> None:
    norm = InputNorm(2)
    assert torch.equal(norm(torch.full((3, 2), 7.0), torch.zeros(3, 1, dtype=torch.bool)), torch.zeros(3, 2))
    assert torch.equal(norm.running_mean, torch.zeros(2))


def test_evaluation_uses_the_averages_and_leaves_them() -> None:
    norm = InputNorm(2).eval()
    norm.running_mean.copy_(torch.tensor([1.0, -2.0]))
    norm.running_var.copy_(torch.tensor([4.0, 9.0]))
    x = torch.tensor([[3.0, 1.0], [50.0, 70.0]])
    torch.testing.assert_close(norm(x), torch.tensor([[1.0, 1.0], [24.5, 24.0]]), rtol=1e-4, atol=1e-4)
    assert norm.running_mean.tolist() == [1.0, -2.0]
    assert norm.running_var.tolist() == [4.0, 9.0]


def test_the_normalisation_is_float32_and_has_no_parameters() -> None:
    norm = InputNorm(3)
    assert norm(torch.ones(4, 3, dtype=torch.bfloat16)).dtype == torch.float32
    assert not list(norm.parameters())
    assert set(norm.state_dict()) == {"running_mean", "running_var"}


def test_a_summary_follows_the_features() -> None:
    x, summary, norm = torch.randn(4, 3), 5 * torch.randn(4, 2) + 1, InputNorm(2)
    torch.testing.assert_close(with_summary(x, summary, norm), torch.cat([x, InputNorm(2)(summary)], dim=1))
    assert with_summary(x, summary, None) is x
    assert with_summary(x, None, norm) is x
