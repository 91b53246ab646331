"""The top-tagging sample: four-momenta by their order in a table of pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers import READERS
from tests.readers.jet_files import CLOUD, read_all, write_top_tagging


def arrays(jets: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Momenta (N, 200, 4) as E, px, py, pz in falling pT, labels, true tops."""
    random = np.random.default_rng(1)
    momenta = np.zeros((jets, 200, 4), np.float32)
    for jet in range(jets):
        pt = np.sort(random.exponential(20, 10 + jet))[::-1]
        phi, eta = random.normal(0, 0.3, len(pt)), random.normal(0.5, 0.3, len(pt))
        rows = [pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
        momenta[jet, : len(pt)] = np.stack(rows, axis=1)
    label = np.arange(jets) % 2
    top = np.where(label[:, None] == 1, [600.0, 300.0, 400.0, 100.0], 0.0)
    return momenta, label, top


def build(path: Path, **values: Any) -> Any:
    return READERS.build({"name": "top_tagging", "path": str(path), **values}, CLOUD, where="test")


def test_jets_are_sums_of_their_constituents(tmp_path: Path) -> None:
    momenta, label, top = arrays()
    events = read_all(build(write_top_tagging(tmp_path / "a.h5", momenta, label, top)))
    parts = events.constituents
    assert parts.counts.tolist() == [10, 11, 12, 13, 14]
    np.testing.assert_array_equal(parts["energy"][:10], momenta[0, :10, 0])
    np.testing.assert_array_equal(parts["pz"][:10], momenta[0, :10, 3])
    np.testing.assert_allclose(events.jets["px"], momenta[..., 1].sum(axis=1), rtol=1e-5)
    assert events.field("jet_label").tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_allclose(events.field("true_pt"), [0, 500, 0, 500, 0])
    assert not parts["pdg"].any()


def test_columns_in_another_order_are_refused(tmp_path: Path) -> None:
    momenta, label, top = arrays()
    for wrong, event in ((momenta[..., [1, 2, 3, 0]], 0), (np.concatenate([momenta[:1, ::-1], momenta[1:]]), 0)):
        path = write_top_tagging(tmp_path / "a.h5", wrong, label, top)
        with pytest.raises(DataError, match=rf"E at least the momentum, the highest pT first.*event {event}"):
            read_all(build(path))
    momenta[3, 2, 1] = np.nan
    with pytest.raises(DataError, match=r"1 of 5 jets.*event 3"):
        read_all(build(write_top_tagging(tmp_path / "a.h5", momenta, label, top)))


def test_a_label_that_is_neither_is_refused(tmp_path: Path) -> None:
    momenta, _, top = arrays()
    with pytest.raises(DataError, match=r"is_signal_new must be 0 or 1.*event 4"):
        read_all(build(write_top_tagging(tmp_path / "a.h5", momenta, np.array([0, 1, 0, 1, 2]), top)))


def test_flags_in_another_order_are_refused(tmp_path: Path) -> None:
    momenta, label, top = arrays()
    with pytest.raises(DataError, match=r"with a true top must be those of the label.*5 of 5 jets.*ttv, is_signal_new"):
        read_all(build(write_top_tagging(tmp_path / "a.h5", momenta, 1 - label, top)))


def test_another_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["table/table"] = np.zeros(4, [("index", "<i8"), ("values_block_0", "<f4", (10,))])
    with pytest.raises(DataError, match=r"804 numbers and 2 flags a jet; got: index \(\), values_block_0 \(10,\)"):
        build(path).splits()
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros(4)
    with pytest.raises(DataError, match="must have the array 'table/table'"):
        build(path).splits()


def test_a_table_that_was_not_written_to_its_end_is_refused(tmp_path: Path) -> None:
    momenta, label, top = arrays()
    path = write_top_tagging(tmp_path / "a.h5", momenta, label, top, maxshape=(None,), chunks=(5,))
    with h5py.File(path, "r+") as file:
        file["table/table"].resize(10, axis=0)
    with pytest.raises(DataError, match=r"written|chunk"):
        build(path).splits()
    whole = write_top_tagging(tmp_path / "b.h5", momenta, label, top)
    with h5py.File(whole, "r+") as file:
        table = file["table/table"]
        table[3:] = np.zeros(2, table.dtype)
    with pytest.raises(DataError, match="written to its end"):
        build(whole).splits()
