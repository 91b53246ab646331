"""Networks that mix events, leave weights alone or answer in a wrong shape are found."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from hitforge.core import config
from hitforge.models import Model
from hitforge.representations import Per, Shapes
from hitforge.testing._networks import check_model
from tests.testing.shelf import BLOCK, Shelf


class Broken(Model):
    """A network of one layer, with a fault."""

    class Config(config.Config):
        fault: str = ""

    def check(self, inputs: Shapes) -> None:
        """Take anything."""

    def torch(self, inputs: Shapes, outputs: int) -> Any:
        return Network(self.config.fault, outputs)


class OfHits(Broken):
    """The same for hits."""

    @property
    def per(self) -> Per:
        """Each hit."""
        return "hit"


class Network(nn.Module):
    def __init__(self, fault: str, outputs: int) -> None:
        super().__init__()
        self.fault, self.layer = fault, nn.Linear(8 if fault != "events" else 2, outputs)
        if fault == "idle":
            self.idle = nn.Parameter(torch.zeros(1))

    def forward(self, **inputs: Any) -> Any:
        x = next(iter(inputs.values()))
        x = inputs.get("nodes", x.flatten(2).mean(2) if x.ndim > 2 else x)
        if self.fault == "order":
            x = x * torch.linspace(0, 1, len(x))[:, None]
        if "mixed" in self.fault:
            x = x - x.mean(0)
        y = self.layer(torch.nn.functional.pad(x, (0, self.layer.in_features - x.shape[1])))
        return y[:, :2] if self.fault == "shape" else y


IMAGE: Shapes = {"image": (8, 8, 2)}
HITS: Shapes = {"nodes": (8,), "event": ()}


@pytest.mark.parametrize(
    ("fault", "message"),
    [("mixed", "must not see the others"), ("idle", "leave out idle"), ("shape", r"and not \(5, 2\)")],
)
def test_faults_of_networks_on_images_are_found(fault: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_model(Shelf(Broken), {**BLOCK, "fault": fault}, inputs=IMAGE)


@pytest.mark.parametrize(
    ("fault", "message"),
    [("mixed", "not close"), ("order", "not close"), ("idle", "leave out idle"), ("shape", "have a row a hit")],
)
def test_faults_of_networks_on_hits_are_found(fault: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_model(Shelf(OfHits), {**BLOCK, "fault": fault}, inputs=HITS)


def test_networks_without_a_fault_pass() -> None:
    check_model(Shelf(Broken), BLOCK, inputs=IMAGE)
    check_model(Shelf(OfHits), BLOCK, inputs=HITS)
