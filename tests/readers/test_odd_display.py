from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._odd_display import is_display, read_display
from tests.readers.odd_files import display

HIT = {"x": 1.0, "y": 2.0, "z": 3.0, "HIT_ID": 1, "volume_id": 17, "pT": 1.0, "pdg_id": 13, "particle_id": 5}


@pytest.mark.parametrize("name", ["event.json", "event.json.gz"])
def test_momenta_point_to_the_hit_nearest_to_the_vertex(tmp_path: Path, name: str) -> None:
    path = display(tmp_path / name)
    assert is_display(path)
    event = read_display(path)
    assert event.number == 42
    assert event.tracker["hit_id"].tolist() == [9, 2, 4]
    found = event.particles
    assert found["particle_id"].tolist() == [5, 6, 8]
    np.testing.assert_allclose(found["px"], [0.0, 2.0, 0.6], atol=1e-12)
    np.testing.assert_allclose(found["py"], [2.0, 0.0, 0.8], atol=1e-12)  # its calorimeter hit is nearer
    np.testing.assert_allclose(found["pz"], [2.0, 0.0, 0.0], atol=1e-12)
    assert found["charge"].tolist() == [-1, -1, 0]
    np.testing.assert_allclose(found["vz"], 10.0)
    np.testing.assert_allclose(found["energy"][2], 1.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"all_tracker_hits": 3}, "'all_tracker_hits' must be a list of hits"),
        ({"all_tracker_hits": [{**HIT, "x": "1"}]}, "'x' of a hit in 'all_tracker_hits' must be a number"),
        ({"all_tracker_hits": [{**HIT, "particle_id": 5.5}]}, "'particle_id'.*must be a whole number; got: 5.5"),
        ({"all_tracker_hits": [{**HIT, "particle_id": True}]}, "'particle_id'.*must be a whole number"),
        ({"all_tracker_hits": [{**HIT, "particle_id": 2**70}]}, "'particle_id' must fit into 64 bits"),
        ({"all_tracker_hits": [{**HIT, "z": float("nan")}]}, "'z' of a hit must be finite"),
        ({"all_tracker_hits": [HIT, HIT]}, "each 'HIT_ID' must stand once; got: 1 again"),
        ({"all_tracker_hits": [HIT, {**HIT, "HIT_ID": 2, "pT": 3.0}]}, "one kind and one pT"),
        ({"all_tracker_hits": [HIT, {**HIT, "HIT_ID": 2, "pdg_id": 11}]}, "one kind and one pT"),
        ({"vertex": [0, 0]}, "'vertex' must be three numbers"),
        ({"vertex": [0, 0, 1e200]}, r"'vertex' must be three numbers up to 1e\+09 mm"),
        ({"all_tracker_hits": [{**HIT, "x": -1e200}]}, r"'x' of a hit must be up to 1e\+09 mm; got: 1e\+200"),
        ({"metadata": {"event_id": "4"}}, "'metadata.event_id' must be a whole number"),
    ],
)
def test_what_is_no_event_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_display(display(tmp_path / "event.json", calo_hits=[], **changed))


def test_other_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(DataError, match="must be an event with 'all_tracker_hits'"):
        read_display(tmp_path / "a.json")


def test_hits_of_the_calorimeter_under_another_key_are_not_lost(tmp_path: Path) -> None:
    path = display(tmp_path / "a.json")
    path.write_text(path.read_text().replace('"calo_hits"', '"all_calo_hits"'))
    with pytest.raises(DataError, match=r"must stand under 'calo_hits'; got: 'all_calo_hits'.*a\.json"):
        read_display(path)
