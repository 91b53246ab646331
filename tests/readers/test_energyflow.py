"""EnergyFlow's jets: pT, rapidity, azimuth and PDG number become four-momenta."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers import READERS
from tests.readers.jet_files import CLOUD, read_all

JETS = np.array(
    [
        [[50.0, 0.5, 0.1, 211], [20.0, 0.6, 0.2, 22], [5.0, -0.2, 6.2, -2212]],
        [[80.0, -1.5, 3.0, 130], [0.0, 0.0, 0.0, 0], [0.0, 0.0, 0.0, 0]],
    ]
)


def save(path: Path, jets: np.ndarray = JETS, label: Any = (1, 0), **more: Any) -> Path:
    np.savez(path, X=jets, y=np.array(label), **more)
    return path


def build(path: Path, **values: Any) -> Any:
    return READERS.build({"name": "energyflow", "path": str(path), **values}, CLOUD, where="test")


def test_momenta_are_those_of_the_particles_masses(tmp_path: Path) -> None:
    events = read_all(build(save(tmp_path / "a.npz")))
    parts = events.constituents
    assert parts.counts.tolist() == [3, 1]
    assert parts["pdg"].tolist() == [211, 22, -2212, 130]
    assert parts["charge"].tolist() == [1, 0, -1, 0]
    px, py, pz, energy = (parts[name].astype(float) for name in ("px", "py", "pz", "energy"))
    np.testing.assert_allclose(np.hypot(px, py), [50, 20, 5, 80], rtol=1e-6)
    np.testing.assert_allclose(np.arctanh(pz / energy), [0.5, 0.6, -0.2, -1.5], rtol=1e-4)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    np.testing.assert_allclose(mass[2], 0.938, atol=0.01)
    np.testing.assert_allclose(events.jets["energy"], [energy[:3].sum(), energy[3]], rtol=1e-6)
    assert events.field("jet_label").tolist() == [1, 0]


def test_a_kind_that_no_table_has_is_counted(tmp_path: Path) -> None:
    jets = JETS.copy()
    jets[0, 1, 3] = 999999
    events = read_all(build(save(tmp_path / "a.npz", jets)))
    assert events.field("unidentified_constituents").tolist() == [1, 0]
    none = read_all(build(save(tmp_path / "b.npz", JETS * [1, 1, 1, 0])))
    assert none.field("unidentified_constituents").tolist() == [3, 1]
    assert events.constituents["pdg"][1] == 0


@pytest.mark.parametrize(
    ("jets", "label", "message"),
    [
        (JETS[..., :3], (1, 0), r"\(N, M, 4\); got: float64 \(2, 3, 3\).*PDG numbers"),
        (JETS, (1, 0, 1), r"a label for each jet; got: \(3,\) for 2 jets"),
        (JETS, (1, 2), r"'y' must be 0 or 1.*event 1"),
        (JETS * [-1, 1, 1, 1], (1, 0), r"pT >= 0 GeV.*event 0"),
        (JETS + np.array([0, 0, 0, 0.5]), (1, 0), r"a whole PDG number.*event 0"),
        (JETS * [1, 100, 1, 1], (1, 0), r"rapidity within 20.*event 0"),
        (JETS * [1, 1, 57.3, 1], (1, 0), r"azimuth in rad.*event 0"),
        (JETS, ("q", "g"), r"'y' must be 0 or 1"),
        (JETS * [1, np.nan, 1, 1], (1, 0), r"event 0"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, jets: np.ndarray, label: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_all(build(save(tmp_path / "a.npz", jets, label)))


def test_a_file_is_read_again_once_it_changes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz")
    reader = build(path)
    assert len(read_all(reader)) == 2
    assert reader._arrays(path)["X"] is reader._arrays(path)["X"]
    save(path, JETS * [2, 1, 1, 1], (1, 1), more=np.zeros(3))
    np.testing.assert_array_equal(reader._arrays(path)["X"][..., 0], 2 * JETS[..., 0])
