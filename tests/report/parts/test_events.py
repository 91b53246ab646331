from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hitforge.report.events import EVENTS, pictures_for
from hitforge.report.events._track_view import stored_events
from hitforge.report.page import write_report
from hitforge.report.parts.events import EventsPart
from hitforge.report.results import RunResults, read_run
from tests.held import index_of, loads_nothing
from tests.report.drawing import method, results, section
from tests.report.drawings import caught
from tests.report.outside import install
from tests.report.tracking_run import LABELS, make_run

OUTSIDE = """
from hitforge.report.events import EventPictures, Scene
from hitforge.report.style import new_figure, picture


class RingPictures(EventPictures):
    def pictures(self, arrays, detector):
        figure = new_figure(2, 2)
        figure.subplots().plot(arrays["radius"])
        return [picture(figure, f"{len(arrays['radius'])} rings", "")]

    def scenes(self, arrays, detector):
        hits = {"points": {"x": [1], "y": [1], "z": [1], "size": [20], "told": []}}
        return [Scene("event 0", f"{len(arrays['radius'])} rings", (), (hits,))]

    def suits(self, detector):
        return 3
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("tracks")))


def test_events_of_the_first_method_and_pages_of_all(run: RunResults) -> None:
    one = section("events")
    assert isinstance(one, EventsPart)
    (part,) = one.subsections(replace(run, methods=(run.methods[0], replace(run.methods[1], path="baselines/kalman"))))
    events = stored_events(run.methods[0].displays["track"])
    assert [picture.alt for picture in part.pictures] == [event.title for event in events]
    assert part.links == ()
    index = index_of(part.block)
    assert tuple(index["methods"]) == LABELS
    assert [f"{one['name']}: {one['methods'][0]['title']}" for one in index["events"]] == [one.title for one in events]
    assert any(one["methods"][1]["title"] != one["methods"][0]["title"] for one in index["events"])
    assert len(part.block) < 300_000


def test_the_report_holds_its_events_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    before = set(folder.rglob("*"))
    with caught():
        text = write_report(folder).read_text(encoding="utf-8")
    assert set(folder.rglob("*")) - before == {folder / "report.html"}
    assert loads_nothing(text)
    assert tuple(index_of(text)["methods"]) == LABELS


def test_the_outline_is_that_of_the_recipe_and_left_out_where_it_is_not_known(run: RunResults) -> None:
    parts = []
    for detector in ({"name": "silicon_barrel_endcap"}, {"name": "no such detector"}):
        (part,) = section("events").subsections(replace(run, recipe={"detector": detector}))
        index = index_of(part.block)
        names = index["events"][0]["methods"][0]["parts"]
        parts.append(any("outline" in index["parts"][name] for name in names))
    assert parts == [True, False]


def test_methods_that_do_not_fit_stand_in_a_page_that_is_named(
    run: RunResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = section("events").subsections(run)
    for most, held in ((len(whole.block) - 1, LABELS[:1]), (100, ())):
        monkeypatch.setattr("hitforge.report.parts.events._MOST", most)
        (part,) = section("events").subsections(run)
        assert (tuple(index_of(part.block)["methods"]) if held else part.block) == (held or "")
        ((label, address),) = part.links
        assert LABELS[1] in label
        assert "events.html beside this file: send both" in label
        assert tuple(index_of((run.folder / address).read_text(encoding="utf-8"))["methods"]) == LABELS


def test_events_of_a_kind_that_nobody_draws_are_left_out() -> None:
    stored = replace(method("a"), displays={"ring": {"radius": np.ones(3)}})
    (part,) = section("events").subsections(results([stored]))
    assert (list(part.pictures), part.links, part.block) == ([], (), "")


def test_another_package_draws_the_events_of_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, folder = tmp_path / "site", tmp_path / "run"
    site.mkdir()
    folder.mkdir()
    install(monkeypatch, site, "ringevents", OUTSIDE, {"report.events": "ring:RingPictures"}, EVENTS)
    np.savez(folder / "display_ring.npz", radius=np.ones(4))
    text = write_report(folder).read_text(encoding="utf-8")
    assert 'alt="4 rings"' in text
    assert index_of(text)["events"] == [{"name": "event 0", "methods": [index_of(text)["events"][0]["methods"][0]]}]
    assert index_of(text)["events"][0]["methods"][0]["title"] == "4 rings"
    assert pictures_for(object()).name == "ring"  # type: ignore[arg-type]
