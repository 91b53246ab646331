"""Loss, validation scores and learning rate against the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from matplotlib.ticker import MaxNLocator

from hitforge.report._binned import legend, spelled
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection, labels_of
from hitforge.report.style import Picture, method_style, new_figure, picture, quiet, words


class TrainingPart(Section):
    """How the networks were trained."""

    place: ClassVar[float] = 254.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        names = labels_of(run)
        pictures, note = [_training(run.methods, names)], " ".join(_one_epoch(run.methods, names))
        yield Subsection("training", "Training", pictures, self.place, note=note)


_KNOWN = {"epoch", "train_loss", "validation_loss", "lr", "seconds", "wait_seconds"}


def _one_epoch(methods: Sequence[MethodResult], labels: Mapping[str, str]) -> list[str]:
    """What is known of networks that were trained for a single epoch: a point is no curve."""
    texts = []
    for one in methods:
        if len(one.history.get("epoch", ())) == 1:
            values = {name: float(column[0]) for name, column in one.history.items() if np.isfinite(column[0])}
            parts = [f"loss {values['train_loss']:.4g}"] if "train_loss" in values else []
            parts += [f"validation loss {values['validation_loss']:.4g}"] if "validation_loss" in values else []
            parts += [
                f"{spelled(_score_name(name, labels))} {value:.4g}"
                for name, value in values.items()
                if name not in _KNOWN
            ]
            texts.append(f"{one.label} was trained for one epoch: {', '.join(parts)}.")
    return texts


def _training(methods: Sequence[MethodResult], labels: Mapping[str, str]) -> Picture | None:
    """Draw loss, validation scores and learning rate against the epoch, of networks with two epochs or more."""
    trained = [(index, one) for index, one in enumerate(methods) if len(one.history.get("epoch", ())) > 1]
    if not trained:
        return None
    scores = list(dict.fromkeys(name for _, one in trained for name in one.history if name not in _KNOWN))[:2]
    panels = ["loss", *scores, "lr"]
    columns = {panel: ("train_loss", "validation_loss") if panel == "loss" else (panel,) for panel in panels}
    panels = [panel for panel in panels if any(_has(one, name) for _, one in trained for name in columns[panel])]
    if not panels:
        return None
    figure = new_figure(max(3.15 * len(panels), 5.0), 3.5)
    for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        for index, one in trained:
            style = method_style(index)
            epoch = one.history["epoch"]
            marker = "o" if len(epoch) < 3 else None
            if panel == "loss":
                for name, line, fade in (("train_loss", ":", 0.75), ("validation_loss", "-", 1.0)):
                    if _has(one, name):
                        axes.plot(
                            epoch, one.history[name], color=style["color"], linestyle=line, alpha=fade, marker=marker
                        )
            elif _has(one, panel):
                axes.plot(epoch, one.history[panel], color=style["color"], marker=marker)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel({"loss": "loss", "lr": "learning rate"}.get(panel, _score_name(panel, labels)))
        if panel == "loss":
            for label, line in (("training", ":"), ("validation", "-")):
                axes.plot([], [], color="#555555", linestyle=line, label=label)
        elif panel == "lr":
            axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        quiet(axes)
    for index, one in trained:
        figure.axes[0].plot([], [], color=method_style(index)["color"], label=words(one.label, 34))
    legend(figure)
    return picture(
        figure,
        f"Loss, validation scores and learning rate by epoch. {'; '.join(_told(one) for _, one in trained)}.",
        "Dotted: training sample, with augmentation where the recipe asks for it. Full: validation sample. "
        "The weights of the best epoch are the ones that are tested.",
    )


def _has(one: MethodResult, column: str) -> bool:
    return column in one.history and bool(np.isfinite(one.history[column]).any())


def _told(one: MethodResult) -> str:
    """The ends of a training in words."""
    epochs, losses = len(one.history["epoch"]), one.history.get("validation_loss")
    text = f"{one.label}, {epochs} epochs"
    if losses is not None and np.isfinite(losses).any():
        text += f": validation loss {losses[0]:.4g} at first, {losses[-1]:.4g} at last, {np.nanmin(losses):.4g} at best"
    return text


def _score_name(column: str, labels: Mapping[str, str]) -> str:
    plain = column.removeprefix("validation_").removeprefix("validation.")
    return f"validation {labels.get(plain, plain.replace('_', ' '))}"
