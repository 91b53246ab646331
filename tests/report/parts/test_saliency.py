from __future__ import annotations

from dataclasses import replace

import numpy as np

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw


def test_input_gradient_and_integrated_stand_below_each_other_a_picture_a_channel(whole_run) -> None:
    run = read_run(whole_run)
    pictures = draw("saliency", run)["saliency"]
    assert [one.alt.partition(" of ")[0] for one in pictures] == ["Saliency maps, energy,", "Saliency maps, time,"]
    total = run.saliency["integrated"][0, ..., 0].sum()
    assert f"true photon, score 0.21, integrated gradients sum to {total:+.2g}" in pictures[0].alt
    count = len(run.saliency["input"])
    for channel, one in enumerate(pictures):
        images = [np.ma.getdata(axes.images[0].get_array()) for axes in one.axes if axes.images]
        for row, key in enumerate(("input", "gradient", "integrated")):
            wanted = run.saliency[key][..., channel]
            np.testing.assert_allclose(images[row * count : (row + 1) * count], wanted)
    titles = [axes.get_title() for axes in pictures[0].axes[:count]]
    assert titles == [
        "true photon\nscore 0.21",
        "true photon\nscore 0.44",
        "true electron\nscore 0.93",
        "true electron\nscore 0.61",
    ]
    assert "towards electron" in pictures[0].caption


def test_all_maps_are_needed(whole_run) -> None:
    run = read_run(whole_run)
    assert draw("saliency", replace(run, saliency={"input": run.saliency["input"]})) == {}
    assert draw("saliency", BARE) == {}


def test_cells_that_are_never_lit_are_cut_off(whole_run) -> None:
    run = read_run(whole_run)
    cut = {name: np.where(np.arange(32)[:, None, None] < 8, 0.0, values) if values.ndim == 4 else values
           for name, values in run.saliency.items()}  # fmt: skip
    (one, _) = draw("saliency", replace(run, saliency=cut))["saliency"]
    assert one.axes[0].get_ylim() == (-10.5, 15.5)  # row 8 less two
    assert "Cut out are the cells that are lit" in one.caption
    assert "Cut out" not in draw("saliency", run)["saliency"][0].caption
