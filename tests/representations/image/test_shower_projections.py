"""Many showers as two pictures."""

from __future__ import annotations

import numpy as np

from hitforge.representations.image.shower_projections import ShowerProjections
from hitforge.representations.volume.shower_voxels import ShowerVoxels
from tests.layered import HONEYCOMB
from tests.many_showers import many_showers

EVENTS = many_showers([3, 4])


def test_pictures_are_the_volume_summed_over_v_and_over_u() -> None:
    index = np.array([1, 0])
    made = ShowerProjections(ShowerProjections.Config(scale="energy"), HONEYCOMB)
    whole = ShowerVoxels(ShowerVoxels.Config(merge=1, channels=("energy",)), HONEYCOMB)
    image = made.batch(made.prepare(EVENTS), index)["image"]
    volume = whole.batch(whole.prepare(EVENTS), index)["volume"][..., 0]
    assert image.shape == (2, *made.shapes()["image"]) == (2, 12, 40, 2)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[..., 0], volume.sum(3), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(image[..., 1], volume.sum(2), rtol=1e-4, atol=1e-6)


def test_energy_is_conserved_in_both_and_scaled_where_asked() -> None:
    plain = ShowerProjections(ShowerProjections.Config(scale="energy", merge=2, pitch=10.0), HONEYCOMB)
    batch = plain.batch(plain.prepare(EVENTS), np.arange(2))
    total = np.bincount(batch["event"], batch["energy"])
    for channel in range(2):
        np.testing.assert_allclose(batch["image"][..., channel].sum((1, 2), dtype=np.float64), total, rtol=1e-5)
    scaled = ShowerProjections(ShowerProjections.Config(merge=2, pitch=10.0), HONEYCOMB)
    image = scaled.batch(scaled.prepare(EVENTS), np.arange(2))["image"]
    np.testing.assert_allclose(image, np.log1p(batch["image"] / 0.01) / np.log(101), rtol=1e-4)
