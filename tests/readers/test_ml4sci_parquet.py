"""Jet images of ML4SCI: pixels become constituents, and what is wrong is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Events, build_dataset
from hitforge.readers import READERS
from hitforge.representations import REPRESENTATIONS
from hitforge.testing._samples import toy_jets
from tests.readers.jet_files import CLOUD, read_all

FIVE = ("track_pt", "d0", "z0", "ecal", "hcal")
PITCH = 0.0174


def images(jets: int = 6, channels: int = 3, size: int = 10) -> np.ndarray:
    random = np.random.default_rng(1)
    shape = (jets, channels, size, size)
    return np.where(random.random(shape) < 0.1, random.exponential(3, shape), 0.0)


def write(path: Path, values: Any, name: str = "X_jets", rows: int = 2, **columns: Any) -> Path:
    given = {name: pa.array(values if isinstance(values, list) else values.tolist())}
    pq.write_table(pa.table({**given, **{key: pa.array(of) for key, of in columns.items()}}), path, row_group_size=rows)
    return path


def build(path: Path, **values: Any) -> Any:
    block = {"name": "ml4sci_parquet", "path": str(path), "rows": 10, "columns": 10, **values}
    return READERS.build(block, CLOUD, where="test")


def image_of(events: Events, size: int, pitch: float = PITCH) -> np.ndarray:
    """Images (N, 3, size, size) of transverse momenta."""
    representation = REPRESENTATIONS.build(
        {"name": "jet_image", "rows": size, "columns": size, "extent": size * pitch / 2, "scale": "log_pt"},
        CLOUD,
        where="test",
    )
    batch = representation.batch(representation.prepare(events), np.arange(len(events)))["image"]
    return np.moveaxis(np.expm1(batch.astype(np.float64)) * 0.5, -1, 1)


@pytest.mark.parametrize("rows", [1, 2, 6])
def test_an_image_comes_back_as_it_was(tmp_path: Path, rows: int) -> None:
    values = images()
    pt = np.arange(6) + 100.0
    path = write(tmp_path / "a.parquet", values, rows=rows, pt=pt, m0=pt / 10, y=[0, 1, 0, 1, 0, 1], ieta=[5] * 6)
    events = read_all(build(path))
    np.testing.assert_allclose(image_of(events, 10), values, atol=1e-5)
    assert events.constituents.counts.tolist() == (values > 0).sum(axis=(1, 2, 3)).tolist()
    jets = events.jets
    np.testing.assert_allclose(np.hypot(jets["px"], jets["py"]), pt)
    np.testing.assert_allclose(jets["energy"] ** 2 - jets["px"] ** 2, (pt / 10) ** 2, rtol=1e-3)
    assert events.field("jet_label").tolist() == [0, 1, 0, 1, 0, 1]
    assert events.field("ieta").tolist() == [5] * 6
    assert not events.field("known_axis").any()


def test_blocks_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    values = images(600, size=4)
    path = write(tmp_path / "a.parquet", values, rows=600)
    settings = {"rows": 4, "columns": 4, "validation": 0.3, "test": 0.3, "shard_events": 50}
    events = read_all(build(path, **settings))
    np.testing.assert_allclose(image_of(events, 4), values, atol=1e-5)
    backwards = build(path, **settings)
    last = backwards.shard("test", backwards.splits()["test"] - 1)
    first = backwards.shard("test", 0)
    assert first.field("event").max() < last.field("event").min()
    np.testing.assert_allclose(image_of(first, 4), values[first.field("event")], atol=1e-5)


def test_a_jet_without_a_lit_pixel_is_counted(tmp_path: Path) -> None:
    values = images()
    values[2] = 0
    events = read_all(build(write(tmp_path / "a.parquet", values)))
    assert events.field("empty_events").tolist() == [0, 0, 1, 0, 0, 0]


def test_impact_parameters_are_those_of_tracks(tmp_path: Path) -> None:
    values = np.zeros((1, 5, 10, 10))
    values[0, 0, 3, 4], values[0, 1, 3, 4], values[0, 2, 3, 4] = 7.0, -0.02, 0.3
    values[0, 1, 6, 6] = 0.5  # of no track
    values[0, 4, 0, 0] = 2.0
    events = read_all(build(write(tmp_path / "a.parquet", values, name="X_jet"), channels=FIVE))
    parts = events.constituents
    assert parts["pdg"].tolist() == [211, 130]
    np.testing.assert_allclose(parts["d0"], [-0.2, 0])
    np.testing.assert_allclose(parts["z0"], [3, 0])
    assert events.field("stray_impact").tolist() == [1]
    np.testing.assert_allclose(
        np.arcsinh(parts["pz"] / np.hypot(parts["px"], parts["py"])), [-1.5 * PITCH, -4.5 * PITCH]
    )
    np.testing.assert_allclose(np.arctan2(parts["py"], parts["px"]), [-0.5 * PITCH, -4.5 * PITCH], rtol=1e-5)


def test_towers_are_put_together_again(tmp_path: Path) -> None:
    values = np.zeros((1, 3, 10, 10))
    values[0, 2, 5:, :5] = 0.4
    path = write(tmp_path / "a.parquet", values)
    parts = read_all(build(path, tower=5)).constituents
    np.testing.assert_allclose(np.hypot(parts["px"], parts["py"]), [10.0], rtol=1e-6)
    np.testing.assert_allclose(np.arctan2(parts["py"], parts["px"]), [-2.5 * PITCH], rtol=1e-6)
    values[0, 2, 6, 2] = 0.5
    with pytest.raises(DataError, match=r"even over squares of 5 x 5 pixels.*event 0.*'tower' to 1"):
        read_all(build(write(tmp_path / "a.parquet", values), tower=5))


def test_faint_pixels_are_summed_where_they_are_left_out(tmp_path: Path) -> None:
    values = np.zeros((1, 3, 10, 10))
    values[0, 1, 0, :3] = 0.2, 5.0, -0.1
    path = write(tmp_path / "a.parquet", values)
    events = read_all(build(path, threshold=1.0, negative=0.1))
    assert events.constituents.counts.tolist() == [1]
    np.testing.assert_allclose(events.field("dropped_energy"), [0.1], rtol=1e-6)
    with pytest.raises(DataError, match=r"'ecal' must be >= -0 GeV; got: -0.1, and 0 more.*event 0"):
        read_all(build(path))


def test_a_mass_to_be_found_is_not_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", images(), pt=[50.0] * 6, m0=[20.0] * 6)
    events = read_all(build(path, jet_mass=False))
    np.testing.assert_allclose(events.jets["energy"], events.jets["px"])
    assert events.field("m0").tolist() == [20.0] * 6
    assert "m0" not in read_all(build(path)).fields


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda v: v[:, :2], r"3 channels of 10 x 10 pixels; got: 2 where 3 must be.*event 0.*'channels'"),
        (lambda v: v[..., :9], r"3 channels of 10 x 10 pixels; got: 9 where 10 must be"),
        (lambda v: v[0].tolist(), "lists of lists of lists of numbers"),
        (lambda v: [*v[:4].tolist(), v[4, :2].tolist(), v[5].tolist()], "2 where 3 must be.*event 4"),
        (lambda v: [*v[:4].tolist(), None, v[5].tolist()], "got: nothing.*event 4"),
        (lambda v: np.where(v > 0, np.nan, v), "'track_pt' must be finite"),
        (lambda v: np.where(v > 0, np.inf, v), "'track_pt' must be finite"),
        (lambda v: v.astype(str), "must be a number"),
    ],
)
def test_other_images_are_refused(tmp_path: Path, change: Any, error: str) -> None:
    with pytest.raises(DataError, match=error):
        read_all(build(write(tmp_path / "a.parquet", change(images()))))


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for columns, error in (
        ({"y": [0, 1, 0.5, 1, 0, 1]}, r"'y' must be a whole number; got: 0.5.*event 2"),
        ({"pt": [1.0, np.nan] + [1.0] * 4}, r"'pt' must be finite and >= 0.*event 1"),
        ({"am": [1.0] * 5 + [np.inf]}, r"'am' must be finite.*event 5"),
        ({"am": [1.0] * 5 + [None]}, r"'am' must be a number for each jet; got: 1 nulls.*event 5"),
    ):
        with pytest.raises(DataError, match=error):
            read_all(build(write(path, images(), **columns)))
    with pytest.raises(DataError, match="column of images, X_jets or X_jet; got: only X"):
        read_all(build(write(path, images(), name="X")))
    with pytest.raises(DataError, match="X_jets and X_jet"):
        read_all(build(write(path, images(), X_jet=[1.0] * 6)))


def test_channels_must_make_sense(tmp_path: Path) -> None:
    for channels in (("ecal", "ecal"), ("unused",), ("d0", "ecal")):
        with pytest.raises(ConfigError, match="channels"):
            build(tmp_path / "a.parquet", channels=channels)
    with pytest.raises(ConfigError, match="tower must divide"):
        build(tmp_path / "a.parquet", tower=3)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    jets, path = toy_jets(30), tmp_path / "a.parquet"
    told = READERS.get("ml4sci_parquet", "test").write(
        path, iter([jets.take(np.arange(20)), jets.take(np.arange(20, 30))]), CLOUD
    )
    with pq.ParquetFile(path) as file:
        assert file.metadata.num_rows == 30
    again = read_all(build(path, rows=125, columns=125, channels=FIVE))
    np.testing.assert_allclose(image_of(again, 125), image_of(jets, 125), atol=2e-3)
    assert again.field("jet_label").tolist() == jets.field("jet_label").tolist()
    charged, lit = jets.constituents["charge"] != 0, again.constituents["pdg"] == 211
    hardest = [np.hypot(of["px"], of["py"])[:, None] * 1 for of in (jets.constituents, again.constituents)]
    first, second = np.argmax(hardest[0][:, 0] * charged), np.argmax(hardest[1][:, 0] * lit)
    np.testing.assert_allclose(again.constituents["d0"][second], jets.constituents["d0"][first], rtol=1e-5)
    lost = jets.constituents.rows - again.constituents.rows
    assert lost == sum(int(sentence.split()[0]) for sentence in told)


def test_nothing_to_write_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there must be jets to write"):
        READERS.get("ml4sci_parquet", "test").write(tmp_path / "a.parquet", iter([]), CLOUD)
    assert not list(tmp_path.iterdir())


def test_worker_processes_read_it_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", images(40), y=[0.0, 1.0] * 20)
    reader = build(path, validation=0.25, test=0.25, shard_events=10)
    dataset = build_dataset(reader, tmp_path / "jets", {}, workers=2)
    assert sum(len(events) for split in reader.splits() for events in dataset.read(split)) == 40
