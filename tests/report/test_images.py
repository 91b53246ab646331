from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import LogNorm, Normalize, SymLogNorm

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


def test_strips_have_no_white_space_between_images():
    with look():
        drawing = images.strip((8, 32), 4, (2, 1), ("up", "across"), titles=True)
    width, height_ = drawing.figure.get_size_inches()
    assert width < 10.41
    for line in drawing.grid:
        boxes = [axes.get_position() for axes in line]
        for box, other in itertools.pairwise(boxes):
            assert 0 < (other.x0 - box.x1) * width < 0.1
        assert boxes[0].height * height_ == pytest.approx(boxes[0].width * width / 4)  # cells are square
    below = [line[0].get_position() for line in drawing.grid]
    # flat images stand no closer than their captions of three lines
    assert all((upper.y0 - lower.y0) * height_ == pytest.approx(0.62) for upper, lower in itertools.pairwise(below))
    first, second = (bar.get_position() for bar in drawing.bars)
    assert (first.y0, first.y1) == pytest.approx((below[1].y0, below[0].y1))
    assert (second.y0, second.y1) == pytest.approx((below[2].y0, below[2].y1))
    drawing.caption(1, "electron", "energy")
    assert {text.get_text() for text in drawing.figure.texts} == {"↑ up", "→ across", "electron", "energy"}


@pytest.mark.parametrize("norm", [LogNorm(1e-3, 10.0), SymLogNorm(0.1, vmin=-3, vmax=3, base=10), Normalize(0, 1)])
def test_colour_bars_have_few_ticks(norm):
    with look():
        drawing = images.strip((4, 4), 1, (1,), ("up", "across"), titles=False)
        drawn = images.show(drawing.grid[0][0], np.ones((4, 4)), images.linear_scale(np.ones(1))[0], norm)
        drawing.colours(0, drawn)
        drawing.figure.canvas.draw()
    seen = [tick for tick in drawing.bars[0].get_yticks() if norm.vmin <= tick <= norm.vmax]
    assert 2 <= len(seen) <= 5


def test_the_lit_cells_of_all_images_are_cut_out():
    stack = np.zeros((2, 8, 32, 2))
    stack[0, 3, 10, 0], stack[1, 4, 20, 1] = 1.0, -1.0
    assert images.lit_box([stack], margin=1) == (slice(2, 6), slice(9, 22))
    assert images.lit_box([0 * stack]) == (slice(0, 8), slice(0, 32))
    assert images.lit_box([stack], margin=50) == (slice(0, 8), slice(0, 32))
    with look():
        axes = new_figure(2, 2).subplots()
        shown = images.show(axes, stack[0, :, :, 0], *images.scaled_colours(stack[0], "energy"))
        images.show_box(axes, (slice(2, 6), slice(9, 22)), (8, 32))
    left, _, bottom, _ = shown.get_extent()
    assert axes.get_xlim() == (left + 9, left + 22)
    assert axes.get_ylim() == (bottom + 2, bottom + 6)
