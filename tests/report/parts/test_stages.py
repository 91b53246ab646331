from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report.drawing import BARE, draw, method, results, texts_of

TIMES = {"network": {"median_ms": 5.0, "p90_ms": 6.0, "n": 3}, "fit": {"median_ms": 2.5, "p90_ms": 3.0, "n": 3}}


def test_stages_follow_each_other_and_memory_stands_beside() -> None:
    with_memory = replace(method("a"), stages={**TIMES, "peak_memory_mib": 512.0})
    (one,) = draw("stages", results([with_memory, method("no times")]))["stages"]
    left, right = one.axes
    network, fit = left.patches[:2]
    assert (network.get_x(), network.get_width()) == (0.0, 5.0)
    assert (fit.get_x(), fit.get_width()) == (5.0, 2.5)
    assert texts_of(left) == ["7.5 ms"]
    assert right.patches[0].get_width() == pytest.approx(0.5)  # [GiB]
    assert [label.get_text() for label in left.get_yticklabels()] == ["a"]
    assert one.alt.endswith("a 7.5 ms (network 5, fit 2.5), 0.5 GiB.")


def test_times_without_memory_and_no_times() -> None:
    assert len(draw("stages", results([replace(method("a"), stages=TIMES)]))["stages"][0].axes) == 1
    assert draw("stages", BARE) == {}
