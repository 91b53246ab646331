"""Representations that look at the truth, or give other arrays than they say, are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core import config
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.representations import Prepared, Representation, Shapes
from hitforge.testing._representations import check_representation
from tests.testing.shelf import BLOCK, Shelf


class Sums(Representation):
    """Energy and hits of each event, with a fault."""

    class Config(config.Config):
        fault: str = ""

    def shapes(self) -> Shapes:
        return {"features": (3 if self.config.fault == "shape" else 2,)}

    def labels(self) -> dict[str, list[str]]:
        return {"features": ["energy"] if self.config.fault == "labels" else ["energy", "hits"]}

    def prepare(self, events: Events) -> Prepared:
        values = np.stack([events.hits.sum(events.hits["energy"].astype(float)), events.hits.counts], 1)
        if self.config.fault == "truth" and "primary_pdg" in events.fields:
            values[:, 0] += events.field("primary_pdg")
        if self.config.fault == "nan":
            values[:] = np.nan
        return Prepared(None, {"features": values.astype(np.float64 if self.config.fault == "type" else np.float32)})

    def batch(self, prepared: Prepared, index: Any, random: Any = None) -> dict[str, Any]:
        index = np.sort(index) if self.config.fault == "order" else index
        more = {"more": np.zeros(len(index), np.float32)} if self.config.fault == "name" else {}
        return {"features": prepared.dense["features"][index], **more}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("shape", "must be .3,., not .2,."),
        ("labels", "must name the last axis"),
        ("truth", "must not depend on the truth"),
        ("nan", "must be finite"),
        ("type", "must be float32 or int32"),
        ("order", "must follow the order"),
        ("name", "shapes.. say"),
    ],
)
def test_faults_are_found(fault: str, message: str, barrel: Detector, gun_events: Events) -> None:
    with pytest.raises(AssertionError, match=message):
        check_representation(Shelf(Sums), {**BLOCK, "fault": fault}, barrel, gun_events)
    check_representation(Shelf(Sums), BLOCK, barrel, gun_events)
