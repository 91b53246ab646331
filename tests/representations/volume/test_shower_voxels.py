"""Many showers as a volume."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.representations import REPRESENTATIONS
from hitforge.representations.volume.shower_voxels import ShowerVoxels
from tests.layered import HONEYCOMB
from tests.many_showers import many_showers

EVENTS = many_showers([3, 0, 4])
CHANNELS = ("energy", "log_energy", "sqrt_energy", "hits")


def _made(**settings: object) -> ShowerVoxels:
    return ShowerVoxels(ShowerVoxels.Config(**settings), HONEYCOMB)


@pytest.mark.parametrize("mirror", [False, True])
def test_energy_is_conserved_and_each_hit_lies_in_the_voxel_of_its_place(mirror: bool) -> None:
    made, index = _made(channels=CHANNELS, energy_scale=2.0, mirror=mirror, merge=3, pitch=15.0), np.array([2, 0])
    batch = made.batch(made.prepare(EVENTS), index, np.random.default_rng(2))
    assert batch["volume"].shape == (2, 4, 32, 32, 4)
    assert batch["volume"].dtype == np.float32
    assert made.shapes()["volume"] == batch["volume"].shape[1:]
    voxel = np.floor(batch["place"]).astype(int)
    np.testing.assert_array_equal(voxel[:, 0], batch["layer"] // 3)
    expected, count = np.zeros((2, 4, 32, 32)), np.zeros((2, 4, 32, 32))
    np.add.at(expected, (batch["event"], *voxel.T), batch["energy"])
    np.add.at(count, (batch["event"], *voxel.T), 1)
    assert count.max() > 1
    energy, log, root, hits = np.moveaxis(batch["volume"], -1, 0)
    np.testing.assert_allclose(2 * energy, expected, rtol=1e-5)
    np.testing.assert_allclose(log, np.log1p(expected / 0.01) / np.log(201), rtol=1e-5)
    np.testing.assert_allclose(root, np.sqrt(expected / 2), rtol=1e-5)
    np.testing.assert_array_equal(hits, count / 4)
    total = np.bincount(batch["event"], batch["energy"])
    np.testing.assert_allclose(2 * energy.sum((1, 2, 3), dtype=np.float64), total, rtol=1e-5)


def test_standard_volume_and_its_truth_in_voxels() -> None:
    made = _made()
    prepared = made.prepare(EVENTS)
    batch = made.batch(prepared, np.arange(3))
    assert batch["volume"].shape == (3, 6, 40, 40, 2)
    assert made.labels()["volume"] == ["log_energy", "hits"]
    truth = made.truth(prepared, np.arange(3), "object")
    assert isinstance(truth, dict)
    np.testing.assert_array_equal(truth["place"], batch["place"])
    real = truth["objects"][..., 0] == 1
    assert real.sum() == 7
    for row in truth["objects"][real]:
        assert (row[7:10] < row[4:7]).all()
        assert (row[4:7] < row[10:13]).all()
        assert (row[4:7] < (6, 40, 40)).all()
    assert 0 < np.count_nonzero(batch["volume"][..., 1]) <= len(batch["energy"])
    assert "volume" not in prepared.dense  # the compact form holds hits alone


def test_channels_must_differ() -> None:
    with pytest.raises(ConfigError, match="differ"):
        REPRESENTATIONS.build({"name": "shower_voxels", "channels": ("hits", "hits")}, HONEYCOMB, where="test")
