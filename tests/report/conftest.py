"""A run folder that looks like a real one, made without training or simulation."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from hitforge.detectors import Detector, GridDetector
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo
from hitforge.metrics import METRICS, Predictions

CLASSES = ("photon", "electron")
OTHERS = {
    "energy_resolution",
    "position_resolution",
    "direction_resolution",
    "tracking_efficiency",
    "track_parameters",
    "trackml_score",
    "colliderml_score",
    "gnn_tracking_rates",
    "object_counts",
    "average_precision",
    "shower_efficiency",
    "shower_response",
    "event_means",
    "value_response",
}


def _showers(random: np.random.Generator, count: int, electron: bool, size: int = 32) -> np.ndarray:
    """Images with one core, an exponential halo, and for electrons pieces spread in phi; (count, size, size, 2)."""
    row, column = np.meshgrid(np.arange(size) - size // 2, np.arange(size) - size // 2, indexing="ij")
    images = np.zeros((count, size, size, 2), np.float32)
    for image in images:
        centre = random.uniform(-0.4, 0.4, 2)
        radius = np.hypot(row - centre[0], column - centre[1])
        energy = 45.0 * np.exp(-radius / 0.45) + 0.6 * np.exp(-radius / 2.2)
        for _ in range(random.poisson(1.2 if electron else 0.25)):
            share, away = 6.0 * random.random() ** 2, random.normal(0.0, 3.5)
            energy = energy + share * np.exp(-np.hypot(row - centre[0], column - centre[1] - away) / 0.6)
        energy = energy * random.gamma(4.0, 0.25, energy.shape) + random.normal(0.0, 0.04, energy.shape)
        energy[energy < 0.08] = 0.0
        image[..., 0] = energy
        image[..., 1] = np.where(energy > 0, random.normal(0.0, 0.05 + 0.2 / np.sqrt(energy + 0.1)), 0.0)
    return images


def _sample(random: np.random.Generator, per_class: int, shown: int, prefix: str = "") -> tuple[dict, dict]:
    names: dict = {f"{prefix}histograms": {}}
    arrays = {}
    for kind in CLASSES:
        images = _showers(random, per_class, kind == "electron")
        arrays[f"{prefix}mean_{kind}"] = images.mean(axis=0)
        arrays[f"{prefix}examples_{kind}"] = images[:shown]
        column = np.arange(images.shape[2]) - images.shape[2] // 2
        energy = images[..., 0]
        mean = (energy * column).sum((1, 2)) / energy.sum((1, 2))
        spread = (energy * (column - mean[:, None, None]) ** 2).sum((1, 2)) / energy.sum((1, 2))
        for name, unit, values, edges in (
            ("lit pixels", "", (energy > 0).sum((1, 2)), np.linspace(0, 120, 25)),
            ("energy sum", "GeV", energy.sum((1, 2)), np.linspace(0, 120, 25)),
            ("spread in phi", "crystals²", spread, np.linspace(0, 4, 25)),
        ):
            entry = names[f"{prefix}histograms"].setdefault(name, {"edges": edges.tolist(), "unit": unit})
            entry[kind] = np.histogram(values, edges)[0].tolist()
    return names, arrays


def _measure(folder: Path, predictions: Predictions) -> None:
    values, tables = {}, {}
    for name in sorted(set(METRICS.names()) - OTHERS):
        result = METRICS.build(name, where="test").compute(predictions, 0)
        values |= {f"test.{key}": asdict(value) for key, value in result.values.items()}
        tables |= {
            key: {column: np.asarray(data).tolist() for column, data in table.items()}
            for key, table in result.tables.items()
        }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(values))
    (folder / "tables.json").write_text(json.dumps(tables))


def _history(path: Path, random: np.random.Generator, floor: float, epochs: int = 20) -> None:
    lines = ["epoch,train_loss,validation_loss,roc_auc,lr,seconds,wait_seconds"]
    for epoch in range(epochs):
        fall = np.exp(-epoch / 4)
        train, valid = floor + 0.18 * fall - 0.001 * epoch, floor + 0.01 + 0.17 * fall + random.normal(0, 0.004)
        rate = 5e-4 * (1 + np.cos(np.pi * epoch / epochs))
        lines.append(f"{epoch},{train},{valid},{0.82 - 0.2 * fall + random.normal(0, 0.003)},{rate},12.5,0.1")
    path.write_text("\n".join(lines) + "\n")


def make_run(folder: Path, events: int = 3000, per_class: int = 60, shown: int = 6) -> Path:
    """Write a whole run folder with three methods."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    target = random.integers(0, 2, events)
    eta, pt = random.uniform(-1.2, 1.2, events), random.uniform(20.0, 100.0, events)
    common = random.normal(0.0, 1.0, events) + (1.2 - 0.3 * np.abs(eta)) * target
    methods = [
        ("residual network", "network", ".", 0.2),
        ("boosted trees", "baseline", "baselines/boosted_trees", 0.7),
        ("small vision transformer", "comparison", "compare/vit", 0.45),
    ]
    every = []
    for label, _, path, noise in methods:
        raw = common + random.normal(0.0, noise, events)
        score = 1.0 / (1.0 + np.exp(-(raw - 0.5)))
        columns = {"target": target, "score_photon": 1 - score, "score_electron": score, "eta": eta, "pt": pt}
        sample = Predictions(columns, CLASSES, 1)
        every.append((label, sample))
        _measure(folder / path, sample)
    _history(folder / "history.csv", random, 0.50)
    _history(folder / "compare/vit/history.csv", random, 0.52, 14)
    (folder / "methods.json").write_text(
        json.dumps([{"label": label, "kind": kind, "path": path} for label, kind, path, _ in methods])
    )
    auc = METRICS.build("roc_auc", where="test")
    (folder / "comparison.json").write_text(
        json.dumps(
            [
                {
                    "first": every[0][0],
                    "second": label,
                    "values": {key: asdict(value) for key, value in auc.compare(every[0][1], other, 0).values.items()},
                }
                for label, other in every[1:]
            ]
        )
    )
    names, arrays = _sample(random, per_class, shown)
    real_names, real_arrays = _sample(random, per_class // 2, shown, "reference_")
    kept = {key: value[..., :1] for key, value in real_arrays.items()}
    np.savez(folder / "sample.npz", **arrays, **kept)
    (folder / "sample.json").write_text(
        json.dumps(
            {
                "label": "simulated",
                "classes": CLASSES,
                "signal": "electron",
                "channels": ["energy", "time"],
                **names,
                "reference_label": "measured",
                "reference_channels": ["energy"],
                **real_names,
            }
        )
    )
    shown = np.concatenate([_showers(random, 2, False), _showers(random, 2, True)])
    away = np.abs(np.arange(32) - 16)[None, None, :, None]
    gradient = random.normal(0.0, 0.02, shown.shape) + 0.1 * np.tanh((away - 2) / 2) * np.exp(-away / 6)
    np.savez(
        folder / "saliency.npz",
        input=shown,
        gradient=gradient,
        integrated=gradient * shown,
        target=np.array([0, 0, 1, 1]),
        score=np.array([0.21, 0.44, 0.93, 0.61]),
    )
    (folder / "recipe.yaml").write_text(
        "title: Electron or photon, 50 GeV\ndescription: Showers in a crystal barrel\n"
        "detector: {name: crystal_barrel}\n"
        "source: {name: particle_gun, events: 40000}\nrepresentation: {name: image}\nmodel: {name: resnet}\n"
        "task: {name: classify, classes: [photon, electron], signal: electron}\n"
        "training: {engine: torch, epochs: 20}\n"
    )
    (folder / "provenance.json").write_text(
        json.dumps(
            {
                "time": "2026-01-01T12:00:00+00:00",
                "command": ["hitforge", "run", "cnn.yaml"],
                "commit": "0123abcd",
                "versions": {"hitforge": "0.1.0", "numpy": "2.4.6"},
                "seed": 7,
                "device": "CPU, bf16",
                "machine": {"system": "Linux", "processor": "a CPU", "cores": 2},
                "parameters": 271234,
                "dataset": {
                    "name": "barrel",
                    "hash": "sha256:77aa",
                    "counts": {"train": 40000, "test": events},
                },
                "wall_s": {"simulate": 41.0, "prepare": 3.0, "train": 612.5, "evaluate": 8.0},
            }
        )
    )
    return folder


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory) -> Path:
    """A whole run folder; not to be changed."""
    return make_run(tmp_path_factory.mktemp("run"), events=800, per_class=16, shown=2)


