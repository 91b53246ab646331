from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.events import Collection, Events
from hitforge.representations import REPRESENTATIONS
from hitforge.representations.features.features import Features

BARREL = CrystalBarrel(CrystalBarrel.Config())
ROWS, COLUMNS = BARREL.grid_shape


def from_windows(windows: np.ndarray, times: np.ndarray | None = None, seed: tuple[int, int] = (80, 100)) -> Events:
    """Events whose window around ``seed`` is the dense one, (N, 2 r + 1, 2 c + 1) [GeV]."""
    event, i, j = np.nonzero(windows)
    cell = BARREL.cell_of(seed[0] + i - windows.shape[1] // 2, seed[1] + j - windows.shape[2] // 2)
    zero = np.zeros(len(cell))
    time = zero if times is None else times[event, i, j]
    columns = {"x": zero, "y": zero, "z": zero, "time": time, "energy": windows[event, i, j], "cell": cell,
               "layer": zero, "subsystem": zero}  # fmt: skip
    return Events({"hits": Collection.from_counts(np.bincount(event, minlength=len(windows)), columns)})


def build(**values: object) -> Features:
    return Features(Features.Config.read(values, where="test"), BARREL)


def shapes(events: Events, **values: object) -> dict[str, np.ndarray]:
    representation = build(**values)
    table = representation.prepare(events).dense["features"]
    assert table.dtype == np.float32
    return dict(zip(representation.labels()["features"], table.T.astype(np.float64), strict=True))


def random_windows(number: int = 30) -> np.ndarray:
    random = np.random.default_rng(5)
    windows = random.exponential(0.3, (number, 33, 33)) * (random.random((number, 33, 33)) < 0.1)
    windows[:, 14:19, 14:19] += random.exponential(3.0, (number, 5, 5))
    windows[:, 16, 16] += 30.0
    return windows.astype(np.float32).astype(np.float64)


def test_ratios_are_what_their_names_say() -> None:
    w = random_windows()
    f = shapes(from_windows(w))
    total, core = w.sum((1, 2)), w[:, 14:19, 14:19]
    e25 = core.sum((1, 2))
    e9 = w[:, 15:18, 15:18].sum((1, 2))
    ordered = np.sort(core.reshape(len(w), -1))
    squares = [w[:, 15 + a : 17 + a, 15 + b : 17 + b].sum((1, 2)) for a in (0, 1) for b in (0, 1)]
    outside = w.copy()
    outside[:, 13:20, 13:20] = 0
    expected = {
        "energy": total, "e25": e25, "e1": w[:, 16, 16],
        "cells": (w > 0).sum((1, 2)), "cells_80mev": (w > 0.08).sum((1, 2)), "cells_200mev": (w > 0.2).sum((1, 2)),
        "r9": e9 / total, "e9_e25": e9 / e25, "e25_energy": e25 / total,
        "e1_e25": w[:, 16, 16] / e25, "e2_e25": ordered[:, -2] / e25, "e3_e25": ordered[:, -3] / e25,
        "e2x2_e25": np.max(squares, 0) / e25,
        "e1x3_e25": w[:, 16, 15:18].sum(1) / e25, "e3x1_e25": w[:, 15:18, 16].sum(1) / e25,
        "e1x5_e25": w[:, 16, 14:19].sum(1) / e25, "e5x1_e25": w[:, 14:19, 16].sum(1) / e25,
        "eta_outside": 1 - w[:, 14:19].sum((1, 2)) / total,
        "strip_outside": (w[:, 14:19].sum((1, 2)) - e25) / total,
        "strip_asymmetry": abs(w[:, 14:19, :14].sum((1, 2)) - w[:, 14:19, 19:].sum((1, 2))) / total,
        "second_energy": outside.max((1, 2)) / total,
        "second_ieta": abs(outside.reshape(len(w), -1).argmax(1) // 33 - 16),
        "second_iphi": abs(outside.reshape(len(w), -1).argmax(1) % 33 - 16),
        "eta_asymmetry": abs(w[:, 17, 16] - w[:, 15, 16]) / e25,
        "phi_asymmetry": abs(w[:, 16, 17] - w[:, 16, 15]) / e25,
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(f[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_moments_are_what_their_formulas_say() -> None:
    w = random_windows()
    f = shapes(from_windows(w))
    core, i, j = w[:, 14:19, 14:19], np.arange(-2, 3)[:, None], np.arange(-2, 3)
    weight = np.maximum(0, 4.7 + np.log(core / core.sum((1, 2), keepdims=True)))

    def mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        return (weights * values).sum((1, 2)) / weights.sum((1, 2))

    eta, phi = mean(weight, i), mean(weight, j)
    np.testing.assert_allclose(f["sigma_ieta_ieta"] ** 2, mean(weight, i**2) - eta**2, rtol=1e-4)
    np.testing.assert_allclose(f["sigma_iphi_iphi"] ** 2, mean(weight, j**2) - phi**2, rtol=1e-4)
    np.testing.assert_allclose(f["cov_ieta_iphi"], mean(weight, i * j) - eta * phi, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([f["mean_ieta"], f["mean_iphi"]], [abs(eta), abs(phi)], rtol=1e-4, atol=1e-6)
    i, j = np.arange(-16, 17)[:, None], np.arange(-16, 17)
    eta, phi = mean(w, i)[:, None, None], mean(w, j)[:, None, None]
    np.testing.assert_allclose(f["eta_width"] ** 2, mean(w, (i - eta) ** 2), rtol=1e-4)
    np.testing.assert_allclose(f["phi_width"] ** 2, mean(w, (j - phi) ** 2), rtol=1e-4)
    skewness = abs(mean(w, (j - phi) ** 3)) / mean(w, (j - phi) ** 2) ** 1.5
    np.testing.assert_allclose(f["phi_skewness"], skewness, rtol=1e-4, atol=1e-5)


def test_peaks_and_times_of_an_event_made_by_hand() -> None:
    w, t = np.zeros((1, 33, 33)), np.zeros((1, 33, 33))
    w[0, 16, 16], t[0, 16, 16] = 30.0, 1.0
    w[0, 16, 24], t[0, 16, 24] = 3.0, 2.0  # a radiated photon: a peak of its own
    w[0, 15, 25], t[0, 15, 25] = 1.5, 4.0  # its shoulder
    w[0, 18, 5], t[0, 18, 5] = 0.2, 90.0  # too faint for a peak and for a time
    w[0, 28, 16], t[0, 28, 16] = 2.0, 1.5  # outside the strip
    f = shapes(from_windows(w, t))
    assert f["strip_peaks"] == [2]
    assert f["seed_time"] == [1.0]
    weights, times = np.array([30.0, 3, 1.5, 2]) ** 2, np.array([0.0, 1, 3, 0.5])
    mean = np.average(times, weights=weights)
    np.testing.assert_allclose(f["time_spread"], np.sqrt(np.average((times - mean) ** 2, weights=weights)), rtol=1e-5)
    np.testing.assert_allclose(f["time_outside"], np.average(times[1:], weights=weights[1:]), rtol=1e-5)


def test_a_single_cell_is_a_point() -> None:
    w = np.zeros((1, 33, 33))
    w[0, 16, 16] = 10.0
    f = shapes(from_windows(w))
    one = {"r9", "e9_e25", "e1_e25", "e2x2_e25", "e1x3_e25", "e3x1_e25", "e1x5_e25", "e5x1_e25", "e25_energy", "cells"}
    ones = one | {"cells_80mev", "cells_200mev", "strip_peaks"}
    for name, value in f.items():
        assert value == pytest.approx(10.0 if name in {"energy", "e25", "e1"} else 1.0 if name in ones else 0.0), name


@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_event_has_the_same_shapes_but_for_the_covariance(axis: int) -> None:
    w = random_windows()
    one, two = shapes(from_windows(w)), shapes(from_windows(np.flip(w, axis)))
    for name in one:
        sign = -1 if name == "cov_ieta_iphi" else 1
        np.testing.assert_allclose(one[name], sign * two[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_seam_of_the_barrel_cannot_be_seen() -> None:
    w = random_windows(5)
    one, two = shapes(from_windows(w)), shapes(from_windows(w, seed=(80, 359)))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-6, err_msg=name)


def test_events_without_hits_or_energy_have_zeros_and_leave_the_next_untouched() -> None:
    w = random_windows(2)
    alone = build().prepare(from_windows(w[1:])).dense["features"]
    w[0] = 0
    table = build().prepare(from_windows(w)).dense["features"]
    assert not table[0].any()
    np.testing.assert_array_equal(table[1:], alone)
    events = from_windows(w)
    events.hits["energy"][:] = 0
    assert np.isfinite(build().prepare(events).dense["features"]).all()


def test_features_are_chosen_by_name_and_batched_in_the_order_asked_for() -> None:
    names = ["r9", "energy"]
    representation = REPRESENTATIONS.build({"name": "features", "names": names}, BARREL, where="test")
    assert representation.shapes() == {"features": (2,)}
    assert representation.labels() == {"features": names}
    w = random_windows(4)
    prepared = representation.prepare(from_windows(w))
    batch = representation.batch(prepared, np.array([3, 1]), np.random.default_rng(1))["features"]
    np.testing.assert_allclose(batch[:, 1], w[[3, 1]].sum((1, 2)), rtol=1e-5)
    assert batch.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"names": ["r8"]}, "did you mean 'r9'"),
        ({"names": []}, "names"),
        ({"names": ["r9", "r9"]}, "differ"),
        ({"half_rows": 2}, "half_rows"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**values)


def test_a_cell_of_another_detector_is_refused() -> None:
    events = from_windows(random_windows(1))
    events.hits["cell"][7] = -3
    with pytest.raises(DataError, match="cell must be one of the 61200"):
        build().prepare(events)
