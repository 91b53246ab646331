from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import LogNorm

from hitforge.report import figures_images as images
from hitforge.report.results import read_run
from hitforge.report.style import look


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
    sample = images.Sample("s", ("a",), ("energy", "log_energy"), ("50 GeV",))
    assert (sample.scale(0), sample.scale(1)) == ("energy [50 GeV]", "log energy")


def test_means_and_distributions_are_drawn_with_and_without_a_second_sample(samples):
    with look():
        alone, both = images.distributions(samples[:1]), images.distributions(samples)
        assert "measured" in both.caption
        assert "measured" not in alone.caption
        assert [one.alt for one in images.means(samples[:1])] == [
            f"Mean images by class and their difference, {name}" for name in ("energy", "time")
        ]


def test_examples_of_few_images_are_drawn(samples):
    sample = images.Sample("s", ("a",), ("energy",), examples={"a": samples[0].examples["photon"][:2, :, :, :1]})
    with look():
        assert len(images.examples([sample])) == 1


def test_saliency_is_drawn_for_each_channel_and_needs_all_maps(run, samples):
    maps = {name: array[:1] for name, array in run.saliency.items()}
    with look():
        assert len(images.saliency(maps, samples[0], "electron")) == 2
        assert images.saliency({"input": maps["input"]}, samples[0], "electron") == []
        assert images.saliency({}, None, "electron") == []


def test_colours_are_logarithmic_for_energies_only():
    energy = np.array([0.0, 0.1, 10.0])
    assert isinstance(images._scale(energy, "energy")[1], LogNorm)
    for values, name in ((energy, "log_energy"), (energy - 1.0, "time"), (0.0 * energy, "energy")):
        norm = images._scale(values, name)[1]
        assert not isinstance(norm, LogNorm)
        assert norm.vmin < norm.vmax


def test_white_means_zero_in_signed_colours():
    for scale in (images._signed, images._linear):
        colours, norm = scale(np.array([-3.0, 0.0, 1.0]))
        assert norm(0.0) == pytest.approx(0.5)
        assert min(colours(norm(0.0))[:3]) > 0.95
        scale(np.zeros(3))


def test_seed_cell_stands_at_the_origin():
    with look():
        axes = images.new_figure(2, 2).subplots()
        image = np.zeros((32, 31))
        shown = images._show(axes, image, *images._scale(image, "energy"))
    left, right, bottom, top = shown.get_extent()
    assert (left, right, bottom, top) == (-15.5, 15.5, -16.5, 15.5)
    assert 0.0 in axes.get_xticks()
    assert 0.0 in axes.get_yticks()
