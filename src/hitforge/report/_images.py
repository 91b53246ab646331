"""What pictures of images share: samples as a run keeps them, colours, panels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from hitforge.core.arrays import Array
from hitforge.report.results import RunResults
from hitforge.report.style import new_figure, words

_CURVED = ("log", "sqrt", "lit")  # channels that are compressed already, and are drawn on a linear scale
MAX_EXAMPLES = 6
_PAGE = 10.4  # width of a page [inch]
_CAPTION = 0.62  # height of a caption of three lines [inches]
_TALLEST = 1.7  # height of an image in a strip [inch]


@dataclass(frozen=True)
class ImageSample:
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


def samples_of(run: RunResults) -> list[ImageSample]:
    """Return the sample of a run, and the one that it is set beside; empty where a run has none."""
    names = {"units": _units(run), **run.sample}
    both = (read_sample(names, run.sample_arrays, prefix) for prefix in ("", "reference_"))
    return [sample for sample in both if sample is not None]


def _units(run: RunResults) -> list[str]:
    """What each channel of the images is measured in, from the scales that the representation was given."""
    block = run.recipe.get("representation")
    scales = block if isinstance(block, dict) else {}
    result = []
    for channel in map(str, run.sample.get("channels", ())):
        kind = "energy" if channel == "energy" else "time" if channel in ("time", "gated_time") else ""
        scale, unit = scales.get(f"{kind}_scale", 1.0), {"energy": "GeV", "time": "ns"}.get(kind, "")
        result.append(unit if scale == 1.0 or not unit else f"{scale:g} {unit}")
    return result


def read_sample(names: Mapping[str, Any], arrays: Mapping[str, Array], prefix: str = "") -> ImageSample | None:
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
    return ImageSample(
        label,
        classes,
        channels,
        tuple(map(str, get("units", ()))),
        means=means,
        examples=examples,
        histograms=histograms,
        **axes,
    )


@dataclass(frozen=True)
class Strip:
    """Lines of images that fill the page's width, with a caption on the left of each and colour bars on the right.

    Attributes:
        figure: The whole.
        grid: Panels of each line.
        bars: Panels of the colour bars, one for each group of lines.
    """

    figure: Figure
    grid: list[list[Axes]]
    bars: list[Axes]

    def caption(self, line: int, title: str, text: str = "") -> None:
        """Write a caption left of a line: a title, and smaller text below it."""
        box = self.grid[line][0].get_position()
        place: dict[str, Any] = {"ha": "left", "transform": self.figure.transFigure}
        half = 0.02 / self.figure.get_figheight()
        middle = 0.5 * (box.y0 + box.y1)
        left = 0.06 / self.figure.get_figwidth()
        self.figure.text(left, middle + half, title, va="bottom" if text else "center", fontsize=10.5, **place)
        if text:
            self.figure.text(left, middle - half, text, va="top", fontsize=8.5, color="#5b6575", **place)

    def colours(self, group: int, drawn: Any) -> None:
        """Draw the colour bar of a group."""
        bar = self.bars[group]
        self.figure.colorbar(drawn, cax=bar)
        bar.tick_params(labelsize=8.5, length=3)
        bar.minorticks_off()
        if isinstance(drawn.norm, SymLogNorm):
            size = 10.0 ** math.floor(math.log10(float(drawn.norm.vmax or 1.0)))
            bar.yaxis.set_major_locator(FixedLocator([-size, 0.0, size]))
        elif isinstance(drawn.norm, LogNorm):
            bar.yaxis.set_major_locator(LogLocator(numticks=4))
        else:
            bar.yaxis.set_major_locator(MaxNLocator(3))


def strip(shape: tuple[int, int], columns: int, groups: Sequence[int], names: tuple[str, str], titles: bool) -> Strip:
    """Return a strip of images of one shape.

    Args:
        shape: Rows and columns of cells that are shown.
        columns: Images in a line.
        groups: Number of lines with the same colours, for each colour bar.
        names: Labels of the row and the column axis.
        titles: Whether the first line has titles, of two lines of text.
    """
    lines, left, right, bottom, gap = sum(groups), 1.75, 0.75, 0.45, 0.07
    top = 0.28 + (0.36 if titles else 0.0)
    wide = min((_PAGE - left - right - gap * (columns - 1)) / columns, _TALLEST * shape[1] / shape[0], 2.6)
    tall = wide * shape[0] / shape[1]
    apart = max(gap, _CAPTION - tall)  # between lines: flat images are lower than their captions
    width = left + right + columns * wide + gap * (columns - 1)
    total = top + bottom + lines * tall + apart * (lines - 1)
    figure = new_figure(width, total)
    figure.set_layout_engine("none")

    def panel(x: float, y: float, w: float, h: float) -> Axes:  # in inches from the upper left corner
        return figure.add_axes((x / width, 1.0 - (y + h) / total, w / width, h / total))

    down = [top + line * (tall + apart) for line in range(lines)]
    grid = [[panel(left + place * (wide + gap), y, wide, tall) for place in range(columns)] for y in down]
    first = [sum(groups[:place]) for place in range(len(groups))]
    bars = [
        panel(width - right + 0.08, down[begin], 0.11, count * tall + apart * (count - 1))
        for begin, count in zip(first, groups, strict=True)
    ]
    figure.text(left / width, 1.0 - 0.05 / total, f"↑ {names[0]}", ha="left", va="top", fontsize=9)
    figure.text(
        (left + 0.5 * (width - left - right)) / width,
        0.05 / total,
        f"→ {names[1]}",
        ha="center",
        va="bottom",
        fontsize=9,
    )
    return Strip(figure, grid, bars)


def lit_box(images: Sequence[Array], margin: int = 1) -> tuple[slice, slice]:
    """Return rows and columns that hold all cells that are not zero in some image, and a margin.

    Args:
        images: (k, rows, columns, channels) each, of one shape.
        margin: Cells around.
    """
    lit: Array = np.any([image.any(axis=-1) for stack in images for image in stack], axis=0)
    ends = []
    for size, axis in zip(lit.shape, (1, 0), strict=True):
        filled = np.flatnonzero(lit.any(axis=axis))
        ends.append(
            slice(max(filled[0] - margin, 0), min(filled[-1] + margin + 1, size)) if len(filled) else slice(0, size)
        )
    return ends[0], ends[1]


def show_box(axes: Axes, box: tuple[slice, slice], shape: tuple[int, ...]) -> None:
    """Show a box of cells of an image that was drawn by ``show``."""
    rows, columns = box
    bottom, left = -(shape[0] // 2) - 0.5, -(shape[1] // 2) - 0.5
    axes.set_aspect("auto")  # the panel has the shape of the box
    axes.set(xlim=(left + columns.start, left + columns.stop), ylim=(bottom + rows.start, bottom + rows.stop))


def show(axes: Axes, image: Array, colours: Colormap, norm: Normalize) -> Any:
    """Draw an image, rows upwards, the seed cell (rows // 2, columns // 2) at the origin."""
    rows, columns = image.shape
    left, bottom = -(columns // 2) - 0.5, -(rows // 2) - 0.5
    extent = (left, left + columns, bottom, bottom + rows)
    for axis, size in ((axes.xaxis, columns), (axes.yaxis, rows)):
        step = next((step for step in (1, 2, 5, 10, 20, 50) if size / step <= 5), 100)
        axis.set_major_locator(FixedLocator(list(range(-(size // 2 // step) * step, size // 2 + 1, step))))
        axis.set_minor_locator(NullLocator())
    return axes.imshow(image, origin="lower", cmap=colours, norm=norm, extent=extent)


def scaled_colours(values: Array, name: str, *, decades: float = 4.0) -> tuple[Colormap, Normalize]:
    """Logarithmic colours, dark for more, for a quantity that is never negative; signed ones otherwise."""
    if (values < 0).any():
        return linear_scale(values)
    colours = mpl.colormaps["viridis_r"].with_extremes(bad="white", under="white")
    lit = values[values > 0]
    top = float(lit.max(initial=0.0)) or 1.0
    if not len(lit) or name.startswith(_CURVED):
        return colours, Normalize(0.0, top)
    return colours, LogNorm(max(float(lit.min()), top * 10.0**-decades), top)


def signed(values: Array) -> tuple[Colormap, Normalize]:
    """Red for more, blue for less, white at zero; linear up to a power of ten near 1 to 10 % of the largest size."""
    size = float(np.nanmax(np.abs(values), initial=0.0))
    if not size:
        return mpl.colormaps["RdBu_r"], Normalize(-1.0, 1.0)
    linear_scale = 10.0 ** (math.floor(math.log10(size)) - 1)  # a whole power, so that ticks do not crowd about zero
    return mpl.colormaps["RdBu_r"], SymLogNorm(linear_scale, vmin=-size, vmax=size, base=10)


def linear_scale(values: Array) -> tuple[Colormap, Normalize]:
    """Red for more, blue for less, linear; the farthest 2 % of the non-zero cells share the end of the scale."""
    sizes = np.abs(values[values != 0])
    size = float(np.quantile(sizes, 0.98)) if sizes.size else 1.0
    return mpl.colormaps["RdBu_r"], Normalize(-size, size)


def lit(image: Array, channel: int) -> Array:
    """One channel of an image, with cells that are zero in all channels masked."""
    return np.ma.masked_array(image[..., channel], (image == 0).all(axis=-1))


def bare(axes: Axes, bottom: bool, left: bool) -> None:
    """Keep ticks on the outer panels of a grid only; each axis costs drawing time."""
    for axis, kept in ((axes.xaxis, bottom), (axes.yaxis, left)):
        axis.set_visible(kept)
    axes.tick_params(labelsize=8.5, length=3, pad=2.5)
