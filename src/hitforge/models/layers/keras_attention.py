"""Tokens and blocks of a vision transformer in Keras 3; the same as in PyTorch, weight by weight."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from hitforge.models.layers.keras_convolution import FORMAT, append_summary, fan_in_normal


def _dense(units: int, name: str, gain: float = 1.0, **more: Any) -> Any:
    """Dense layer with weights of variance ``gain`` over the number of features, and zero bias."""
    return layers.Dense(units, kernel_initializer=fan_in_normal(gain), name=name, **more)


class _Places(layers.Layer):  # type: ignore[misc]
    """Puts the class token, where there is one, in front of patches (B, H, W, F), and adds what each place learns."""

    def __init__(self, token: bool, **more: Any) -> None:
        super().__init__(**more)
        self.with_token = token

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights for H x W patches of F numbers."""
        rows, columns, width = shape[1:]
        self.token = self.add_weight(shape=(width,), initializer="zeros", name="token") if self.with_token else None
        self.position = self.add_weight(
            shape=(rows * columns + self.with_token, width),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="position",
        )

    def call(self, x: Any) -> Any:
        """(B, H, W, F) to (B, H * W, F), one more with a class token."""
        x = ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
        if self.token is not None:
            first = ops.broadcast_to(ops.cast(self.token, x.dtype), (ops.shape(x)[0], 1, x.shape[-1]))
            x = ops.concatenate([first, x], axis=1)
        return x + ops.cast(self.position, x.dtype)


def patch_tokens(x: Any, width: int, patch: int, *, token: bool) -> Any:
    """Patches of an image (B, H, W, C) as tokens (B, T, ``width``), perhaps with a class token in front."""
    x = layers.ZeroPadding2D(((0, -x.shape[1] % patch), (0, -x.shape[2] % patch)), data_format=FORMAT, name="whole")(x)
    x = layers.Conv2D(
        width, patch, strides=patch, data_format=FORMAT, kernel_initializer=fan_in_normal(1.0), name="patches"
    )(x)
    return _Places(token, name="places")(x)


def layer_norm(x: Any, name: str) -> Any:
    """Normalisation of each token."""
    return layers.LayerNormalization(epsilon=1e-5, name=name)(x)


def dropped(x: Any, rate: float, name: str) -> Any:
    """Dropout, or ``x`` itself where there is none."""
    return layers.Dropout(rate, name=name)(x) if rate else x


def mean(x: Any) -> Any:
    """(B, T, F) to the mean of the tokens, (B, F)."""
    return layers.GlobalAveragePooling1D(data_format=FORMAT, name="pool")(x)


def _skipped(x: Any, rate: float, name: str) -> Any:
    """Stochastic depth: the branch of a whole event is dropped at random (Huang et al., arXiv 1603.09382)."""
    return layers.Dropout(rate, noise_shape=(None, 1, 1), name=name)(x) if rate else x


def _attention(x: Any, heads: int, dropout: float, name: str) -> Any:
    """Self-attention of several heads (Vaswani et al., arXiv 1706.03762)."""
    length, width = x.shape[1:]
    parts = ops.reshape(_dense(3 * width, f"{name}_query_key_value")(x), (-1, length, 3, heads, width // heads))
    query, key, value = ops.unstack(ops.transpose(parts, (2, 0, 3, 1, 4)), 3)  # (B, heads, T, W / heads) each
    share = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * (width // heads) ** -0.5)
    y = ops.matmul(dropped(share, dropout, f"{name}_dropout"), value)
    return _dense(width, f"{name}_output")(ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (-1, length, width)))


def block(x: Any, name: str, *, heads: int, hidden: int, dropout: float, skip: float) -> Any:
    """Attention and dense part, each normalised first and beside a shortcut; (B, T, W) to the same shape."""
    y = _attention(layer_norm(x, f"{name}_norm1"), heads, dropout, f"{name}_attention")
    x = x + _skipped(dropped(y, dropout, f"{name}_dropout1"), skip, f"{name}_skip1")
    y = _dense(hidden, f"{name}_dense1", gain=2.0, activation="gelu")(layer_norm(x, f"{name}_norm2"))
    y = _dense(x.shape[-1], f"{name}_dense2")(dropped(y, dropout, f"{name}_dropout2"))
    return x + _skipped(dropped(y, dropout, f"{name}_dropout3"), skip, f"{name}_skip2")


def output(x: Any, outputs: int, summary: Any) -> Any:
    """Features (B, F), and where there is one a summary (B, S), to outputs (B, K) in float32."""
    return _dense(outputs, "output", dtype="float32")(append_summary(x, summary, "summary_norm"))
