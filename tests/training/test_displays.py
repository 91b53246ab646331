from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.events import Events
from hitforge.metrics import METRICS
from hitforge.objects import Kind
from hitforge.objects.track.kind import Track
from hitforge.training.displays import keep_events
from tests.report.tracker import TRACKS, found_tracks, helices


class Blind(Track):
    """A kind that wants to know what it is told."""

    status_metric = ""

    def keep_events(self, events, tables, statuses, folder):
        self.told = statuses


class Silent(Track):
    """A kind without display."""

    keep_events = Kind.keep_events


def test_settings_of_the_run_say_what_is_found(tmp_path: Path) -> None:
    events, _ = helices((12, 40))
    strict = METRICS.build({"name": "tracking_efficiency", "min_pt": 2.0}, where="test")
    for name, metrics in (("usual", ()), ("strict", (METRICS.build("trackml_score", where="test"), strict))):
        (tmp_path / name).mkdir()
        keep_events(TRACKS, events, found_tracks(events), tmp_path / name, metrics)
    usual, narrow = (np.load(tmp_path / name / "display_track.npz") for name in ("usual", "strict"))
    assert "pT > 1 GeV" in str(usual["definition"])
    assert "pT > 2 GeV" in str(narrow["definition"])
    assert (usual["particle_status"] == 0).sum() < (narrow["particle_status"] == 0).sum()


def test_without_truth_or_a_metric_nothing_is_judged(tmp_path: Path) -> None:
    events, detector = helices((12,))
    kind = Blind(Track.Config(), detector)
    keep_events(kind, events, found_tracks(events), tmp_path)
    assert kind.told is None
    kind.status_metric = "tracking_efficiency"
    keep_events(kind, Events({"hits": events.hits}), found_tracks(events), tmp_path)
    assert kind.told is None
    keep_events(kind, events, found_tracks(events), tmp_path)
    assert "pT > 1 GeV" in kind.told.definition


def test_a_kind_without_display_keeps_nothing(tmp_path: Path) -> None:
    events, detector = helices((12,))
    keep_events(Silent(Track.Config(), detector), events, found_tracks(events), tmp_path)
    assert list(tmp_path.iterdir()) == []
