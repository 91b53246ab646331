"""Features of edges."""

from __future__ import annotations

import numpy as np

from hitforge.representations.graph.edges._features import EDGE_FEATURES, MIRRORED, edge_features, pack, unpack


def test_features_by_hand_with_and_without_a_window() -> None:
    r, z, phi = np.array([30.0, 70.0]), np.array([70.0, 150.0]), np.array([0.1, 0.12])
    eta, layer = np.arcsinh(z / r), np.array([0, 1], np.int32)
    source, destination = np.array([0], np.int32), np.array([1], np.int32)
    low, high = np.array([[-0.04, -0.002, -90.0, -0.5, 0.0]]), np.array([[0.04, 0.002, 110.0, 0.5, 0.0]])
    window = (np.array([1]), low, high)
    (row,) = edge_features(r, phi, z, eta, layer, 2, source, destination, *window)
    expected = [0.5, 0.0005 / 0.002, 0.0, 0.1, 2 * (eta[1] - eta[0]), 0.4, 80 / 300, 1.5, np.arctan2(40, 80)]
    np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6)
    (other,) = edge_features(r, phi, z, eta, layer, 2, source, destination, np.array([2]), low, high)
    np.testing.assert_allclose(other, row)  # the widest window stands in
    (mirror,) = edge_features(r, -phi, z, eta, layer, 2, source, destination, *window)
    sign = np.ones(len(EDGE_FEATURES))
    sign[list(MIRRORED)] = -1
    np.testing.assert_allclose(mirror, row * sign, rtol=1e-6)


def test_what_is_far_out_is_clipped() -> None:
    r, z, phi = np.array([30.0, 31.0]), np.array([0.0, 3000.0]), np.array([-3.0, 0.1])
    layer, edge = np.zeros(2, np.int32), (np.array([0], np.int32), np.array([1], np.int32))
    window = (np.array([0]), np.full((1, 5), -1e-3), np.full((1, 5), 1e-3))
    (row,) = edge_features(r, phi, z, np.arcsinh(z / r), layer, 1, *edge, *window)
    assert np.abs(row).max() == 8


def test_packed_features_come_back_to_half_a_step() -> None:
    random = np.random.default_rng(0)
    one, two = random.uniform(-9, 9, (50, 9)).astype(np.float32), random.uniform(-9, 9, (50, 6)).astype(np.float32)
    row, mirrored = np.array([3, 3, 49]), np.array([False, True, False])
    found = unpack(pack(one, two), row, mirrored)
    expected = np.clip(np.concatenate([one, two], axis=1), -8, 8)[row]
    expected[1, list(MIRRORED)] *= -1
    np.testing.assert_allclose(found, expected, atol=0.5 / 4095 + 1e-6)
    assert found.dtype == np.float32
