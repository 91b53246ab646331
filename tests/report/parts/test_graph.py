from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.report.drawing import BARE, draw, flat, method, results

PT = {"low": [0.0, 1.0, 5.0], "high": [1.0, 5.0, 1e9], "particles": [0, 60, 20], "efficiency": [None, 0.98, 0.9],
      "ceiling": [None, 0.99, 0.95]}  # fmt: skip
ETA = {"low": [-1.0, 0.0], "high": [0.0, 1.0], "particles": [5, 5], "efficiency": [0.8, 0.7], "ceiling": [0.9, 0.85]}


@pytest.fixture
def run():
    quality = {"events": 40, "edges": 2100.4, "purity": 0.31, "pt": PT, "eta": ETA}
    return results([replace(method("graph"), graph=quality), method("Kalman filter")])


def test_edges_and_their_ceiling_where_there_are_particles(run) -> None:
    (one,) = draw("graph", run)["graph"]
    left, right = one.axes
    full, dashed = (patch.get_data() for patch in left.patches)
    np.testing.assert_allclose(full.values, [0.98, 0.9])
    np.testing.assert_allclose(dashed.values, [0.99, 0.95])
    np.testing.assert_allclose(full.edges, [1.0, 5.0, 7.5])  # the last bin has no end
    np.testing.assert_allclose(right.patches[0].get_data().values, [0.8, 0.7])
    (name,) = (flat(text.get_text()) for text in one.figure.legends[0].get_texts())
    assert name == "graph: 31 % of 2,100 edges true"
    assert one.caption.endswith("In the first 40 test events.")


def test_no_graph_no_picture() -> None:
    assert draw("graph", BARE) == {}


def test_a_variable_with_one_bin_has_no_panel(run) -> None:
    single = {name: values[1:2] for name, values in PT.items()}
    quality = {**run.methods[0].graph, "pt": single}
    (one,) = draw("graph", results([replace(run.methods[0], graph=quality)]))["graph"]
    (axes,) = one.axes
    assert axes.get_xlabel() == r"$\eta$"
    assert "Against pseudorapidity: graph 80 % at -1 to 0, 70 % at 0 to 1." in one.alt
    assert draw("graph", results([replace(run.methods[0], graph={**quality, "eta": {}})])) == {}


def test_numbers_along_momentum_do_not_crowd() -> None:
    low = [1.0, 2.0, 3.0, 5.0]
    table = {"low": low, "high": [*low[1:], 9.0], "particles": [9] * 4, "efficiency": [0.9] * 4, "ceiling": [1.0] * 4}
    quality = {"events": 40, "edges": 2100.4, "purity": 0.31, "pt": table, "eta": ETA}
    (one,) = draw("graph", results([replace(method("graph"), graph=quality)]))["graph"]
    one.figure.draw_without_rendering()
    axis = one.figure.axes[0].xaxis
    assert not any(text.get_text() for text in axis.get_ticklabels(minor=True))
    assert [text.get_text() for text in axis.get_ticklabels() if 1 <= text.get_position()[0] <= 9] == ["1", "2", "5"]
