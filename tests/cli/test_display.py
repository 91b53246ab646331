"""hitforge display."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hitforge.cli.display import _origin, _page, display
from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Dataset, Events, FieldInfo
from tests.cli.conftest import hitforge
from tests.drawn_showers import shower_events
from tests.held import index_of, loads_nothing


def test_an_event_is_drawn(dataset: Path, tmp_path: Path) -> None:
    for name in ("event.png", "event.html"):
        done = hitforge("display", dataset, "--event", 3, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert name in done.stdout
        assert (tmp_path / name).stat().st_size > 5000
    done = hitforge("display", dataset, "--event", 200, "--out", tmp_path / "x.png")
    assert done.returncode == 2
    assert "200 events, from 0 to 199" in done.stderr


@pytest.mark.parametrize(
    ("event", "first", "last"), [(0, 0, 3), (3, 0, 6), (199, 196, 199)], ids=["first", "middle", "last"]
)
def test_the_page_holds_the_events_before_and_after(
    dataset: Path, tmp_path: Path, event: int, first: int, last: int
) -> None:
    display(dataset, tmp_path / "event.html", event)
    text = (tmp_path / "event.html").read_text(encoding="utf-8")
    assert loads_nothing(text)
    assert len(text) < 1_000_000
    index = index_of(text)
    assert [one["name"] for one in index["events"]] == [f"event {number}" for number in range(first, last + 1)]
    assert index["first"] == event - first
    shown = index["events"][index["first"]]["methods"][0]
    assert shown["text"][0] == "From sample (test)."
    assert "GeV" in " ".join(shown["text"][1:])
    told = {name: values for name, _, values in index["parts"][shown["parts"][0]]["points"]["told"]}
    hits = Events.concatenate(list(Dataset(dataset).read("test"))).take(np.array([event])).hits
    assert sum(told["energy"]) == pytest.approx(hits["energy"].sum(), rel=0.01)  # it is this event, in whichever shard


@pytest.mark.parametrize(
    ("to", "event", "split", "told"),
    [
        ("event.jpg", 0, "test", "must end in .png or .html"),
        ("event.html", 200, "test", "from 0 to 199"),
        ("event.html", 0, "other", "must have events in the split 'other'"),
    ],
)
def test_what_cannot_be_drawn_is_told_and_writes_nothing(
    dataset: Path, tmp_path: Path, to: str, event: int, split: str, told: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=told):
        display(dataset, tmp_path / to, event, split)
    assert not list(tmp_path.iterdir())


POINTS = DETECTORS.build("point_cloud", where="test")


def _three() -> Events:
    """Three events of which the last has no hits."""
    hits = shower_events((2, 2), spots=20, noise=5).hits
    fields = {"file": np.array([0, 1, 1], np.int32), "event": np.array([4, 0, 1])}
    info = {name: FieldInfo("int32", "", "") for name in fields}
    return Events({"hits": Collection.from_counts([*hits.counts, 0], hits.columns)}, fields, info)


def _sample(*files: str) -> Any:
    return SimpleNamespace(path=Path("my_sample"), index={"files": list(files)})


def test_neighbours_without_hits_are_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = _three()
    _page(_sample(), "test", 6, 5, events, POINTS, tmp_path / "event.html")
    index = index_of((tmp_path / "event.html").read_text(encoding="utf-8"))
    assert [one["name"] for one in index["events"]] == ["event 5", "event 6"]
    assert index["first"] == 1
    assert "events without hits are left out: 7" in capsys.readouterr().out
    with pytest.raises(DataError, match="must have hits"):
        _page(_sample(), "test", 7, 5, events, POINTS, tmp_path / "other.html")
    assert not (tmp_path / "other.html").exists()


def test_the_file_is_named_where_it_is_known() -> None:
    events = _three()
    assert _origin(_sample("a.root", "/far/b.root"), "train", events, 2) == "my_sample (train), event 1 of b.root"
    assert _origin(_sample(), "train", events, 0) == "my_sample (train)"
    assert _origin(_sample("a.root"), "train", Events({"hits": events.hits}), 0) == "my_sample (train)"


def test_a_picture_names_the_event(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    class Kind:
        def event_picture(self, events: Events, index: int, detector: Any, path: Path, name: str) -> None:
            names.append(name)

    monkeypatch.setattr("hitforge.report.events.pictures_for", lambda detector: Kind())
    display(dataset, tmp_path / "event.png", 150)
    assert names == ["event 150 of sample (test)"]
