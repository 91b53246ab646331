"""Time of each stage and memory by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from matplotlib.axes import Axes

from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, class_colour, new_figure, picture, quiet, words


class StagesPart(Section):
    """What an event costs."""

    place: ClassVar[float] = 240.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("stages", "Time and memory", [_bars(run.methods)], self.place)


def _bars(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the median time of each stage, one after the other, and the largest memory of the process."""
    found = [(one, _times(one)) for one in methods if _times(one)]
    if not found:
        return None
    names = list(dict.fromkeys(name for _, times in found for name in times))
    memory = [one.stages.get("peak_memory_mib") for one, _ in found]
    figure = new_figure(12.0 if any(memory) else 8.5, 1.7 + 0.45 * len(found))
    widths = [2.6, 1.0] if any(memory) else [1.0]
    panels: list[Axes] = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0].tolist()
    left = panels[0]
    for row, (_, times) in enumerate(found):
        end = 0.0
        for name, time in times.items():
            colour = class_colour(names.index(name)) if len(names) <= 6 else _STAGE[names.index(name) % len(_STAGE)]
            left.barh(row, time, left=end, height=0.62, color=colour, edgecolor="white", linewidth=0.6)
            end += time
        left.annotate(f"{end:.3g} ms", (end, row), (5, 0), textcoords="offset points", va="center", fontsize=9)
    left.set_xlim(0, 1.16 * max(max(sum(times.values()) for _, times in found), 1e-9))
    left.set_xlabel("median time of an event, by stage [ms]")
    handles = [
        left.barh(0, 0, color=class_colour(i) if len(names) <= 6 else _STAGE[i % len(_STAGE)], label=words(name))
        for i, name in enumerate(names)
    ]
    if any(memory):
        right = panels[1]
        for row, size in enumerate(memory):
            if size:
                right.barh(row, size / 1024, height=0.62, color="#94a4a2")
                right.annotate(
                    f"{size / 1024:.2g} GiB", (size / 1024, row), (5, 0), textcoords="offset points", va="center",
                    fontsize=9,
                )  # fmt: skip
        right.set_xlim(0, 1.35 * max(size or 0.0 for size in memory) / 1024)
        right.set_xlabel("peak memory of the process [GiB]")
        right.set_yticks(range(len(found)), [""] * len(found))
    left.set_yticks(range(len(found)), [words(one.label, 30) for one, _ in found])
    for axes in panels:
        axes.set_ylim(len(found) - 0.45, -0.55)
        axes.tick_params(axis="y", which="both", length=0)
        quiet(axes)
        axes.grid(False, axis="y")
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(names), 6), fontsize=9)
    return picture(
        figure,
        f"Time of each stage and memory by method. {'; '.join(map(_told, found))}.",
        "On the machine of the run. The number beside a bar is the sum of the medians. Memory is the largest that the "
        "process had held so far: a method that ran later in it stands no lower than those before.",
    )


_STAGE = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")


def _times(one: MethodResult) -> dict[str, float]:
    return {name: float(row["median_ms"]) for name, row in one.stages.items() if isinstance(row, dict)}


def _told(row: tuple[MethodResult, dict[str, float]]) -> str:
    one, times = row
    stages = ", ".join(f"{name} {time:.3g}" for name, time in times.items())
    memory = one.stages.get("peak_memory_mib")
    return f"{one.label} {sum(times.values()):.3g} ms ({stages})" + (f", {memory / 1024:.2g} GiB" if memory else "")
