"""Checks of what makes events and of what holds them: detectors, simulations and readers, graph builders."""

from __future__ import annotations

import copy
import re
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from hitforge.core.errors import ConfigError
from hitforge.core.registry import Registry
from hitforge.detectors import DETECTORS, Detector, GridDetector, LayeredDetector, TrackerDetector
from hitforge.events import Collection, Events
from hitforge.events.source import SPLITS


def check_detector(registry: Registry[Any], block: dict[str, Any]) -> None:
    """Every cell is found again from its place, and is a neighbour of its neighbours."""
    detector = registry.build(block, where="settings")
    if isinstance(detector, GridDetector):
        cell = np.unique(np.linspace(0, detector.cells - 1, 500).astype(np.int64))
        row, column = detector.grid(cell)
        inside = (row >= 0) & (row < detector.grid_shape[0]) & (column >= 0) & (column < detector.grid_shape[1])
        assert inside.all(), "rows and columns must lie in grid_shape"
        np.testing.assert_array_equal(detector.cell_of(row, column), cell, "cell_of must undo grid")
    elif isinstance(detector, LayeredDetector):
        random = np.random.default_rng(3)
        layer = random.integers(0, len(detector.layers), 4000)
        x, y = random.uniform(-2800, 2800, (2, 4000))
        cell = detector.cell_in(layer, x, y, random.choice([-1, 1], 4000))
        np.testing.assert_array_equal(detector.layer(cell[cell >= 0]), layer[cell >= 0], "layer must undo cell_in")
        cell = np.unique(cell[cell >= 0])
        assert set(detector.layer(cell)) == set(range(len(detector.layers))), "each layer must have cells"
    elif isinstance(detector, TrackerDetector):
        cell = np.unique(detector.modules.number[:: max(len(detector.modules) // 4000, 1)])
    else:  # no lattice
        assert detector.is_cell(np.array([-1, 0])).tolist() == [False, True], "cells are numbers of at least 0"
        return
    assert detector.is_cell(cell).all(), "is_cell must know every cell"
    far = np.array([-1, np.iinfo(np.int64).max])
    assert not detector.is_cell(far).any(), "-1 and the largest number are no cells"
    np.testing.assert_array_equal(detector.cell_at(detector.position(cell)), cell, "cell_at must undo position")
    for beside in detector.neighbours(cell).T:
        here = beside >= 0
        assert detector.is_cell(beside[here]).all(), "neighbours must be cells, or -1"
        mutual = (detector.neighbours(beside[here]) == cell[here, None]).any(axis=1)
        assert mutual.all(), "a cell must be a neighbour of its neighbours"


def check_source(registry: Registry[Any], block: dict[str, Any], detector: Detector | str | None = None) -> None:
    """It gives whole events, the same at every call and in every process."""
    source = _source(registry, block, detector)
    splits = source.splits()
    assert set(splits) == set(SPLITS), f"splits() must name {', '.join(SPLITS)}, and not {', '.join(splits)}"
    assert any(splits.values()), "there must be a shard: let 'settings' ask for some events"
    ForkingPickler.dumps(source)  # it is sent to worker processes
    elsewhere = copy.deepcopy(source)
    for split, shards in splits.items():
        for index in sorted({0, shards - 1}) if shards else ():
            events = source.shard(split, index)
            assert len(events), f"shard {index} of '{split}' must have events"
            events.check(where=f"shard {index} of '{split}'")
            _same(events, source.shard(split, index), "a shard must be the same at every call")
            _same(events, elsewhere.shard(split, index), "a shard must be the same in a worker process")
    assert source.splits() == splits, "splits() must stay as they are"
    for digest in source.inputs():
        assert re.fullmatch("[0-9a-f]{64}", digest), "inputs() must return the SHA-256 of each file"


def _source(registry: Registry[Any], block: dict[str, Any], detector: Detector | str | None) -> Any:
    """The source on the detector, or on the first of ours that it takes."""
    given = [DETECTORS.build(detector, where="detector")] if isinstance(detector, str) else [detector]
    reasons = []
    for one in given if detector is not None else (DETECTORS.build(name, where="test") for name in DETECTORS.usable()):
        try:
            return registry.build(block, one, where="settings")
        except ConfigError as error:
            reasons.append(str(error))
    raise AssertionError("it fits no detector; " + "; ".join(dict.fromkeys(reasons)))


def _same(one: Events, two: Events, must: str) -> None:
    assert set(one.collections) == set(two.collections), must
    assert set(one.fields) == set(two.fields), must
    for name, table in one.collections.items():
        np.testing.assert_array_equal(table.offsets, two.collections[name].offsets, must)
        for column, values in table.columns.items():
            np.testing.assert_array_equal(values, two.collections[name][column], f"{must}: {name}.{column}")
    for name, values in one.fields.items():
        np.testing.assert_array_equal(values, two.fields[name], f"{must}: {name}")


def check_graph(registry: Registry[Any], block: dict[str, Any]) -> None:
    """Neighbours lie in the same event, none stands twice, and points stay as they were."""
    builder, points = registry.build(block, where="settings"), _points()
    before = {key: column.copy() for key, column in points.columns.items()}
    found = builder.build(points)
    assert found.shape == (points.rows, builder.neighbours), "build must return (rows, neighbours)"
    assert found.dtype == np.int32, "neighbours must be int32"
    assert (found >= 0).all(), "a neighbour must be the number of a point in its event"
    assert (found < np.repeat(points.counts, points.counts)[:, None]).all(), "a neighbour must be of the same event"
    own = np.arange(points.rows) - np.repeat(points.offsets[:-1], points.counts)
    others = [row[row != mine] for row, mine in zip(found, own, strict=True)]
    assert all(len(np.unique(row)) == len(row) for row in others), "no neighbour may stand twice"
    assert (found[points.counts[points.event] == 1] == 0).all(), "a lonely point has itself alone"
    assert sum(len(row) for row in others) > 0.2 * found.size, "it must find some neighbours"
    together = Collection(points.offsets, {"found": found})
    for event in range(len(points)):
        alone = builder.build(points.slice(event, event + 1))
        expected = together.slice(event, event + 1)["found"]
        np.testing.assert_array_equal(alone, expected, "events must not see each other", strict=True)
    for few in (points.slice(0, 0), points.slice(1, 2)):
        assert builder.build(few).shape == (0, builder.neighbours), "no points have no neighbours"
    for key, column in points.columns.items():
        np.testing.assert_array_equal(column, before[key], "points must stay as they were")


def _points() -> Collection:
    """Events of 0, 1, 2, 40 and 600 points, on the lattice of a calorimeter of 30 layers."""
    random = np.random.default_rng(1)
    counts = np.array([40, 0, 1, 2, 600])
    rows = counts.sum()
    layer = random.integers(0, 30, rows)
    columns = {
        "x": 300 + 8.0 * random.integers(-12, 13, rows),
        "y": -200 + 8.0 * random.integers(-12, 13, rows),
        "z": (3200 + 10.0 * layer).astype(np.float32),
        "layer": layer.astype(np.int32),
        "energy": random.exponential(0.1, rows).astype(np.float32),
    }
    return Collection.from_counts(counts, columns)
