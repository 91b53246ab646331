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
    assert (
        [one.alt for one in alone]
        == [one.alt for one in both]
        == [*names, "Distributions of event quantities by class"]
    )
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
