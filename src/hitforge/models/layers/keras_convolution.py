"""Convolutional blocks of networks on images in Keras 3; the same as in PyTorch, weight by weight."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from hitforge.representations import Shapes

FORMAT = "channels_last"


def fan_in_normal(gain: float) -> Any:
    """Normal weights of variance ``gain`` over the number of inputs."""
    return keras.initializers.VarianceScaling(gain, mode="fan_in", distribution="untruncated_normal")


def convolution(x: Any, width: int, name: str, kernel: int = 3, stride: int = 1) -> Any:
    """Convolution without bias, padded by half its kernel, with He initialisation (arXiv 1502.01852)."""
    padding = "same"
    if stride > 1 and kernel == 1:  # as in torch_pointwise, for Keras may run on PyTorch
        x, stride = x[:, ::stride, ::stride], 1
    elif stride > 1:  # 'same' would pad on one side only
        padding = "valid"
        x = layers.ZeroPadding2D(kernel // 2, data_format=FORMAT, name=f"{name}_padding")(x)
    return layers.Conv2D(
        width,
        kernel,
        strides=stride,
        padding=padding,
        use_bias=False,
        data_format=FORMAT,
        kernel_initializer=fan_in_normal(2.0),
        name=name,
    )(x)


class _BatchNorm(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation that trains in TensorFlow's one fused operation, where Keras strings a dozen together.

    A training step of the residual network takes less than half the time. As in PyTorch, the averaged variance is then
    corrected for the number of values; gradients in evaluation mode stay Keras's own, which repeat on a GPU too.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """(B, H, W, C) to the same shape."""
        if not training or len(inputs.shape) != 4 or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
        )
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs


def norm(x: Any, name: str) -> Any:
    """Batch normalisation; the running averages keep 0.9 of their value in a step."""
    return _BatchNorm(momentum=0.9, epsilon=1e-5, name=name)(x)


def relu(x: Any, name: str) -> Any:
    """Rectified linear unit."""
    return layers.Activation("relu", name=f"{name}_relu")(x)


def pooled(x: Any, name: str) -> Any:
    """Maximum of each 2 x 2 cells."""
    return layers.MaxPooling2D(2, data_format=FORMAT, name=name)(x)


def add(parts: list[Any], name: str) -> Any:
    """Sum of feature maps of one shape."""
    return layers.Add(name=name)(parts)


def append_summary(x: Any, summary: Any, name: str) -> Any:
    """Append the normalised summary (B, S) to features (B, F), where the network takes one."""
    if summary is None:
        return x
    normal = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, center=False, scale=False, name=name)
    return layers.Concatenate(name=f"{name}_join")([x, normal(summary)])


def head(
    x: Any, outputs: int, summary: Any = None, *, pool: str = "average", dense: int = 0, dropout: float = 0.0
) -> Any:
    """Feature maps (B, H, W, C), and where there is one a summary (B, S), to outputs (B, K) in float32."""
    kind = layers.GlobalAveragePooling2D if pool == "average" else layers.Flatten
    x = kind(data_format=FORMAT, name="head_pool")(x)
    x = append_summary(x, summary, "head_summary")
    if dense:
        x = layers.Dropout(dropout, name="head_hidden_dropout")(x)
        x = layers.Dense(dense, activation="relu", kernel_initializer=fan_in_normal(2.0), name="head_hidden")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    return layers.Dense(outputs, kernel_initializer=fan_in_normal(1.0), dtype="float32", name="head_output")(x)


def image_input(inputs: Shapes) -> tuple[Any, Any]:
    """The one image, and the summary or None."""
    ((name, shape),) = [item for item in inputs.items() if item[0] != "summary"]
    summary = keras.Input(inputs["summary"], name="summary") if "summary" in inputs else None
    return keras.Input(shape, name=name), summary


def image_model(start: Any, summary: Any, outputs: Any, name: str) -> keras.Model:
    """The model from the inputs that there are, by name, to the outputs."""
    return keras.Model({item.name: item for item in (start, summary) if item is not None}, outputs, name=name)
