"""Nothing is lost: the energy of the hits is that of the voxels, and what lies beside them is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.representations import REPRESENTATIONS


def sprinkled(name: str, number: int = 20, hits: int = 500) -> tuple[Any, Events]:
    """Hits in random cells of a detector, dense around one place a layer, of energies over five decades."""
    detector: Any = DETECTORS.build(name, where="test")
    random = np.random.default_rng(11)
    depth, rows = len(detector.layers), number * hits
    layer = random.integers(0, depth, rows)
    centre = np.repeat(
        random.uniform(-60, 60, (number, 2)) + np.array([0 if name == "ild_ecal" else 900, 0]), hits, axis=0
    )
    x, y = (centre + random.laplace(0, 40, (rows, 2))).T
    cell = detector.cell_in(layer, x, y, np.ones(rows))
    energy = 10 ** random.uniform(-4, 1, rows)
    inside = cell >= 0
    x, y, z = detector.position(np.where(inside, cell, cell[inside][0])).T
    columns = {"x": x, "y": y, "z": z, "time": 0 * x, "energy": energy, "cell": cell, "layer": layer,
               "subsystem": detector.layers.section[layer]}  # fmt: skip
    return detector, Events({"hits": Collection.from_counts(np.full(number, hits), columns).select_rows(inside)})


@pytest.mark.parametrize("name", ["hgcal", "ild_ecal"])
@pytest.mark.parametrize("block", [{}, {"frame": "endcap", "merge": 25}, {"pixel": 2.0}, {"pixel": 30.0, "merge": 7}])
def test_voxels_keep_the_energy(name: str, block: dict[str, Any]) -> None:
    detector, events = sprinkled(name)
    channels = {"channels": ["energy"], "energy_scale": 1.0, "memory": 8.0, "region": {"seed": "energy"}}
    voxels = REPRESENTATIONS.build({"name": "voxels", **channels, **block}, detector, where="test")
    prepared = voxels.prepare(events)
    true = events.hits.sum(events.hits["energy"].astype(np.float64))
    kept = prepared.ragged.sum(prepared.ragged["energy"].astype(np.float64))  # type: ignore[union-attr]
    np.testing.assert_allclose(kept + prepared.dense["beside"], true, rtol=1e-6)
    if "frame" in block:  # the whole endcap is wide enough for all of them
        np.testing.assert_allclose(kept, true, rtol=1e-6)
    else:
        assert (kept > 0.05 * true).all()
    few = np.arange(3)
    volume = voxels.batch(prepared, few)["volume"].astype(np.float64)
    np.testing.assert_allclose(volume.sum((1, 2, 3, 4)), kept[few], rtol=1e-6)
