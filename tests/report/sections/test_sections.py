from __future__ import annotations

import ast
import json
from dataclasses import asdict
from pathlib import Path

import pytest

import hitforge.report
from hitforge.metrics import METRICS, Predictions
from hitforge.report.page import write_report
from hitforge.report.parts import PARTS
from hitforge.report.results import RunResults
from hitforge.report.sections import SECTIONS, labels_of, sections_of
from tests.report.drawing import method, results, section
from tests.report.outside import install

OUTSIDE = """
from hitforge.core import config
from hitforge.metrics import Metric, Result, Value
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import new_figure, picture


class RingRadius(Metric):
    class Config(config.Config):
        pass

    def compute(self, predictions, seed):
        radius = predictions.columns["radius"]
        value = float(radius.mean())
        return Result({"radius": Value(value, value, value, "ring_radius v1: mean radius [mm]", len(radius))},
                      {"ring_radius.rows": {"radius": radius}})


class RingRadiusSection(Section):
    place = 155.0

    def headline(self, run):
        return Headline("rings", (("radius", "radius [cm]", 0.1),), "rings of light")

    def subsections(self, run):
        figure = new_figure(3, 2)
        figure.subplots().plot(run.methods[0].table("ring_radius.rows")["radius"])
        yield Subsection("rings", "Rings of light", [picture(figure, "Radii of rings", "")], self.place)
"""


def _measured(folder: Path, *names: str, columns: dict) -> Path:
    """A run folder with what metrics measured."""
    values, tables = {}, {}
    for name in names:
        result = METRICS.build(name, where="test").compute(Predictions(columns), 0)
        values |= {f"test.{key}": asdict(value) for key, value in result.values.items()}
        tables |= {key: {k: list(map(float, v)) for k, v in table.items()} for key, table in result.tables.items()}
    (folder / "metrics.json").write_text(json.dumps(values))
    (folder / "tables.json").write_text(json.dumps(tables))
    return folder


def test_a_metric_of_another_package_brings_its_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    site, folder = tmp_path / "site", tmp_path / "run"
    site.mkdir()
    folder.mkdir()
    entries = {"metrics": "ring_radius:RingRadius", "report.sections": "ring_radius:RingRadiusSection"}
    install(monkeypatch, site, "ringlight", OUTSIDE, entries, METRICS, SECTIONS)
    assert "ring_radius" in METRICS.names()
    columns = {"radius": np.array([20.0, 30.0])}
    text = write_report(_measured(folder, "ring_radius", columns=columns)).read_text(encoding="utf-8")
    assert '<section id="rings">' in text
    assert "<h2>Rings of light</h2>" in text
    assert 'alt="Radii of rings"' in text
    assert '<th scope="col">radius [cm]</th>' in text
    assert ">2.5</span>" in text  # in centimetres, at the top
    assert ">25</span>" in text  # as measured, in the table of all
    assert "Rings of light. Intervals are 68.3 %." in text


def test_the_section_is_gone_with_its_package() -> None:
    assert "ring_radius" not in SECTIONS.names()
    assert "ring_radius" not in METRICS.names()


def test_a_metric_without_section_stands_in_the_table_of_all_alone(tmp_path: Path) -> None:
    import numpy as np

    assert "event_means" not in SECTIONS.names()
    folder = _measured(tmp_path, "event_means", columns={"purity": np.linspace(0.2, 0.4, 50)})
    text = write_report(folder).read_text(encoding="utf-8")
    assert '<section id="metrics">' in text
    assert ">test.purity</a>" in text
    assert text.count("<section ") == 1


def test_each_section_has_the_name_of_a_metric() -> None:
    assert set(SECTIONS._files) <= set(METRICS.names())
    assert not set(PARTS.names()) & set(METRICS.names())


def test_sections_come_in_the_order_of_the_page_and_of_measured_metrics_alone() -> None:
    tables = {"tracking_efficiency.x.pt": {"low": [0]}, "roc": {"fpr": [0]}, "confusion": {"share": [1]}}
    value = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 5, "definition": "roc_auc v1: area"}
    one = method("a", tables)
    one.metrics["test.roc_auc"] = value
    run = results([one], recipe={"evaluation": {"metrics": [{"name": "trackml_score"}, "unheard_of"]}})
    assert [section.name for section in sections_of(run)] == [
        "roc_auc", "confusion", "tracking_efficiency", "trackml_score"
    ]  # fmt: skip
    assert labels_of(run) == {"roc_auc": "ROC AUC"}


def test_page_names_no_metric_and_no_kind() -> None:
    path = Path(hitforge.report.__file__).parent / "page.py"
    words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    from hitforge.objects import KINDS

    assert not words & {*METRICS.names(), *KINDS.names(), *SECTIONS.names()}


@pytest.mark.parametrize("name", [*SECTIONS._files, *PARTS._files])
def test_every_section_says_nothing_of_an_empty_run(name: str) -> None:
    run = RunResults(Path("none"))
    one = section(name)
    assert all(not [picture for picture in part.pictures if picture] for part in one.subsections(run))
    assert one.answer(run) is one.answer_picture(run) is None


def test_titles_stand_in_their_order() -> None:
    names = [*SECTIONS._files, *PARTS._files]
    parts = [part for name in names for part in section(name).subsections(RunResults(Path("none")))]
    assert [(part.key, part.title) for part in sorted(parts, key=lambda part: part.place)] == [
        ("resolution", "Energy resolution"),
        ("response", "Response and linearity"),
        ("errors", "Relative error"),
        ("position", "Position"),
        ("direction", "Direction"),
        ("predictions", "Predictions"),
        ("ratios", "Method over method"),
        ("roc", "ROC"),
        ("scores", "Scores"),
        ("calibration", "Calibration"),
        ("profiles", "Where it works"),
        ("class_roc", "ROC by class"),
        ("confusion", "Confusion"),
        ("tracks", "Efficiency, fakes and duplicates"),
        ("track_parameters", "Track parameters"),
        ("precision", "Average precision"),
        ("showers", "Efficiency, fakes, merged and split showers"),
        ("shower_response", "Energy of showers"),
        ("pairs", "Two showers"),
        ("shower_kinds", "Class of showers"),
        ("stages", "Time and memory"),
        ("events", "Events"),
        ("sample", "Sample"),
        ("tuning", "Tuning of the classical algorithms"),
        ("training", "Training"),
        ("graph", "Graph"),
        ("saliency", "Saliency"),
        ("saliency_space", "Saliency in depth"),
    ]
    assert len({part.place for part in parts}) == len(parts)


def test_a_note_stands_in_the_page_without_a_picture(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,train_loss\n0,0.25\n")
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert '<section id="training">' in text
    assert "was trained for one epoch: loss 0.25." in text
    assert "<figure" not in text


@pytest.mark.parametrize("name", [*SECTIONS._files, *PARTS._files])
def test_no_section_has_a_note_or_data_of_an_empty_run(name: str) -> None:
    for part in section(name).subsections(RunResults(Path("none"))):
        assert (part.note, part.data) == ("", ())
