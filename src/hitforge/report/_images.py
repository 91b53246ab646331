"""What pictures of images share: samples as a run keeps them, colours, panels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize, SymLogNorm
from matplotlib.ticker import FixedLocator, NullLocator

from hitforge.core.arrays import Array
from hitforge.report.results import RunResults
from hitforge.report.style import words

_CURVED = ("log", "sqrt", "lit")  # channels that are compressed already, and are drawn on a linear scale
MAX_EXAMPLES = 6


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


def height(shape: tuple[int, ...], width: float) -> float:
    """Height of a panel of square cells [inch], with room for its label where the image is much wider than high."""
    return max(width * shape[0] / shape[1], 1.4)


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
    axes.tick_params(labelsize=10, length=3)
