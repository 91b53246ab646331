from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import LogNorm

from hitforge.report import _images as images
from hitforge.report.results import RunResults, read_run
from hitforge.report.style import look, new_figure


@pytest.fixture(scope="module")
def run(whole_run):
    return read_run(whole_run)


@pytest.fixture(scope="module")
def samples(run):
    return [images.read_sample(run.sample, run.sample_arrays, prefix) for prefix in ("", "reference_")]


def test_second_sample_takes_over_what_it_does_not_say(samples):
    first, second = samples
    assert (first.label, second.label) == ("simulated", "measured")
    assert first.classes == second.classes == ("photon", "electron")
    assert (first.channels, second.channels) == (("energy", "time"), ("energy",))
    assert first.means["photon"].shape == (32, 32, 2)


def test_no_arrays_and_no_histograms_are_no_sample():
    assert images.read_sample({"classes": ["a"], "channels": ["energy"]}, {}) is None


def test_unnamed_channels_are_numbered():
    sample = images.read_sample({"classes": ["a"]}, {"mean_a": np.zeros((4, 4, 2))})
    assert sample.channels == ("channel 0", "channel 1")


def test_scale_names_channel_and_unit():
    sample = images.ImageSample("s", ("a",), ("energy", "log_energy"), ("50 GeV",))
    assert (sample.scale(0), sample.scale(1)) == ("energy [50 GeV]", "log energy")


def test_colours_are_logarithmic_for_energies_only():
    energy = np.array([0.0, 0.1, 10.0])
    assert isinstance(images.scaled_colours(energy, "energy")[1], LogNorm)
    for values, name in ((energy, "log_energy"), (energy - 1.0, "time"), (0.0 * energy, "energy")):
        norm = images.scaled_colours(values, name)[1]
        assert not isinstance(norm, LogNorm)
        assert norm.vmin < norm.vmax


def test_white_means_zero_in_signed_colours():
    for scale in (images.signed, images.linear_scale):
        colours, norm = scale(np.array([-3.0, 0.0, 1.0]))
        assert norm(0.0) == pytest.approx(0.5)
        assert min(colours(norm(0.0))[:3]) > 0.95
        scale(np.zeros(3))


def test_seed_cell_stands_at_the_origin():
    with look():
        axes = new_figure(2, 2).subplots()
        image = np.zeros((32, 31))
        shown = images.show(axes, image, *images.scaled_colours(image, "energy"))
    left, right, bottom, top = shown.get_extent()
    assert (left, right, bottom, top) == (-15.5, 15.5, -16.5, 15.5)
    assert 0.0 in axes.get_xticks()
    assert 0.0 in axes.get_yticks()


def test_unit_of_a_channel_comes_from_the_recipe(whole_run):
    recipe = {"representation": {"name": "image", "energy_scale": 50.0, "time_scale": 1.0}}
    names = {"channels": ["energy", "gated_time", "log_energy"], "classes": ["a"]}
    run = RunResults(whole_run, recipe=recipe, sample=names, sample_arrays={"mean_a": np.zeros((4, 4, 3))})
    (sample,) = images.samples_of(run)
    assert [sample.scale(channel) for channel in range(3)] == ["energy [50 GeV]", "gated time [ns]", "log energy"]
