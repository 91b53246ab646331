from __future__ import annotations

from dataclasses import replace

import numpy as np

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw


def test_input_gradient_and_integrated_stand_below_each_other_a_picture_a_channel(whole_run) -> None:
    run = read_run(whole_run)
    pictures = draw("saliency", run)["saliency"]
    assert [one.alt for one in pictures] == ["Saliency maps, energy", "Saliency maps, time"]
    count = len(run.saliency["input"])
    for channel, one in enumerate(pictures):
        images = [np.ma.getdata(axes.images[0].get_array()) for axes in one.axes if axes.images]
        for row, key in enumerate(("input", "gradient", "integrated")):
            wanted = run.saliency[key][..., channel]
            np.testing.assert_allclose(images[row * count : (row + 1) * count], wanted)
    titles = [axes.get_title() for axes in pictures[0].axes[:count]]
    assert titles == [
        "true photon, score 0.21",
        "true photon, score 0.44",
        "true electron, score 0.93",
        "true electron, score 0.61",
    ]
    assert "towards electron" in pictures[0].caption


def test_all_maps_are_needed(whole_run) -> None:
    run = read_run(whole_run)
    assert draw("saliency", replace(run, saliency={"input": run.saliency["input"]})) == {}
    assert draw("saliency", BARE) == {}
