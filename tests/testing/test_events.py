"""Detectors that lose cells, sources that give other events, and graphs that mix events are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core import config
from hitforge.core.errors import DataError
from hitforge.detectors.pixel_grid import PixelGrid
from hitforge.events import Collection, Events, Source
from hitforge.representations.points.graphs import GraphBuilder
from hitforge.testing._events import check_detector, check_graph, check_source
from tests.testing.shelf import BLOCK, Shelf


class Shifted(PixelGrid):
    """Places of the next row."""

    def position(self, cell: Any) -> Any:
        return super().position(cell) + np.array([0.0, 22.0, 0.0])


class OneWay(PixelGrid):
    """Neighbours on the right alone."""

    def neighbours(self, cell: Any) -> Any:
        row, column = self.grid(cell)
        return self.cell_of(row, column + 1)[:, None]


@pytest.mark.parametrize(("cls", "message"), [(Shifted, "cell_at must undo"), (OneWay, "of its neighbours")])
def test_faults_of_detectors_are_found(cls: type[Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_detector(Shelf(cls), BLOCK)
    check_detector(Shelf(PixelGrid), BLOCK)


class Hits(Source):
    """Five events of one hit each, with a fault."""

    class Config(config.Config):
        fault: str = ""

    calls = 0

    def splits(self) -> dict[str, int]:
        if self.config.fault == "splits":
            return {"test": 1}
        return {"train": 0, "validation": 0, "test": int(self.config.fault != "none")}

    def shard(self, split: str, index: int) -> Events:
        self.calls += 1
        x = np.full(5, float(self.calls if self.config.fault == "random" else 1))
        if self.config.fault == "values":
            x[2] = np.nan
        columns = {name: np.zeros(5) for name in ("y", "z", "time", "energy", "cell", "layer", "subsystem")}
        return Events({"hits": Collection.from_counts(np.ones(5, np.int64), {"x": x, **columns})})

    def inputs(self) -> list[str]:
        return ["me"] if self.config.fault == "inputs" else []

    def __init__(self, config: Any, detector: Any) -> None:
        super().__init__(config, detector)
        if config.fault == "worker":
            self.helper = lambda: None


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("splits", AssertionError, "must name train, validation, test"),
        ("none", AssertionError, "there must be a shard"),
        ("random", AssertionError, "the same at every call"),
        ("inputs", AssertionError, "SHA-256"),
        ("values", DataError, "finite"),
        ("worker", Exception, "pickle"),
    ],
)
def test_faults_of_sources_are_found(fault: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_source(Shelf(Hits), {**BLOCK, "fault": fault}, "pixel_grid")
    check_source(Shelf(Hits), BLOCK)


class Next(GraphBuilder):
    """The point behind each, in its event or in all."""

    class Config(config.Config):
        fault: str = ""

    @property
    def neighbours(self) -> int:
        return 2

    def build(self, points: Collection) -> Any:
        counts = np.repeat(points.counts, points.counts)
        own = np.arange(points.rows) - np.repeat(points.offsets[:-1], points.counts)
        beside = [np.where(counts > step, (own + step) % np.maximum(counts, 1), own) for step in (1, 2)]
        if self.config.fault == "far":
            beside[0] = beside[0] + 1
        if self.config.fault == "twice":
            beside[1] = beside[0]
        if self.config.fault == "moved":
            points.columns["x"][:] += 1
        return np.stack(beside, 1).astype(np.int64 if self.config.fault == "type" else np.int32)


@pytest.mark.parametrize(
    ("fault", "message"),
    [("far", "of the same event"), ("twice", "stand twice"), ("moved", "as they were"), ("type", "must be int32")],
)
def test_faults_of_graphs_are_found(fault: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_graph(Shelf(Next), {**BLOCK, "fault": fault})
    check_graph(Shelf(Next), BLOCK)
