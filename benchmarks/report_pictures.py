"""Pictures of a report: processor time of drawing them for the page, against matplotlib's own ``savefig``.

The same pictures of a run folder are made anew for both ways and become SVG in turn, in one process; only drawing is
timed, the median of some rounds counts. For comparison the last line says what the whole page takes, with the figures
themselves and the events to turn around.

    python benchmarks/report_pictures.py runs/demo --repeat 5
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from hitforge.report._svg import svg
from hitforge.report.page import write_report
from hitforge.report.parts import PARTS
from hitforge.report.results import RunResults, read_run
from hitforge.report.sections import sections_of
from hitforge.report.style import Picture, look


def saved(figure: Figure) -> str:
    """What a first version of a report does."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().decode()


def figures(run: RunResults) -> list[Figure]:
    """All pictures of the page, made anew."""
    found: list[Picture | None] = []
    for section in [*(PARTS.build(name, where="benchmark") for name in PARTS.usable()), *sections_of(run)]:
        found += [section.answer_picture(run), *(one for part in section.subsections(run) for one in part.pictures)]
    return [picture.figure for picture in found if picture is not None]


def seconds(draw: Callable[[Figure], str], run: RunResults) -> tuple[float, int]:
    """Processor time of drawing all pictures, and their size in bytes."""
    ready = figures(run)
    start = time.process_time()
    size = sum(len(draw(figure)) for figure in ready)
    return time.process_time() - start, size


def main() -> None:
    """Print both times, sizes, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--repeat", type=int, default=5)
    settings = parser.parse_args()
    run = read_run(settings.run)
    ways = {"page": svg, "savefig": saved}
    times: dict[str, list[float]] = {name: [] for name in ways}
    sizes = {}
    with look():
        for _ in range(settings.repeat + 1):
            for name, draw in ways.items():
                spent, sizes[name] = seconds(draw, run)
                times[name].append(spent)
    for name in ways:  # the first round warms up
        print(f"{name:8s} {statistics.median(times[name][1:]):6.2f} s  {sizes[name] / 1e6:.2f} MB")
    ratios = [slow / fast for fast, slow in zip(times["page"][1:], times["savefig"][1:], strict=True)]
    print(f"savefig / page: {statistics.median(ratios):.2f}")
    start = time.process_time()
    write_report(settings.run)
    print(f"whole page: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
