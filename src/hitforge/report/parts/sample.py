"""What the sample looks like: examples, means, their differences, distributions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize

from hitforge.report._images import (
    MAX_EXAMPLES,
    ImageSample,
    bare,
    height,
    lit,
    samples_of,
    scaled_colours,
    show,
    signed,
)
from hitforge.report.results import RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, class_colour, new_figure, picture, quiet, words


class SamplePart(Section):
    """Images by class, and distributions of event quantities."""

    place: ClassVar[float] = 10.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        samples = samples_of(run)
        pictures = [*_all_examples(samples), *_all_means(samples), _distributions(samples)]
        yield Subsection("sample", "Sample", pictures, self.place)


def _all_examples(samples: Sequence[ImageSample]) -> list[Picture]:
    """Draw example images of each class, a picture a channel."""
    first = next((sample for sample in samples if sample.examples), None)
    if first is None:
        return []
    return [_examples([sample for sample in samples if name in sample.channels], name) for name in first.channels]


def _examples(samples: Sequence[ImageSample], name: str) -> Picture:
    rows = [(sample, kind) for sample in samples for kind in sample.classes if kind in sample.examples]
    columns = min(MAX_EXAMPLES, max(len(sample.examples[kind]) for sample, kind in rows))
    sample, kind = rows[0]
    tall = height(sample.examples[kind].shape[1:], 2.0)
    figure = new_figure(2.0 * columns + 1.0, (tall + 0.05) * len(rows) + 0.5)
    grid = np.atleast_2d(figure.subplots(len(rows), columns, squeeze=False))
    shown: list[tuple[Colormap, Normalize]] = []
    for sample, _ in rows:  # one colour scale a sample: units may differ between samples
        channel = sample.channels.index(name)
        stack = [stack[:columns, :, :, channel].ravel() for stack in sample.examples.values()]
        shown.append(scaled_colours(np.concatenate(stack), name))
    for line, (sample, kind) in enumerate(rows):
        colours, norm = shown[line]
        channel = sample.channels.index(name)
        for place, axes in enumerate(grid[line]):
            if place >= len(sample.examples[kind]):
                axes.set_axis_off()
                continue
            drawn = show(axes, lit(sample.examples[kind][place], channel), colours, norm)
            bare(axes, line == len(rows) - 1, place == 0)
        title = f"{words(kind)}" + (f"\n{words(sample.label)}" if len(samples) > 1 else "")
        grid[line, 0].set_ylabel(title + "\n" + sample.rows, fontsize=11)
        figure.colorbar(drawn, ax=list(grid[line]), label=sample.scale(channel), pad=0.01, fraction=0.03, aspect=14)
    for axes in grid[-1]:
        axes.set_xlabel(rows[-1][0].columns, fontsize=11)
    return picture(
        figure,
        f"Example images, {name}",
        f"Examples, channel {name}: one event a panel, same colours within a sample; white cells hold nothing.",
    )


def _all_means(samples: Sequence[ImageSample]) -> list[Picture]:
    """Draw the mean image of each class and the difference of the last and the first class, a picture a channel."""
    shown = [sample for sample in samples if sample.means]
    if not shown:
        return []
    return [_means([sample for sample in shown if name in sample.channels], name) for name in shown[0].channels]


def _means(rows: Sequence[ImageSample], name: str) -> Picture:
    columns = max(len(sample.means) for sample in rows) + 1
    shape = next(iter(rows[0].means.values())).shape
    figure = new_figure(3.9 * columns, (height(shape, 2.3) + 0.65) * len(rows))
    grid = np.atleast_2d(figure.subplots(len(rows), columns, squeeze=False))
    for line, sample in zip(grid, rows, strict=True):
        channel = sample.channels.index(name)
        which = f", {words(sample.label)}" if len(rows) > 1 else ""
        images = {kind: sample.means[kind][:, :, channel] for kind in sample.classes if kind in sample.means}
        every = np.concatenate([image.ravel() for image in images.values()])
        colours, norm = scaled_colours(every, "mean", decades=4.5)
        for axes, (kind, image) in zip(line, images.items(), strict=False):
            drawn = show(axes, image, colours, norm)
            axes.set_title(words(kind) + which)
            figure.colorbar(drawn, ax=axes, label="mean " + sample.scale(channel))
        for axes in line[len(images) :]:
            axes.set_axis_off()
        if len(images) >= 2:
            (low_name, low), *_, (high_name, high) = images.items()
            drawn = show(line[-1], high - low, *signed(high - low))
            line[-1].set_axis_on()
            line[-1].set_title(f"{words(high_name)} − {words(low_name)}{which}")
            figure.colorbar(drawn, ax=line[-1], label="difference")
        for axes in line:
            axes.set(xlabel=sample.columns, ylabel=sample.rows)
    return picture(
        figure,
        f"Mean images by class and their difference, {name}",
        f"Mean image, channel {name}. Right: difference of the mean images, red where the second class has "
        "more; linear near zero, logarithmic beyond.",
    )


def _distributions(samples: Sequence[ImageSample]) -> Picture | None:
    """Draw the distribution of event quantities by class; the second sample as points."""
    quantities = list(dict.fromkeys(name for sample in samples for name in sample.histograms))
    if not quantities:
        return None
    columns = min(3, len(quantities))
    rows = math.ceil(len(quantities) / columns)
    figure = new_figure(4.1 * columns, 3.4 * rows)
    panels = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes, quantity in zip(panels, quantities, strict=False):
        for order, sample in enumerate(samples):
            histogram = sample.histograms.get(quantity)
            if histogram:
                unit = histogram.get("unit", "")
                axes.set_xlabel(words(histogram.get("label", quantity)) + (f" [{words(unit)}]" if unit else ""))
                _distribution(axes, sample, histogram, points=order > 0, named=len(samples) > 1)
        axes.set_ylabel("share of events")
        axes.set_ylim(0, axes.get_ylim()[1] * (1.3 if len(samples) == 1 else 1.55))
        quiet(axes)
        axes.legend(loc="upper right", fontsize=9, ncols=1)
    for axes in panels[len(quantities) :]:
        axes.set_axis_off()
    caption = "Each class is normalised to one."
    if len(samples) > 1:
        caption += f" Lines: {samples[0].label}. Points with square-root-of-N bars: {samples[1].label}."
    return picture(figure, "Distributions of event quantities by class", caption)


def _distribution(axes: Axes, sample: ImageSample, histogram: Mapping[str, Any], *, points: bool, named: bool) -> None:
    edges = np.asarray(histogram["edges"], np.float64)
    for index, kind in enumerate(sample.classes):
        counts = np.asarray(histogram.get(kind, ()), np.float64)
        if len(counts) != len(edges) - 1 or not counts.sum():
            continue
        share, colour = counts / counts.sum(), class_colour(index)
        label = words(kind) + (f", {words(sample.label)}" if named else "")
        if kind in histogram.get("median", {}):
            label += f", median {histogram['median'][kind]:.3g}"
        if points:
            filled = counts > 0
            axes.errorbar(
                (0.5 * (edges[1:] + edges[:-1]))[filled],
                share[filled],
                fmt="o" if index % 2 else "s",
                yerr=(np.sqrt(counts) / counts.sum())[filled],
                color=colour,
                markersize=4,
                linewidth=1.0,
                markerfacecolor="white",
                label=label,
            )
        else:
            axes.stairs(share, edges, color=colour, fill=True, alpha=0.15)
            axes.stairs(share, edges, color=colour, linewidth=1.6, label=label)
