"""Saliency in images: how much each pixel moves the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from hitforge.core.arrays import Array
from hitforge.report._images import (
    MAX_EXAMPLES,
    ImageSample,
    bare,
    linear_scale,
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
from hitforge.report.style import Picture, picture, words


class SaliencyPart(Section):
    """Input, gradient and integrated gradients of some events."""

    place: ClassVar[float] = 260.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a channel."""
        first = next(iter(samples_of(run)), None)
        block = run.recipe.get("representation")
        channels = (block.get("channels") if isinstance(block, dict) else None) or ()
        names = tuple(map(str, channels))
        frame = first or ImageSample("", run.classes, names, rows="Δη from the axis [pixels]", columns="Δφ [pixels]")
        maps = _all_maps(run.saliency, frame, run.signal)
        yield Subsection("saliency", "Saliency", maps, self.place)


def _all_maps(maps: Mapping[str, Array], sample: ImageSample, signal: str) -> list[Picture]:
    """Draw input, gradient and integrated gradients of some events, a picture a channel."""
    if not {"input", "gradient", "integrated"} <= maps.keys() or not len(maps["input"]):
        return []
    return [_maps(maps, sample, channel, signal) for channel in range(maps["input"].shape[-1])]


def _maps(maps: Mapping[str, Array], sample: ImageSample, channel: int, signal: str) -> Picture:
    count = min(len(maps["input"]), MAX_EXAMPLES)
    name = (sample.channels[channel] if channel < len(sample.channels) else f"channel {channel}").replace("_", " ")
    box, shape = lit_box([maps["input"][:count]], margin=2), maps["input"].shape[1:]
    size = tuple(part.stop - part.start for part in box)
    drawing = strip((size[0], size[1]), count, (1, 1, 1), (sample.rows, sample.columns), titles=True)
    kinds = (("input", "input"), ("gradient", "gradient"), ("integrated", "integrated\ngradients"))
    for line, (key, title) in enumerate(kinds):
        images = maps[key][:count]
        values = images[..., channel]
        colours, norm = {"gradient": linear_scale, "integrated": signed}.get(key, partial(scaled_colours, name=name))(
            values
        )
        for place, (axes, image) in enumerate(zip(drawing.grid[line], images, strict=True)):
            drawn = show(axes, lit(image, channel) if key == "input" else image[..., channel], colours, norm)
            show_box(axes, box, shape)
            bare(axes, key == "integrated", place == 0)
            if key == "input":
                axes.set_title(_event_title(maps, sample.classes, place).replace(", ", "\n"), fontsize=9, pad=3)
        drawing.caption(line, title, sample.scale(channel) if key == "input" else "towards " + words(signal, 16))
        drawing.colours(line, drawn)
    around = "" if size == shape[:2] else " Cut out are the cells that are lit in one of the events, and two around."
    return picture(
        drawing.figure,
        f"Saliency maps, {name}, of {count} events: {'; '.join(_told(maps, sample.classes, channel, count))}.",
        f"What moves the answer, channel {name}: red cells push the score towards {signal}, blue ones "
        "away. Top: the image as the network sees it. Middle: derivative of the output. Bottom: integrated "
        f"gradients from an empty image, which share out the whole answer among the cells.{around}",
    )


def _told(maps: Mapping[str, Array], classes: Sequence[str], channel: int, count: int) -> list[str]:
    """What the integrated gradients of each event sum to, in words."""
    sums = maps["integrated"][:count, ..., channel].sum(axis=(1, 2))
    titles = (_event_title(maps, classes, place) or f"event {place + 1}" for place in range(count))
    return [f"{title}, integrated gradients sum to {total:+.2g}" for title, total in zip(titles, sums, strict=True)]


def _event_title(maps: Mapping[str, Array], classes: Sequence[str], place: int) -> str:
    parts = []
    if place < len(maps.get("target", ())):
        target = int(maps["target"][place])
        parts.append(f"true {words(classes[target])}" if target < len(classes) else f"class {target}")
    if place < len(maps.get("score", ())):
        parts.append(f"score {float(maps['score'][place]):.2f}")
    return ", ".join(parts)
