"""Images: examples, means, their differences, distributions of the sample, and saliency maps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize, SymLogNorm
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from hitforge.report.style import Picture, class_colour, new_figure, picture, quiet, words

Array = NDArray[Any]
_CURVED = ("log", "sqrt", "lit")  # channels that are compressed already, and are drawn on a linear scale
_MOST_EXAMPLES = 6


@dataclass(frozen=True)
class Sample:
    """One sample as a report shows it.

    Attributes:
        label: Such as ``simulated``.
        classes: Names of the classes, in their order.
        channels: Names of the channels.
        units: What each channel is measured in, such as ``ns`` or ``50 GeV``; empty where it has none.
        rows: Label of the row axis.
        columns: Label of the column axis.
        means: Class -> (rows, columns, channels).
        examples: Class -> (k, rows, columns, channels).
        histograms: Quantity -> {"edges": [], class: [], "unit": "..."}.
    """

    label: str
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    units: tuple[str, ...] = ()
    rows: str = r"$\eta - \eta_\mathrm{seed}$ [crystals]"
    columns: str = r"$\phi - \phi_\mathrm{seed}$ [crystals]"
    means: dict[str, Array] = field(default_factory=dict)
    examples: dict[str, Array] = field(default_factory=dict)
    histograms: dict[str, dict[str, Any]] = field(default_factory=dict)

    def scale(self, channel: int) -> str:
        """Return name and unit of a channel, for a colour bar."""
        unit = self.units[channel] if channel < len(self.units) else ""
        return words(self.channels[channel].replace("_", " ")) + (f" [{words(unit)}]" if unit else "")


def read_sample(names: Mapping[str, Any], arrays: Mapping[str, Array], prefix: str = "") -> Sample | None:
    """Make a sample out of ``sample.json`` and ``sample.npz``.

    Args:
        names: ``label``, ``classes``, ``channels``, ``units``, ``row_label``, ``column_label``, ``histograms``, each
            with the prefix; what the second sample does not say is as in the first.
        arrays: ``<prefix>mean_<class>`` and ``<prefix>examples_<class>``.
        prefix: ``reference_`` for the second sample.

    Returns:
        The sample, or None if there is none.
    """

    def get(key: str, default: Any) -> Any:
        return names.get(prefix + key, names.get(key, default))

    classes = tuple(map(str, get("classes", ())))
    means = {name: arrays[f"{prefix}mean_{name}"] for name in classes if f"{prefix}mean_{name}" in arrays}
    examples = {name: arrays[f"{prefix}examples_{name}"] for name in classes if f"{prefix}examples_{name}" in arrays}
    histograms = dict(names.get(f"{prefix}histograms", {}))
    if not (means or examples or histograms):
        return None
    shape = next((array.shape for array in [*means.values(), *examples.values()]), (0,))
    channels = tuple(map(str, get("channels", ())))[: shape[-1]]
    channels += tuple(f"channel {index}" for index in range(len(channels), shape[-1]))
    label = str(names.get(f"{prefix}label", "second sample" if prefix else "sample"))
    labels = {"rows": get("row_label", ""), "columns": get("column_label", "")}
    axes = {key: words(label) for key, label in labels.items() if label}
    return Sample(
        label,
        classes,
        channels,
        tuple(map(str, get("units", ()))),
        means=means,
        examples=examples,
        histograms=histograms,
        **axes,
    )


def examples(samples: Sequence[Sample]) -> list[Picture]:
    """Draw example images of each class, a picture a channel."""
    first = next((sample for sample in samples if sample.examples), None)
    if first is None:
        return []
    return [_examples([sample for sample in samples if name in sample.channels], name) for name in first.channels]


def _examples(samples: Sequence[Sample], name: str) -> Picture:
    rows = [(sample, kind) for sample in samples for kind in sample.classes if kind in sample.examples]
    columns = min(_MOST_EXAMPLES, max(len(sample.examples[kind]) for sample, kind in rows))
    sample, kind = rows[0]
    height = _height(sample.examples[kind].shape[1:], 2.0)
    figure = new_figure(2.0 * columns + 1.0, (height + 0.05) * len(rows) + 0.5)
    grid = np.atleast_2d(figure.subplots(len(rows), columns, squeeze=False))
    shown: list[tuple[Colormap, Normalize]] = []
    for sample, _ in rows:  # one colour scale a sample: units may differ between samples
        channel = sample.channels.index(name)
        stack = [stack[:columns, :, :, channel].ravel() for stack in sample.examples.values()]
        shown.append(_scale(np.concatenate(stack), name))
    for line, (sample, kind) in enumerate(rows):
        colours, norm = shown[line]
        channel = sample.channels.index(name)
        for place, axes in enumerate(grid[line]):
            if place >= len(sample.examples[kind]):
                axes.set_axis_off()
                continue
            drawn = _show(axes, _lit(sample.examples[kind][place], channel), colours, norm)
            _bare(axes, line == len(rows) - 1, place == 0)
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


def means(samples: Sequence[Sample]) -> list[Picture]:
    """Draw the mean image of each class and the difference of the last and the first class, a picture a channel."""
    shown = [sample for sample in samples if sample.means]
    if not shown:
        return []
    return [_means([sample for sample in shown if name in sample.channels], name) for name in shown[0].channels]


def _means(rows: Sequence[Sample], name: str) -> Picture:
    columns = max(len(sample.means) for sample in rows) + 1
    shape = next(iter(rows[0].means.values())).shape
    figure = new_figure(3.9 * columns, (_height(shape, 2.3) + 0.65) * len(rows))
    grid = np.atleast_2d(figure.subplots(len(rows), columns, squeeze=False))
    for line, sample in zip(grid, rows, strict=True):
        channel = sample.channels.index(name)
        which = f", {words(sample.label)}" if len(rows) > 1 else ""
        images = {kind: sample.means[kind][:, :, channel] for kind in sample.classes if kind in sample.means}
        colours, norm = _scale(np.concatenate([image.ravel() for image in images.values()]), "mean", decades=4.5)
        for axes, (kind, image) in zip(line, images.items(), strict=False):
            drawn = _show(axes, image, colours, norm)
            axes.set_title(words(kind) + which)
            figure.colorbar(drawn, ax=axes, label="mean " + sample.scale(channel))
        for axes in line[len(images) :]:
            axes.set_axis_off()
        if len(images) >= 2:
            (low_name, low), *_, (high_name, high) = images.items()
            drawn = _show(line[-1], high - low, *_signed(high - low))
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


def distributions(samples: Sequence[Sample]) -> Picture | None:
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


def _distribution(axes: Axes, sample: Sample, histogram: Mapping[str, Any], *, points: bool, named: bool) -> None:
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


def saliency(maps: Mapping[str, Array], sample: Sample | None, signal: str) -> list[Picture]:
    """Draw input, gradient and integrated gradients of some events, a picture a channel."""
    if not {"input", "gradient", "integrated"} <= maps.keys() or not len(maps["input"]):
        return []
    frame = sample or Sample("", (), tuple(f"channel {index}" for index in range(maps["input"].shape[-1])))
    return [_saliency(maps, frame, channel, signal) for channel in range(maps["input"].shape[-1])]


def _saliency(maps: Mapping[str, Array], sample: Sample, channel: int, signal: str) -> Picture:
    count = min(len(maps["input"]), _MOST_EXAMPLES)
    name = sample.channels[channel] if channel < len(sample.channels) else f"channel {channel}"
    figure = new_figure(2.35 * count + 1.2, 3 * _height(maps["input"].shape[1:], 2.1) + 0.7)
    grid = np.atleast_2d(figure.subplots(3, count, squeeze=False))
    kinds = (("input", "input"), ("gradient", "gradient"), ("integrated", "integrated\ngradients"))
    for line, (key, title) in zip(grid, kinds, strict=True):
        images = maps[key][:count]
        values = images[..., channel]
        colours, norm = {"gradient": _linear, "integrated": _signed}.get(key, partial(_scale, name=name))(values)
        for place, (axes, image) in enumerate(zip(line, images, strict=True)):
            drawn = _show(axes, _lit(image, channel) if key == "input" else image[..., channel], colours, norm)
            _bare(axes, key == "integrated", place == 0)
            if key == "input":
                axes.set_title(_event_title(maps, sample.classes, place), fontsize=10)
        line[0].set_ylabel(f"{title}\n{sample.rows}", fontsize=11)
        label = sample.scale(channel) if key == "input" else "towards " + words(signal)
        figure.colorbar(drawn, ax=list(line), label=label, pad=0.01, fraction=0.03, aspect=16)
    for axes in grid[-1]:
        axes.set_xlabel(sample.columns, fontsize=11)
    return picture(
        figure,
        f"Saliency maps, {name}",
        f"What moves the answer, channel {name}: red cells push the score towards {signal}, blue ones "
        "away. Top: the image as the network sees it. Middle: derivative of the output. Bottom: integrated "
        "gradients from an empty image, which share out the whole answer among the cells.",
    )


def _event_title(maps: Mapping[str, Array], classes: Sequence[str], place: int) -> str:
    parts = []
    if place < len(maps.get("target", ())):
        target = int(maps["target"][place])
        parts.append(f"true {words(classes[target])}" if target < len(classes) else f"class {target}")
    if place < len(maps.get("score", ())):
        parts.append(f"score {float(maps['score'][place]):.2f}")
    return ", ".join(parts)


def _height(shape: tuple[int, ...], width: float) -> float:
    """Height of a panel of square cells [inch], with room for its label where the image is much wider than high."""
    return max(width * shape[0] / shape[1], 1.4)


def _show(axes: Axes, image: Array, colours: Colormap, norm: Normalize) -> Any:
    """Draw an image, rows upwards, the seed cell (rows // 2, columns // 2) at the origin."""
    rows, columns = image.shape
    left, bottom = -(columns // 2) - 0.5, -(rows // 2) - 0.5
    extent = (left, left + columns, bottom, bottom + rows)
    for axis, size in ((axes.xaxis, columns), (axes.yaxis, rows)):
        step = next((step for step in (1, 2, 5, 10, 20, 50) if size / step <= 5), 100)
        axis.set_major_locator(FixedLocator(list(range(-(size // 2 // step) * step, size // 2 + 1, step))))
        axis.set_minor_locator(NullLocator())
    return axes.imshow(image, origin="lower", cmap=colours, norm=norm, extent=extent)


def _scale(values: Array, name: str, *, decades: float = 4.0) -> tuple[Colormap, Normalize]:
    """Logarithmic colours, dark for more, for a quantity that is never negative; signed ones otherwise."""
    if (values < 0).any():
        return _linear(values)
    colours = mpl.colormaps["viridis_r"].with_extremes(bad="white", under="white")
    lit = values[values > 0]
    top = float(lit.max(initial=0.0)) or 1.0
    if not len(lit) or name.startswith(_CURVED):
        return colours, Normalize(0.0, top)
    return colours, LogNorm(max(float(lit.min()), top * 10.0**-decades), top)


def _signed(values: Array) -> tuple[Colormap, Normalize]:
    """Red for more, blue for less, white at zero; linear up to a power of ten near 1 to 10 % of the largest size."""
    size = float(np.nanmax(np.abs(values), initial=0.0))
    if not size:
        return mpl.colormaps["RdBu_r"], Normalize(-1.0, 1.0)
    linear = 10.0 ** (math.floor(math.log10(size)) - 1)  # a whole power, so that ticks do not crowd about zero
    return mpl.colormaps["RdBu_r"], SymLogNorm(linear, vmin=-size, vmax=size, base=10)


def _linear(values: Array) -> tuple[Colormap, Normalize]:
    """Red for more, blue for less, linear; the farthest 2 % of the non-zero cells share the end of the scale."""
    sizes = np.abs(values[values != 0])
    size = float(np.quantile(sizes, 0.98)) if sizes.size else 1.0
    return mpl.colormaps["RdBu_r"], Normalize(-size, size)


def _lit(image: Array, channel: int) -> Array:
    """One channel of an image, with cells that are zero in all channels masked."""
    return np.ma.masked_array(image[..., channel], (image == 0).all(axis=-1))


def _bare(axes: Axes, bottom: bool, left: bool) -> None:
    """Keep ticks on the outer panels of a grid only; each axis costs drawing time."""
    for axis, kept in ((axes.xaxis, bottom), (axes.yaxis, left)):
        axis.set_visible(kept)
    axes.tick_params(labelsize=10, length=3)
