"""TensorBoard files hold each number once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.training._events import EventFile
from tests.training.engines import InterruptionError, fit, history, interrupt_at, make
from tests.training.synthetic import Blobs


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    """Steps and values of a scalar in the only file of a folder."""
    from tensorboard.compat.proto.event_pb2 import Event

    (path,) = folder.iterdir()
    content, found = path.read_bytes(), []
    while content:
        length = int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12 : 12 + length])
        found += [(event.step, value.simple_value) for value in event.summary.value if value.tag == name]
        content = content[16 + length :]
    return found


def test_what_is_known_is_written_first_and_other_files_stay(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    first = EventFile(folder)
    first.add(1, {"loss": 0.5})
    first.close()
    again = EventFile(folder, [(1, {"loss": 0.5, "auc": 0.75})])
    again.add(2, {"loss": 0.25})
    again.close()
    assert scalars(folder, "loss") == [(1, 0.5), (2, 0.25)]
    assert scalars(folder, "auc") == [(1, 0.75)]
    (folder / "events.out.tfevents.of.another").write_text("not ours")
    EventFile(folder).close()
    assert (folder / "events.out.tfevents.of.another").exists()


def test_events_hold_the_history_once(tmp_path: Path) -> None:
    train = Blobs()
    train.hook = interrupt_at(2, 0)
    with pytest.raises(InterruptionError):
        fit(make(tmp_path), train)
    fit(make(tmp_path))
    found = scalars(tmp_path / "events", "accuracy")
    expected = [(int(row["epoch"]), pytest.approx(float(row["accuracy"]))) for row in history(tmp_path)]
    assert found == expected
