"""Dense layers on numbers of an event: what trees see, for a network of a few hundred weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models.layers.torch_dense import InputNorm, linear
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras


class Dense(Model):
    """Multilayer perceptron with rectified linear units; inputs are brought to mean 0 and deviation 1 first."""

    class Config(config.Config):
        """Size of the network."""

        units: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = Field(
            (64, 64), description="units of each hidden layer; none for a linear model"
        )
        dropout: float = Field(0.0, ge=0, lt=1, description="share of units dropped behind each hidden layer")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are one table."""
        if set(inputs) != {"features"}:
            raise ConfigError(
                f"the model '{self.name}' takes numbers of an event alone",
                came=inputs,
                do="use a representation of the folder 'features', such as 'jet_features'",
            )

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, F)."""
        self.check(inputs)
        return DenseNetwork(inputs["features"][0], outputs, **dict(self.config))

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, F)."""
        self.check(inputs)
        return dense_keras(inputs["features"][0], outputs, **dict(self.config))


class DenseNetwork(nn.Module):
    """Normalisation, hidden layers, output.

    Args:
        features: Numbers of an event, F.
        outputs: Numbers to give for each event, K.
        units: Of each hidden layer.
        dropout: Share of units dropped behind each hidden layer.
    """

    def __init__(self, features: int, outputs: int, *, units: Sequence[int] = (64, 64), dropout: float = 0.0) -> None:
        super().__init__()
        self.norm, self.hidden = InputNorm(features), nn.ModuleList()
        for wide in units:
            self.hidden.append(linear(features, wide, gain=2.0))
            features = wide
        self.dropout, self.output = nn.Dropout(dropout), linear(features, outputs, gain=1.0)

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) to (B, K)."""
        x = self.norm(features)
        for layer in self.hidden:
            x = self.dropout(torch.relu(layer(x)))
        return self.output(x)  # type: ignore[no-any-return]


def dense_keras(features: int, outputs: int, *, units: Sequence[int] = (64, 64), dropout: float = 0.0) -> keras.Model:
    """Build the same network in Keras 3."""
    import keras

    from hitforge.models.layers.keras_convolution import fan_in_normal

    start = keras.Input((features,), name="features")
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, center=False, scale=False, name="norm")(start)
    for i, wide in enumerate(units):
        x = keras.layers.Dense(wide, activation="relu", kernel_initializer=fan_in_normal(2.0), name=f"hidden_{i}")(x)
        x = keras.layers.Dropout(dropout, name=f"dropout_{i}")(x)
    x = keras.layers.Dense(outputs, kernel_initializer=fan_in_normal(1.0), dtype="float32", name="output")(x)
    return keras.Model({"features": start}, x, name="dense")
