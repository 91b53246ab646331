from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw


@pytest.fixture(scope="module")
def run(whole_run):
    return read_run(whole_run)


def _alone(run):
    """The run without its second sample."""
    return replace(
        run,
        sample={key: value for key, value in run.sample.items() if not key.startswith("reference_")},
        sample_arrays={key: value for key, value in run.sample_arrays.items() if not key.startswith("reference_")},
    )


def test_examples_means_and_distributions_with_and_without_a_second_sample(run) -> None:
    alone, both = draw("sample", _alone(run))["sample"], draw("sample", run)["sample"]
    names = [f"Example images, {name}" for name in ("energy", "time")]
    names += [f"Mean images by class and their difference, {name}" for name in ("energy", "time")]
    names.append("Distributions of event quantities by class")
    for pictures in (alone, both):
        assert [one.alt.partition(". ")[0] for one in pictures] == names
    lit = (run.sample_arrays["examples_photon"] != 0).any(axis=-1).sum(axis=(1, 2))
    assert f"photon, simulated: {', '.join(map(str, lit))}" in alone[0].alt
    assert f"photon, simulated: sum {run.sample_arrays['mean_photon'][..., 0].sum():.3g}" in alone[2].alt
    assert "measured" in both[-1].caption
    assert "measured" not in alone[-1].caption


def test_means_are_those_of_the_classes_and_the_last_is_their_difference(run) -> None:
    one = draw("sample", _alone(run))["sample"][2]
    photon, electron = (run.sample_arrays[f"mean_{name}"][:, :, 0] for name in ("photon", "electron"))
    images = [image.get_array() for axes in one.axes for image in axes.images]
    for image, wanted in zip(images, (photon, electron, electron - photon), strict=True):
        np.testing.assert_allclose(np.asarray(image), wanted, rtol=1e-6)
    assert [axes.get_title() for axes in one.axes[:3]] == ["photon", "electron", "electron − photon"]


def test_examples_hide_cells_that_hold_nothing(run) -> None:
    one = draw("sample", _alone(run))["sample"][0]
    first = one.axes[0].images[0].get_array()
    wanted = run.sample_arrays["examples_photon"][0]
    np.testing.assert_array_equal(np.ma.getmaskarray(first), (wanted == 0).all(axis=-1))


def test_distributions_are_shares_of_a_class(run) -> None:
    axes = draw("sample", _alone(run))["sample"][-1].axes[0]
    counts = np.array(run.sample["histograms"]["lit pixels"]["photon"])
    np.testing.assert_allclose(axes.patches[0].get_data().values, counts / counts.sum())


def test_no_sample_no_picture() -> None:
    assert draw("sample", BARE) == {}


def test_one_class_has_no_difference_and_no_empty_panel(run) -> None:
    arrays = {key: value for key, value in _alone(run).sample_arrays.items() if key.endswith("photon")}
    one = draw("sample", replace(_alone(run), sample_arrays=arrays))["sample"][2]
    assert len([axes for axes in one.figure.axes if axes.get_title()]) == 1
    assert all(axes.axison for axes in one.figure.axes)
    assert "difference" not in one.caption


def test_a_quantity_without_entries_has_no_panel(run) -> None:
    empty = {"edges": [0.0, 1.0, 2.0], "photon": [0, 0], "electron": [0, 0]}
    filled = {"edges": [0.0, 1.0, 2.0, 3.0], "photon": [0, 3, 0], "electron": [0, 5, 0], "unit": "GeV"}
    both = {**_alone(run).sample, "histograms": {"nothing": empty, "something": filled}}
    one = draw("sample", replace(_alone(run), sample=both))["sample"][-1]
    assert [axes.get_xlabel() for axes in one.axes] == ["something [GeV]"]
    assert one.axes[0].get_xlim() == (0.98, 2.02)  # where there are events
    assert "something, electron, simulated: mean 1.5" in one.alt


def test_images_are_cut_to_what_is_lit(run) -> None:
    arrays = {
        key: np.where(np.arange(32)[:, None, None] < 8, 0.0, value) for key, value in _alone(run).sample_arrays.items()
    }
    one = draw("sample", replace(_alone(run), sample_arrays=arrays))["sample"][0]
    assert one.axes[0].get_ylim()[0] == -9.5  # row 8 less one
    assert "Cut out are the cells" in one.caption
