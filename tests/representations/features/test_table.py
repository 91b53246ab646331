"""Tables of named numbers: their names, and one vector an event."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.representations import REPRESENTATIONS, Prepared
from hitforge.representations.features._table import TableRepresentation, known_names
from hitforge.testing._samples import sample


def test_names_are_known_and_stand_once() -> None:
    assert known_names(("b", "a"), ("a", "b", "c")) == ("b", "a")
    with pytest.raises(ValueError, match="no feature 'widths': did you mean 'width'"):
        known_names(("widths",), ("width", "ptd"))
    with pytest.raises(ValueError, match="differ from each other"):
        known_names(("a", "a"), ("a", "b"))


def test_a_batch_is_rows_of_the_table() -> None:
    table = REPRESENTATIONS.build({"name": "jet_features", "names": ["pt", "ptd"]}, sample("jets")[0], where="test")
    assert isinstance(table, TableRepresentation)
    assert (table.shapes(), table.labels()) == ({"features": (2,)}, {"features": ["pt", "ptd"]})
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    batch = table.batch(Prepared(None, {"features": values}), np.array([3, 0]))
    np.testing.assert_array_equal(batch["features"], values[[3, 0]])