class Barrel(GridDetector):
    """A hundred columns in azimuth and 21 rows in eta at a radius of one metre."""

    @property
    def cells(self) -> int:
        return 2100

    @property
    def grid_shape(self) -> tuple[int, int]:
        return 21, 100

    @property
    def periodic_columns(self) -> bool:
        return True

    def position(self, cell: np.ndarray) -> np.ndarray:
        row, column = self.grid(cell)
        eta, phi = 0.02 * (row - 10), 2 * np.pi * column / 100
        return 1000.0 * np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)

    def grid(self, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return cell // 100, cell % 100

    def cell_at(self, position: np.ndarray) -> np.ndarray:
        x, y, z = position.T
        row = np.rint(np.arcsinh(z / np.hypot(x, y)) / 0.02) + 10
        return self.cell_of(row.astype(int), np.rint(np.arctan2(y, x) * 50 / np.pi).astype(int))

    def cell_of(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return np.where((row >= 0) & (row < 21), row * 100 + column % 100, -1)


def _hits(detector: Detector, cells: list[int], energy: list[float]) -> Collection:
    cell = np.array(cells)
    x, y, z = detector.position(cell).T
    rest = np.zeros(len(cells))
    columns = {
        "x": x,
        "y": y,
        "z": z,
        "time": rest + 1.5,
        "energy": np.array(energy),
        "cell": cell,
        "layer": rest,
        "subsystem": rest,
    }
    return Collection(np.array([0, len(cells), len(cells)]), columns)


@pytest.fixture(scope="session")
def tiny() -> tuple[Events, Detector]:
    """An event with two particles and four hits, one with nothing, and their detector."""
    detector = Barrel(Barrel.Config())
    names = COLLECTIONS["particles"]
    particles = {name: np.zeros(2) for name in names} | {"pdg": np.array([11, 22]), "energy": np.array([20.0, 30.0])}
    links = {
        "hit": np.array([0, 0, 1, 2]),
        "particle": np.array([0, 1, 0, 1]),
        "weight": np.array([0.3, 0.7, 1.0, 1.0]),
    }
    events = Events(
        {
            "hits": _hits(detector, [1050, 1051, 1150, 99], [25.0, 12.0, 3.0, 0.1]),
            "particles": Collection(np.array([0, 2, 2]), particles),
            "links": Collection(np.array([0, 4, 4]), links),
        },
        {"pt": np.array([50.0, 40.0])},
        {"pt": FieldInfo("float32", "GeV", "transverse momentum")},
    )
    return events, detector


@pytest.fixture(scope="session")
def bare(tiny) -> Events:
    """The same events with hits alone."""
    return Events({"hits": tiny[0].hits})
