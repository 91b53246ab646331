"""Clusters of layers and their linking in depth."""

from __future__ import annotations

import numpy as np

from hitforge.baselines.clustering import layer_clusters, link


def test_hits_are_summed_and_outliers_stand_alone():
    event, layer = np.zeros(4, int), np.array([2, 2, 2, 5])
    u, v, energy = np.array([0.0, 4.0, 50.0, 1.0]), np.zeros(4), np.array([3.0, 1.0, 0.5, 2.0])
    label = np.array([0, 0, -1, 1])
    found = layer_clusters(event, layer, u, v, energy, label)
    np.testing.assert_array_equal(found.of_hit, [0, 0, 2, 1])
    np.testing.assert_array_equal(found.layer, [2, 5, 2])
    np.testing.assert_allclose(found.u, [1.0, 1.0, 50.0])
    np.testing.assert_allclose(found.energy, [4.0, 2.0, 0.5])
    np.testing.assert_array_equal(found.size, [2, 1, 1])
    left = layer_clusters(event, layer, u, v, energy, label, singles=False)
    np.testing.assert_array_equal(left.of_hit, [0, 0, -1, 1])
    none = layer_clusters(*(np.zeros(0, int),) * 2, *(np.zeros(0),) * 3, np.zeros(0, int))
    assert link(none, 20.0, 1.0).count == 0


def shower(u, layers, event=0, energy=2.0):
    profile = energy * np.exp(-0.5 * ((layers - layers.mean()) / 3.0) ** 2)
    return np.full(len(layers), event), layers, np.full(len(layers), u), np.zeros(len(layers)), profile


def linked(*showers, **settings):
    columns = [np.concatenate(values) for values in zip(*showers, strict=True)]
    clusters = layer_clusters(*columns, np.arange(len(columns[0])))
    return link(clusters, 20.0, 1.0, **settings)


def test_layers_of_a_shower_are_linked_and_showers_apart_are_not():
    layers = np.arange(4, 16)
    found = linked(shower(0.0, layers), shower(70.0, layers, energy=3.0), shower(0.0, layers, event=1))
    assert found.count == 3
    np.testing.assert_array_equal(found.label, np.repeat([0, 1, 2], 12))


def test_a_gap_in_depth_parts_showers():
    first, second = shower(0.0, np.arange(1, 9)), shower(0.0, np.arange(15, 23))
    assert linked(first, second, reach=5).count == 2
    assert linked(first, second, reach=16, outlier_factor=3.0, seed_factor=3.0).count == 1


def test_faint_clusters_far_away_belong_to_none():
    layers = np.arange(4, 16)
    far = (np.zeros(1, int), np.array([9]), np.array([300.0]), np.zeros(1), np.array([0.05]))
    found = linked(shower(0.0, layers), far)
    np.testing.assert_array_equal(found.label, [0] * 12 + [-1])
