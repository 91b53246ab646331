"""Loss, validation scores and learning rate against the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from matplotlib.ticker import MaxNLocator

from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection, labels_of
from hitforge.report.style import Picture, method_style, new_figure, picture, quiet, words


class TrainingPart(Section):
    """How the networks were trained."""

    place: ClassVar[float] = 20.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("training", "Training", [_training(run.methods, labels_of(run))], self.place)


def _training(methods: Sequence[MethodResult], labels: Mapping[str, str]) -> Picture | None:
    """Draw loss, validation scores and learning rate against the epoch."""
    trained = [(index, one) for index, one in enumerate(methods) if len(one.history.get("epoch", []))]
    if not trained:
        return None
    known = {"epoch", "train_loss", "validation_loss", "lr", "seconds", "wait_seconds"}
    scores = list(dict.fromkeys(name for _, one in trained for name in one.history if name not in known))[:2]
    panels = ["loss", *scores, "lr"]
    figure = new_figure(4.0 * len(panels), 3.7)
    for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        for index, one in trained:
            style = method_style(index)
            epoch = one.history["epoch"]
            marker = "o" if len(epoch) < 3 else None
            if panel == "loss":
                for name, line, fade in (("train_loss", ":", 0.75), ("validation_loss", "-", 1.0)):
                    if name in one.history:
                        axes.plot(
                            epoch, one.history[name], color=style["color"], linestyle=line, alpha=fade, marker=marker
                        )
            elif panel in one.history:
                axes.plot(epoch, one.history[panel], color=style["color"], marker=marker, label=words(one.label))
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel({"loss": "loss", "lr": "learning rate"}.get(panel, _score_name(panel, labels)))
        if panel == "loss":
            axes.plot([], [], color="#555555", linestyle=":", label="training")
            axes.plot([], [], color="#555555", label="validation")
        elif panel == "lr":
            axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        quiet(axes)
        if panel in {"loss", *scores[:1]}:
            axes.legend()
    return picture(
        figure,
        "Loss, validation scores and learning rate by epoch",
        "Dotted: training sample, with augmentation where the recipe asks for it. Full: validation sample. "
        "The weights of the best epoch are the ones that are tested.",
    )


def _score_name(column: str, labels: Mapping[str, str]) -> str:
    plain = column.removeprefix("validation_").removeprefix("validation.")
    return f"validation {labels.get(plain, plain.replace('_', ' '))}"
