"""Convolutional blocks in Keras against sums over cells and against torch."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.models.layers.torch_convolution import ConvolutionNorm
from tests.models.layers.twins import assert_twins, keras_block


@pytest.fixture(scope="module")
def blocks() -> Any:
    pytest.importorskip("keras")
    return importlib.import_module("hitforge.models.layers.keras_convolution")


def cells(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(1, 2, size=shape).astype(np.float32)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (3, 1), (3, 2), (5, 2)])
def test_a_convolution_is_a_sum_over_a_window_padded_by_half_its_side(blocks: Any, kernel: int, stride: int) -> None:
    model = keras_block(lambda x: blocks.convolution(x, 3, "block", kernel, stride), (8, 6, 2))
    (weight,) = (np.asarray(variable) for variable in model.weights)
    assert weight.shape == (kernel, kernel, 2, 3)
    x, half = cells(2, 8, 6, 2), kernel // 2
    wide = np.pad(x, ((0, 0), (half, half), (half, half), (0, 0)))
    expected = np.zeros((2, 8 // stride, 6 // stride, 3), np.float32)
    for i, j in np.ndindex(*expected.shape[1:3]):
        window = wide[:, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        expected[:, i, j] = np.einsum("bhwc,hwco->bo", window, weight)
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4, atol=1e-4)


def test_initial_weights_have_the_variance_that_the_layer_wants(blocks: Any) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model = keras_block(lambda x: blocks.convolution(x, 100, "block"), (4, 4, 64))
    assert np.std(model.weights[0]) == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    model = keras_block(lambda x: blocks.head(x, 100, dense=200), (1, 1, 300))
    hidden, _, output, _ = (np.asarray(variable) for variable in model.weights)
    assert hidden.std() == pytest.approx((2 / 300) ** 0.5, rel=0.02)
    assert output.std() == pytest.approx((1 / 200) ** 0.5, rel=0.02)


def test_a_block_is_the_same_in_torch(blocks: Any) -> None:
    torch.manual_seed(2)
    assert_twins(
        lambda x: blocks.relu(blocks.norm(blocks.convolution(x, 4, "block_convolution"), "block_norm"), "block"),
        ConvolutionNorm(3, 4),
        (6, 5, 3),
    )


def test_averages_follow_a_tenth_of_a_step_in_training_only(blocks: Any) -> None:
    model, x = keras_block(lambda x: blocks.norm(x, "block"), (5, 5, 3)), cells(4, 5, 5, 3)
    averages = model.layers[-1]
    model(x, training=False)
    assert not np.asarray(averages.moving_mean).any()
    model(x, training=True)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    np.testing.assert_allclose(np.asarray(averages.moving_mean), 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(np.asarray(averages.moving_variance), 0.9 + 0.1 * variance * 100 / 99, rtol=1e-4)


def test_the_fused_normalisation_has_the_gradients_of_torch(blocks: Any) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    if blocks.keras.backend.backend() != "tensorflow":
        pytest.skip("the fused operation is TensorFlow's")
    model, x, weights = keras_block(lambda x: blocks.norm(x, "block"), (5, 5, 3)), cells(4, 5, 5, 3), cells(5, 5, 3)
    start = tensorflow.constant(x)
    with tensorflow.GradientTape() as tape:
        tape.watch(start)
        total = tensorflow.reduce_sum(model(start, training=True) ** 2 * weights)
    scale, shift = model.trainable_variables
    found = tape.gradient(total, [start, scale.value, shift.value])
    layer, twin = torch.nn.BatchNorm2d(3, eps=1e-5), torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()
    (layer(twin).permute(0, 2, 3, 1) ** 2 * torch.from_numpy(weights)).sum().backward()
    expected = [twin.grad.permute(0, 2, 3, 1), layer.weight.grad, layer.bias.grad]
    for own, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(own.numpy(), other.numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pool", ["average", "flatten"])
@pytest.mark.parametrize("units", [0, 5])
def test_the_head_is_pooling_summary_and_dense_layers(blocks: Any, pool: str, units: int) -> None:
    start, summary = blocks.image_input({"image": (3, 4, 2), "summary": (2,)})
    outputs = blocks.head(start, 3, summary, pool=pool, dense=units)
    model = blocks.image_model(start, summary, outputs, "head")
    x, more = cells(6, 3, 4, 2), cells(6, 2)
    y = x.reshape(6, -1) if pool == "flatten" else x.mean((1, 2))
    y = np.concatenate([y, (more - more.mean(0)) / np.sqrt(more.var(0) + 1e-5)], axis=1)
    for name in ("head_hidden", "head_output") if units else ("head_output",):
        kernel, bias = (np.asarray(variable) for variable in model.get_layer(name).weights)
        y = y @ kernel + bias
        y = np.maximum(y, 0) if name == "head_hidden" else y
    found = model({"image": x, "summary": more}, training=True)
    np.testing.assert_allclose(np.asarray(found), y, rtol=1e-4, atol=1e-4)


def test_the_image_is_found_beside_a_summary_in_any_order(blocks: Any) -> None:
    start, summary = blocks.image_input({"summary": (5,), "picture": (4, 6, 2)})
    assert start.name == "picture"
    assert start.shape == (None, 4, 6, 2)
    assert summary.shape == (None, 5)
    start, summary = blocks.image_input({"picture": (4, 6, 2)})
    assert start.name == "picture"
    assert summary is None
