"""Saliency in images: how much each pixel moves the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from hitforge.core.arrays import Array
from hitforge.report._images import (
    MAX_EXAMPLES,
    ImageSample,
    bare,
    height,
    linear_scale,
    lit,
    samples_of,
    scaled_colours,
    show,
    signed,
)
from hitforge.report.results import RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, new_figure, picture, words


class SaliencyPart(Section):
    """Input, gradient and integrated gradients of some events."""

    place: ClassVar[float] = 260.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a channel."""
        first = next(iter(samples_of(run)), None)
        yield Subsection("saliency", "Saliency", _all_maps(run.saliency, first, run.signal), self.place)


def _all_maps(maps: Mapping[str, Array], sample: ImageSample | None, signal: str) -> list[Picture]:
    """Draw input, gradient and integrated gradients of some events, a picture a channel."""
    if not {"input", "gradient", "integrated"} <= maps.keys() or not len(maps["input"]):
        return []
    frame = sample or ImageSample("", (), tuple(f"channel {index}" for index in range(maps["input"].shape[-1])))
    return [_maps(maps, frame, channel, signal) for channel in range(maps["input"].shape[-1])]


def _maps(maps: Mapping[str, Array], sample: ImageSample, channel: int, signal: str) -> Picture:
    count = min(len(maps["input"]), MAX_EXAMPLES)
    name = sample.channels[channel] if channel < len(sample.channels) else f"channel {channel}"
    figure = new_figure(2.35 * count + 1.2, 3 * height(maps["input"].shape[1:], 2.1) + 0.7)
    grid = np.atleast_2d(figure.subplots(3, count, squeeze=False))
    kinds = (("input", "input"), ("gradient", "gradient"), ("integrated", "integrated\ngradients"))
    for line, (key, title) in zip(grid, kinds, strict=True):
        images = maps[key][:count]
        values = images[..., channel]
        colours, norm = {"gradient": linear_scale, "integrated": signed}.get(key, partial(scaled_colours, name=name))(
            values
        )
        for place, (axes, image) in enumerate(zip(line, images, strict=True)):
            drawn = show(axes, lit(image, channel) if key == "input" else image[..., channel], colours, norm)
            bare(axes, key == "integrated", place == 0)
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
