"""What the sample looks like: examples, means, their differences, distributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes

from hitforge.core.arrays import Array
from hitforge.report._binned import grid_of
from hitforge.report._images import (
    MAX_EXAMPLES,
    ImageSample,
    bare,
    lit,
    lit_box,
    samples_of,
    scaled_colours,
    show,
    show_box,
    signed,
    strip,
)
from hitforge.report.results import RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, class_colour, new_figure, picture, quiet, words


class SamplePart(Section):
    """Images by class, and distributions of event quantities."""

    place: ClassVar[float] = 252.0

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
    shape, title = sample.examples[kind].shape[1:3], name.replace("_", " ")
    alike = all(stack.shape[1:3] == shape for sample in samples for stack in sample.examples.values())
    every = [stack[:columns] for sample in samples for stack in sample.examples.values()]
    box = lit_box(every) if alike else (slice(0, shape[0]), slice(0, shape[1]))
    size = box[0].stop - box[0].start, box[1].stop - box[1].start
    groups = [sum(kind in sample.examples for kind in sample.classes) for sample in samples]  # same colours in a sample
    drawing = strip(size, columns, groups, (sample.rows, sample.columns), titles=False)
    for line, (sample, kind) in enumerate(rows):
        channel, group = sample.channels.index(name), samples.index(sample)
        stack = [stack[:columns, :, :, channel].ravel() for stack in sample.examples.values()]
        colours, norm = scaled_colours(np.concatenate(stack), name)
        for place, axes in enumerate(drawing.grid[line]):
            if place >= len(sample.examples[kind]):
                axes.set_axis_off()
                continue
            drawn = show(axes, lit(sample.examples[kind][place], channel), colours, norm)
            if alike:
                show_box(axes, box, shape)
            bare(axes, line == len(rows) - 1, place == 0)
        label = words(kind) + (f", {words(sample.label)}" if len(samples) > 1 else "")
        drawing.caption(line, label if len(label) < 20 else label.replace(", ", "\n"), sample.scale(channel))
        drawing.colours(group, drawn)
    around = "" if size == shape else " Cut out are the cells that are lit in one of the events, and one around."
    cells = "; ".join(_lit_cells(sample, kind, columns) for sample, kind in rows)
    return picture(
        drawing.figure,
        f"Example images, {title}. Lit cells: {cells}.",
        f"Examples, channel {title}: one event a panel, same colours in a sample; white cells hold nothing.{around}",
    )


def _lit_cells(sample: ImageSample, kind: str, count: int) -> str:
    cells = (sample.examples[kind][:count] != 0).any(axis=-1).sum(axis=(1, 2))
    return f"{kind}, {sample.label}: {', '.join(map(str, cells))}"


def _all_means(samples: Sequence[ImageSample]) -> list[Picture]:
    """Draw the mean image of each class and the difference of the last and the first class, a picture a channel."""
    shown = [sample for sample in samples if sample.means]
    if not shown:
        return []
    return [_means([sample for sample in shown if name in sample.channels], name) for name in shown[0].channels]


def _means(rows: Sequence[ImageSample], name: str) -> Picture:
    columns = max(len(sample.means) + (len(sample.means) > 1) for sample in rows)
    shape, title = next(iter(rows[0].means.values())).shape, name.replace("_", " ")
    wide = min(10.4 / columns, 3.9)
    figure = new_figure(wide * columns, ((wide - 1.15) * shape[0] / shape[1] + 0.85) * len(rows))
    grid = np.atleast_2d(figure.subplots(len(rows), columns, squeeze=False))
    texts = []
    for line, sample in zip(grid, rows, strict=True):
        channel = sample.channels.index(name)
        which = f", {words(sample.label)}" if len(rows) > 1 else ""
        images = {kind: sample.means[kind][:, :, channel] for kind in sample.classes if kind in sample.means}
        every = np.concatenate([image.ravel() for image in images.values()])
        colours, norm = scaled_colours(every, "mean", decades=4.5)
        drawn = [(words(kind), image, colours, norm, sample.scale(channel)) for kind, image in images.items()]
        if len(images) >= 2:
            (low_name, low), *_, (high_name, high) = images.items()
            drawn.append((f"{words(high_name)} − {words(low_name)}", high - low, *signed(high - low), "difference"))
        for axes in line[len(drawn) :]:
            axes.set_axis_off()
        for axes, (label, image, colours, norm, scale) in zip(line, drawn, strict=False):
            shown = show(axes, image, colours, norm)
            axes.set_title(label + which, fontsize=10)
            bar = figure.colorbar(shown, ax=axes, aspect=14, pad=0.02)
            bar.set_label(scale, fontsize=9)
            bar.ax.tick_params(labelsize=8.5, length=3)
            axes.tick_params(labelsize=8.5)
            axes.set_xlabel(sample.columns, fontsize=9)
        line[0].set_ylabel(sample.rows, fontsize=9)
        texts += [f"{kind}, {sample.label}: {_brightest(image)}" for kind, image in images.items()]
    more = (
        " Right: difference of the mean images, red where the last class has more; linear near zero, then logarithmic."
    )
    return picture(
        figure,
        f"Mean images by class and their difference, {title}. {'; '.join(texts)}.",
        f"Mean image, channel {title}.{more if columns > 1 else ''}",
    )


def _brightest(image: Array) -> str:
    row, column = np.unravel_index(int(np.argmax(np.abs(image))), image.shape)
    place = f"{column - image.shape[1] // 2}, {row - image.shape[0] // 2}"
    return f"sum {image.sum():.3g}, largest {image[row, column]:.3g} in cell {place}"


def _distributions(samples: Sequence[ImageSample]) -> Picture | None:
    """Draw the distribution of event quantities by class; the second sample as points."""
    quantities = list(
        dict.fromkeys(name for sample in samples for name, one in sample.histograms.items() if _has_counts(sample, one))
    )
    if not quantities:
        return None
    figure, panels = grid_of(len(quantities), 3.3, 0.0)
    for axes, quantity in zip(panels, quantities, strict=True):
        for order, sample in enumerate(samples):
            histogram = sample.histograms.get(quantity)
            if histogram:
                unit = histogram.get("unit", "")
                axes.set_xlabel(words(histogram.get("label", quantity)) + (f" [{words(unit)}]" if unit else ""))
                _distribution(axes, sample, histogram, points=order > 0, named=len(samples) > 1)
        axes.set_xlim(*_filled([sample.histograms[quantity] for sample in samples if quantity in sample.histograms]))
        axes.set_ylabel("share of events")
        axes.set_ylim(0, axes.get_ylim()[1] * (1.3 if len(samples) == 1 else 1.55))
        quiet(axes)
        axes.legend(loc="upper right", fontsize=9, ncols=1)
    caption = "Each class is normalised to one."
    if len(samples) > 1:
        caption += f" Lines: {samples[0].label}. Points with square-root-of-N bars: {samples[1].label}."
    means = [
        f"{quantity}, {kind}, {sample.label}: mean {mean:.3g}"
        for quantity in quantities
        for sample in samples
        for kind in sample.classes
        if (mean := _mean(sample.histograms.get(quantity, {}), kind)) is not None
    ]
    return picture(figure, f"Distributions of event quantities by class. {'; '.join(means)}.", caption)


def _filled(histograms: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """From the first to the last bin with entries, of all classes."""
    ends: list[float] = []
    for one in histograms:
        edges = np.asarray(one["edges"], np.float64)
        for counts in (np.asarray(one[key]) for key in one if key not in ("edges", "unit", "label", "median")):
            lit = np.flatnonzero(counts) if len(counts) == len(edges) - 1 else np.zeros(0, int)
            ends += [edges[lit[0]], edges[lit[-1] + 1]] if len(lit) else []
    margin = 0.02 * (max(ends) - min(ends))
    return min(ends) - margin, max(ends) + margin


def _has_counts(sample: ImageSample, histogram: Mapping[str, Any]) -> bool:
    return any(_mean(histogram, kind) is not None for kind in sample.classes)


def _mean(histogram: Mapping[str, Any], kind: str) -> float | None:
    """Mean of a histogram of a class; None where it has no entries."""
    edges, counts = (np.asarray(histogram.get(key, ()), np.float64) for key in ("edges", kind))
    if not len(counts) or len(counts) != len(edges) - 1 or not counts.sum():
        return None
    return float(np.average(0.5 * (edges[1:] + edges[:-1]), weights=counts))


def _distribution(axes: Axes, sample: ImageSample, histogram: Mapping[str, Any], *, points: bool, named: bool) -> None:
    edges = np.asarray(histogram["edges"], np.float64)
    for index, kind in enumerate(sample.classes):
        counts = np.asarray(histogram.get(kind, ()), np.float64)
        if _mean(histogram, kind) is None:
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
