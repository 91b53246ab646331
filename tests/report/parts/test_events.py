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
from tests.report.drawing import method, results, section
from tests.report.outside import install
from tests.report.tracking_run import LABELS, make_run

OUTSIDE = """
from hitforge.report.events import EventPictures
from hitforge.report.style import new_figure, picture


class RingPictures(EventPictures):
    def pictures(self, arrays):
        figure = new_figure(2, 2)
        figure.subplots().plot(arrays["radius"])
        return [picture(figure, f"{len(arrays['radius'])} rings", "")]

    def page(self, arrays, folder):
        path = folder / "rings.html"
        path.write_text("rings")
        return path

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
    assert part.links == ((LABELS[0], "tracks.html"), (LABELS[1], "baselines/kalman/tracks.html"))
    for _, path in part.links:
        assert "Plotly.newPlot" in (run.folder / path).read_text(encoding="utf-8")


def test_events_of_a_kind_that_nobody_draws_are_left_out() -> None:
    stored = replace(method("a"), displays={"ring": {"radius": np.ones(3)}})
    (part,) = section("events").subsections(results([stored]))
    assert (list(part.pictures), part.links) == ([], ())


def test_another_package_draws_the_events_of_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, folder = tmp_path / "site", tmp_path / "run"
    site.mkdir()
    folder.mkdir()
    install(monkeypatch, site, "ringevents", OUTSIDE, {"report.events": "ring:RingPictures"}, EVENTS)
    np.savez(folder / "display_ring.npz", radius=np.ones(4))
    text = write_report(folder).read_text(encoding="utf-8")
    assert 'alt="4 rings"' in text
    assert '<a href="rings.html">run</a>' in text
    assert pictures_for(object()).name == "ring"  # type: ignore[arg-type]
