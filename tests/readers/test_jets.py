"""What readers of jets share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events.jets import jet_events
from hitforge.readers._jets import momenta, one_of, refuse_other_momenta

HERE = Path("a.root")


def test_momenta_from_pt_eta_and_phi() -> None:
    found = momenta(np.array([2.0]), np.array([1.5]), np.array([-0.7]))
    assert np.hypot(found["px"], found["py"])[0] == pytest.approx(2.0)
    assert np.arcsinh(found["pz"] / 2.0)[0] == pytest.approx(1.5)
    assert np.arctan2(found["py"], found["px"])[0] == pytest.approx(-0.7)


def test_the_flag_that_is_set_is_found() -> None:
    flags = {5: np.array([1, 0, 0]), 4: np.array([0, 1, 0])}
    assert one_of(flags, "they", HERE, 0).tolist() == [5, 4, 0]
    with pytest.raises(DataError, match=r"they must be 0 or 1.*\[1, 1\].*event 12"):
        one_of({5: np.array([0, 0, 1]), 4: np.array([0, 0, 1])}, "they", HERE, 10)
    with pytest.raises(DataError, match="event 11"):  # the third row is one of the second jet
        one_of({5: np.array([0, 0, 2])}, "they", HERE, 10, np.array([0, 2, 3]))


def test_a_few_jets_tell_no_unit() -> None:
    parts = {name: np.ones(19) for name in ("px", "py", "pz")} | {"energy": np.full(19, 2.0)}
    jets = {name: np.full(19, 1000.0) for name in ("px", "py", "pz", "energy")}
    refuse_other_momenta(jet_events(np.ones(19, int), parts, jets, {}), HERE, 0)
    more = [{name: np.tile(of, 2) for name, of in some.items()} for some in (parts, jets)]
    with pytest.raises(DataError, match=r"add up.*0.001 times"):
        refuse_other_momenta(jet_events(np.ones(38, int), *more, {}), HERE, 0)
