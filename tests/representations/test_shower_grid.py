"""The grid of the pictures of many showers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.representations import REPRESENTATIONS
from hitforge.representations._shower_grid import GridRepresentation
from tests.layered import HONEYCOMB
from tests.many_showers import many_showers


def _made(name: str = "shower_projections", **settings: object) -> GridRepresentation:
    made = REPRESENTATIONS.build({"name": name, **settings}, HONEYCOMB, where="test")
    assert isinstance(made, GridRepresentation)
    return made


def test_square_must_be_a_whole_number_of_voxels() -> None:
    with pytest.raises(ConfigError, match="whole number of 'pitch'"):
        _made(size=480.0, pitch=11.0)
    assert _made(size=47.4, pitch=7.9).shapes()["image"] == (12, 6, 2)


@settings(max_examples=60, deadline=None)
@given(
    u=st.floats(-240, 240, width=32, exclude_max=True), layer=st.integers(0, 11), merge=st.integers(1, 5),
    pitch=st.sampled_from([4.8, 7.5, 12.0, 40.0]), sign=st.sampled_from([-1, 1]),
)  # fmt: skip
def test_every_hit_of_the_square_stands_in_a_voxel(u: float, layer: int, merge: int, pitch: float, sign: int) -> None:
    made = _made(merge=merge, pitch=pitch)
    place = made._place(np.array([[layer, sign * u, u]], np.float32))[0]
    across = round(480 / pitch)
    assert place.dtype == np.float32
    assert int(place[0]) == layer // merge
    assert (place[1:] >= 0).all()
    assert (place[1:] < across).all()
    np.testing.assert_allclose(place[1:], [(sign * u + 240) / pitch, (u + 240) / pitch], rtol=1e-4, atol=1e-4)


def test_scales_are_1_at_the_energy_scale() -> None:
    made = _made(energy_scale=3.0, log_floor=0.5)
    energy = np.array([0.0, 0.75, 3.0])
    np.testing.assert_allclose(made._scaled(energy, "energy"), [0, 0.25, 1])
    np.testing.assert_allclose(made._scaled(energy, "sqrt_energy"), [0, 0.5, 1])
    np.testing.assert_allclose(made._scaled(energy, "log_energy"), [0, np.log(2.5) / np.log(7), 1])


def test_boxes_are_at_least_a_voxel_wide() -> None:
    made = _made(merge=2, pitch=48.0)
    truth = made.truth(made.prepare(many_showers([4])), np.array([0]), "object")
    assert isinstance(truth, dict)
    wide = truth["objects"][0, :, 10:13] - truth["objects"][0, :, 7:10]
    assert (wide > 1 - 1e-4).all()


@pytest.mark.parametrize("name", ["shower_voxels", "shower_projections"])
def test_batch_beyond_the_memory_is_refused(name: str) -> None:
    made = _made(name, memory=1e-4)
    prepared = made.prepare(many_showers([1] * 30, spots=20))
    with pytest.raises(ConfigError, match="memory") as error:
        made.batch(prepared, np.arange(30))
    assert name in str(error.value)
