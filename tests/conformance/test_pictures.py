"""What pictures show: numbers drawn are those measured, methods have one colour and their name, and nothing changes.

``pictures.json`` holds what the pages of four made-up runs draw. Where a picture is to change, look at it, then write
the file anew: python -m tests.conformance.test_pictures
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from hitforge.report._binned import tables_of
from hitforge.report.parts import PARTS
from hitforge.report.results import RunResults, read_run
from hitforge.report.sections import sections_of
from hitforge.report.style import look
from tests.report import conftest, shower_run, tracking_run
from tests.report.drawings import bars_of, figures_of, legend_of, numbers_of
from tests.report.regression_run import make_run as make_regression

RUNS = {
    "images": lambda folder: conftest.make_run(folder, events=800, per_class=16, shown=2),
    "energies": make_regression,
    "tracks": lambda folder: tracking_run.make_run(folder, 24),
    "showers": lambda folder: shower_run.make_run(folder, 40),
}
STORED = Path(__file__).with_name("pictures.json")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[Figure]]]:
    """Folder and figures of each run."""
    found = {}
    for name, make in RUNS.items():
        folder = tmp_path_factory.mktemp(name)
        make(folder)
        found[name] = folder, figures_of(folder)
    return found


def named(figures: list[Figure], **words: str) -> list[Figure]:
    """Figures of which the first panel has these words: ``title``, ``xlabel``, ``ylabel``."""
    return [f for f in figures if all(word in getattr(f.axes[0], f"get_{key}")() for key, word in words.items())]


def metrics(folder: Path) -> list[tuple[str, Any]]:
    """Name and metrics of each method."""
    return [(one.label, one) for one in read_run(folder).methods]


def test_legend_of_average_precision_names_each_method_in_the_colour_of_its_bars(drawn: Any) -> None:
    folder, figures = drawn["showers"]
    (figure,) = [f for f in named(figures, ylabel="average precision") if bars_of(f.axes[0])]
    legend = legend_of(figure)
    labels = [label.replace("$", r"\$") for label, _ in metrics(folder)]
    assert list(legend) == labels
    assert [axes.get_title() for axes in figure.axes] == ["all particles", "electromagnetic", "hadrons"]
    for axes, kind in zip(figure.axes, ("", "_electromagnetic", "_hadron"), strict=True):
        bars = bars_of(axes)
        assert {name: colour for name, (colour, _) in bars.items()} == legend
        assert [text.get_text() for text in axes.get_xticklabels()] == ["IoU 0.3", "IoU 0.5", "IoU 0.7"]
        for label, (_, one) in zip(labels, metrics(folder), strict=True):
            measured = [one.metric(f"ap_{threshold}{kind}") for threshold in (30, 50, 70)]
            assert bars[label][1] == pytest.approx([value["value"] for value in measured])
            (container,) = [c for c in axes.containers if c.get_label() == label and hasattr(c, "errorbar")]
            ends = [segment[:, 1].tolist() for segment in container.errorbar.lines[2][0].get_segments()]
            for (low, high), value in zip(ends, measured, strict=True):
                assert (low, high) == pytest.approx(
                    (min(value["low"], value["value"]), max(value["high"], value["value"]))
                )


def test_legend_of_precision_and_recall_says_each_class_its_own_area(drawn: Any) -> None:
    folder, figures = drawn["showers"]
    (figure,) = named(figures, xlabel="recall", ylabel="precision")
    for axes, kind in zip(figure.axes, ("", "_electromagnetic", "_hadron"), strict=True):
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        lines = {line.get_label(): line for line in axes.lines}
        for text, (label, one) in zip(texts, metrics(folder), strict=True):
            plain = label.replace("$", r"\$")
            assert text == f"{plain}: {100 * one.metric(f'ap_50{kind}')['value']:.1f} %"
            table = one.table(f"average_precision.curve_50{kind}")
            assert lines[text].get_xdata()[1:] == pytest.approx(table["recall"])
            assert lines[text].get_ydata()[1:] == pytest.approx(table["interpolated"])


@pytest.mark.parametrize("name", RUNS)
def test_one_method_has_one_colour_on_the_whole_page(drawn: Any, name: str) -> None:
    folder, figures = drawn[name]
    labels = [label.replace("$", r"\$") for label, _ in metrics(folder)]
    colours: dict[str, set[str]] = {label: set() for label in labels}
    for figure in figures:
        for text, colour in legend_of(figure).items():
            for label in labels:
                if text.replace("\n", " ").startswith(label):
                    colours[label].add(colour)
    assert all(len(found) == 1 for found in colours.values()), colours
    assert len(set.union(*colours.values())) == len(labels)


@pytest.mark.parametrize("name", RUNS)
def test_pictures_are_as_they_were(drawn: Any, name: str) -> None:
    """Words, colours, scales and numbers of everything drawn, whatever module draws it and in whatever order."""
    before, now = json.loads(STORED.read_text(encoding="utf-8"))[name], _sorted(drawn[name][1])
    assert [_head(one) for one in now] == [_head(one) for one in before]
    for old, new in zip(before, now, strict=True):
        assert {**new, "panels": len(new["panels"])} == {**old, "panels": len(old["panels"])}, _head(new)
        for panel, other in zip(old["panels"], new["panels"], strict=True):
            where = _head(new), other["title"], other["x"], other["y"]
            assert {**other, "drawn": 0} == {**panel, "drawn": 0}, where
            assert [thing[:3] for thing in other["drawn"]] == [thing[:3] for thing in panel["drawn"]], where
            for was, thing in zip(panel["drawn"], other["drawn"], strict=True):
                assert thing[3:] == pytest.approx(was[3:], rel=1e-3, abs=1e-4), (where, thing[:3])


VARIANTS = ("whole", "one method", "one row", "two rows", "no rows")


def _variant(run: RunResults, name: str) -> RunResults:
    """The run with one method alone, or with little in its tables."""
    if name == "one method":
        return replace(run, methods=run.methods[:1], comparisons=())
    if name == "whole":
        return run
    rows = {"one row": 1, "two rows": 2, "no rows": 0}[name]
    methods = [
        replace(
            one,
            tables={name: {key: values[:rows] for key, values in table.items()} for name, table in one.tables.items()},
            history={name: values[:rows] for name, values in one.history.items()},
        )
        for one in run.methods
    ]
    return replace(run, methods=tuple(methods))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", RUNS)
def test_no_panel_is_empty_and_no_legend(drawn: Any, name: str, variant: str) -> None:
    """Whatever a run lacks, what is drawn shows something, and every picture says its numbers in words."""
    run = _variant(read_run(drawn[name][0]), variant)
    sections = [*sections_of(run), *(PARTS.build(part, where="test") for part in PARTS.names() if part != "events")]
    with look():
        pictures = [one for section in sections for part in section.subsections(run) for one in part.pictures if one]
        pictures += [one for section in sections if (one := section.answer_picture(run))]
        for one in pictures:
            for axes in one.figure.axes:
                assert not axes.axison or _shows(axes), (one.alt, axes.get_xlabel(), axes.get_ylabel())
            inside = [legend for axes in one.figure.axes if (legend := axes.get_legend())]
            assert all(legend.get_texts() for legend in [*one.figure.legends, *inside]), one.alt
            assert any(letter.isdigit() for letter in one.alt), one.alt
            if variant in ("one row", "two rows"):
                one.figure.canvas.draw()  # axes without extent would warn
    for section in sections:
        for part in section.subsections(run):
            assert all(tables_of(run.methods, table) for table in part.data)
            assert "nan" not in part.note


def _shows(axes: Any) -> bool:
    lines = [line for line in axes.lines if line.get_transform() == axes.transData and len(line.get_xdata())]
    finite = any(np.isfinite(np.asarray(line.get_ydata(), float)).any() for line in lines)
    groups = any(len(group.get_offsets()) or len(group.get_paths()) for group in axes.collections)
    return bool(finite or groups or axes.images or axes.patches)


def _head(one: dict[str, Any]) -> str:
    panel = one["panels"][0]
    return " | ".join([panel["title"], panel["x"], panel["y"], *one["legend"], f"{len(one['panels'])} panels"])


def _sorted(figures: list[Figure]) -> list[dict[str, Any]]:
    rows = [json.loads(json.dumps(numbers_of(figure))) for figure in figures]
    return sorted(rows, key=lambda one: (_head(one), json.dumps(one["panels"], sort_keys=True)))


def _written() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with TemporaryDirectory() as root:
        for name, make in RUNS.items():
            make(Path(root) / name)
            yield name, _sorted(figures_of(Path(root) / name))


if __name__ == "__main__":
    lines = []
    for run, pictures in _written():
        lines.append(f'"{run}": [\n' + ",\n".join(json.dumps(one) for one in pictures) + "\n]")
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
