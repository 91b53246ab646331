from __future__ import annotations

import base64
import csv
import html
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from hitforge.core.errors import RunError
from hitforge.report.numbers import measured
from hitforge.report.page import write_report
from hitforge.report.sections import Headline, Section
from tests.report.regression_run import make_run


class _Page(HTMLParser):
    """Collects tags, addresses, ids and text; complains about tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "action", "data", "srcset"}]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in {"meta", "img", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


@pytest.fixture(scope="module")
def page(whole_run):
    path = write_report(whole_run)
    assert path == whole_run / "report.html"
    return _Page(path.read_text(encoding="utf-8"))


def test_page_loads_nothing(page, whole_run):
    inside = ("#", "data:image/svg+xml;base64,", "data:text/csv;charset=utf-8;base64,")
    assert all(address.startswith(inside) for address in page.addresses)
    assert not {"script", "iframe", "link", "object"} & set(page.tags)
    assert not re.search(r"url\((?!#)|@import", (whole_run / "report.html").read_text(encoding="utf-8"))


def test_each_link_inside_has_its_target(page):
    targets = {address[1:] for address in page.addresses if address.startswith("#")}
    assert targets <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_all_sections_are_there(page):
    assert {
        "top",
        "sample",
        "training",
        "roc",
        "scores",
        "calibration",
        "profiles",
        "confusion",
        "saliency",
        "metrics",
        "comparisons",
        "provenance",
    } <= set(page.ids)


def test_sections_stand_in_their_order_under_their_titles(whole_run, page):
    text = (whole_run / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="\w+">\s*<h2>(.*?)</h2>', text) == [
        "ROC", "Scores", "Calibration", "Where it works", "Confusion", "Sample", "Training", "Saliency",
        "Metrics", "Paired tests", "Provenance",
    ]  # fmt: skip


def test_numbers_of_every_method_stand_in_the_page(page, whole_run):
    for folder in (".", "baselines/boosted_trees", "compare/vit"):
        values = json.loads((whole_run / folder / "metrics.json").read_text())
        for name, value in values.items():
            assert name in page.words
            assert measured(value) in page.words
            assert value["definition"] in page.words


def test_answer_tells_the_paired_difference(page, whole_run):
    words = " ".join(page.words.split())
    auc = json.loads((whole_run / "metrics.json").read_text())["test.roc_auc"]
    assert f"On 800 test events, residual network tells electron from photon with a ROC AUC of {measured(auc)}" in words
    first = json.loads((whole_run / "comparison.json").read_text())[0]["values"]["roc_auc_difference"]
    assert f"{measured(first)} above boosted trees" in words


def test_provenance_and_recipe_are_told(page):
    for part in (
        "0123abcd",
        "sha256:77aa",
        "40,000 train",
        "train 10.2 min",
        "271,234",
        "numpy\u00a02.4.6",
        "source: {name: particle_gun, events: 40000}",
        "hitforge run cnn.yaml",
    ):
        assert part in page.words


def test_data_of_a_section_are_one_file_of_all_methods(page, whole_run):
    text = (whole_run / "report.html").read_text(encoding="utf-8")
    addresses = dict(re.findall(r'<a href="data:text/csv;charset=utf-8;base64,([^"]*)" download="(\w+)\.csv">', text))
    files = {name: base64.b64decode(code).decode() for code, name in addresses.items()}
    assert {"roc", "scores", "calibration", "profiles", "confusion"} <= set(files)
    assert "sample" not in files
    rows = list(csv.DictReader(files["calibration"].splitlines()))
    assert {row["method"] for row in rows} == {"residual network", "boosted trees", "small vision transformer"}
    kept = json.loads((whole_run / "baselines/boosted_trees/tables.json").read_text())["calibration"]["observed"]
    drawn = [float(row["observed"]) for row in rows if row["method"] == "boosted trees"]
    assert drawn == pytest.approx([value for value in kept if value is not None], rel=1e-8)


def _words(folder):
    return " ".join(_Page(write_report(folder).read_text(encoding="utf-8")).words.split())


def test_what_the_command_line_changed_stands_under_the_title(whole_run, tmp_path):
    folder = _small(whole_run, tmp_path)
    assert "Changed by --set" not in _words(folder)
    told = json.loads((folder / "provenance.json").read_text()) | {
        "settings": ["training.epochs=2", "model.widths=[<b>]"]
    }
    (folder / "provenance.json").write_text(json.dumps(told))
    assert "Electron or photon, 50 GeV Changed by --set: training.epochs=2 model.widths=[<b>] Showers" in _words(folder)


def test_provenance_names_packages_from_outside_and_every_wall_time(whole_run, tmp_path):
    folder = _small(whole_run, tmp_path)
    assert "outside hitforge" not in _words(folder)
    told = json.loads((folder / "provenance.json").read_text())
    told |= {
        "packages": {"blob_kind": "1.0"},
        "wall_s": {"train": 90.0, "trees": {"fit": 30.0, "answer": None}, "x": None},
    }
    (folder / "provenance.json").write_text(json.dumps(told))
    words = _words(folder)
    assert "packages outside hitforgeblob_kind 1.0" in words
    assert "wall timetrain 90 s, trees fit 30 s packages" in words


def test_recipe_is_folded_and_definitions_are_brief_in_print(whole_run, tmp_path):
    text = write_report(_small(whole_run, tmp_path)).read_text(encoding="utf-8")
    assert re.search(r"<details>\s*<summary>Recipe, resolved</summary>\s*<pre>", text)
    brief = re.search(r'<ul class="brief".*?</ul>', text, re.DOTALL).group()
    values = json.loads((tmp_path / "metrics.json").read_text())
    assert brief.count("<li>") == len(values)
    for name, value in values.items():
        told = re.search(rf"<b>{re.escape(name)}</b> (.*?)</li>", brief).group(1)
        assert len(html.unescape(told)) <= 112
        assert value["definition"].startswith(html.unescape(told).removesuffix(" …"))


@pytest.mark.parametrize(("methods", "metrics", "turned"), [(2, 3, False), (9, 3, True), (9, 30, False), (5, 3, False)])
def test_methods_stand_where_they_fit(tmp_path, methods, metrics, turned):
    entries = [{"label": f"method {i}", "kind": "baseline", "path": f"m{i}"} for i in range(methods)]
    (tmp_path / "methods.json").write_text(json.dumps(entries))
    for i in range(methods):
        (tmp_path / f"m{i}").mkdir()
        values = {f"test.number_{k}": {"value": 10.0 * i + k, "definition": "d"} for k in range(metrics)}
        (tmp_path / f"m{i}/metrics.json").write_text(json.dumps(values))
    rows = _table(write_report(tmp_path).read_text(encoding="utf-8"), 'id="metrics"')
    rows = rows if not turned else [list(row) for row in zip(*rows, strict=True)]
    assert rows[0] == ["method" if turned else "metric", *(f"method {i} baseline" for i in range(methods))]
    assert rows[2] == ["test.number_1", *(f"{10 * i + 1}" for i in range(methods))]


@pytest.mark.parametrize(("methods", "turned"), [(2, True), (6, False)])
def test_many_main_numbers_of_few_methods_stand_below_each_other(tmp_path, monkeypatch, methods, turned):
    columns = tuple((f"number_{k}", f"title {k}", 1.0) for k in range(8))

    class Many(Section):
        def headline(self, run):
            return Headline("t", columns)

    monkeypatch.setattr("hitforge.report.page.sections_of", lambda run: [Many(Many.Config())])
    entries = [{"label": f"method {i}", "kind": "baseline", "path": f"m{i}"} for i in range(methods)]
    (tmp_path / "methods.json").write_text(json.dumps(entries))
    for i in range(methods):
        (tmp_path / f"m{i}").mkdir()
        values = {f"test.number_{k}": {"value": 10.0 * i + k, "definition": "d"} for k in range(8)}
        (tmp_path / f"m{i}/metrics.json").write_text(json.dumps(values))
    rows = _table(write_report(tmp_path).read_text(encoding="utf-8"), 'id="top"')
    rows = rows if not turned else [list(row) for row in zip(*rows, strict=True)]
    assert rows[0] == ["number" if turned else "method", *(f"title {k}" for k in range(8))]
    assert rows[2] == ["method 1 baseline", *(f"{10 + k}" for k in range(8))]


def _table(text, after):
    """Words of the cells of the first table after a mark, by row."""
    table = re.search("<table.*?</table>", text[text.index(after) :], re.DOTALL).group()
    rows = [re.findall("<t[hd].*?</t[hd]>", row, re.DOTALL) for row in re.findall("<tr>.*?</tr>", table, re.DOTALL)]
    return [[" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in row] for row in rows]


def test_page_suits_dark_screens_narrow_ones_and_paper(page, whole_run):
    style = re.search("<style>(.*?)</style>", (whole_run / "report.html").read_text(encoding="utf-8"), re.DOTALL).group(
        1
    )
    for part in ("screen and (prefers-color-scheme: dark)", "screen and (max-width: 46rem)", "print"):
        assert f"@media {part} {{" in style
    names = set(re.findall(r"var\((--[a-z]+)\)", style)) - {"--width"}  # of a picture, no colour
    dark = re.search(r"prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}", style).group(1)
    assert names <= set(re.findall(r"(--[a-z]+):", dark))


def test_the_picture_of_the_answer_stands_above_the_numbers(tmp_path):
    text = write_report(make_run(tmp_path)).read_text(encoding="utf-8")
    header = text[text.index('<header id="top"') : text.index("</header>")]
    assert 0 < header.index("<figure") < header.index("<table")


def _small(whole_run, folder):
    """A run without the parts that take long to draw."""
    for name in ("metrics.json", "recipe.yaml", "provenance.json"):
        shutil.copy(whole_run / name, folder / name)
    return folder


def test_names_are_escaped(whole_run, tmp_path):
    folder = _small(whole_run, tmp_path)
    evil = "<script>alert(1)</script> $x^{ \" '"
    (folder / "methods.json").write_text(json.dumps([{"label": evil, "kind": "network", "path": "."}]))
    (folder / "recipe.yaml").write_text(f"title: '{evil.replace(chr(39), chr(39) * 2)}'\ndescription: '<img src=x>'\n")
    pair = {"first": evil, "second": "<b>", "values": {"<i>": {"value": 1.0}}}
    (folder / "comparison.json").write_text(json.dumps([pair]))
    page = _Page(write_report(folder).read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert evil in page.words
    assert "<img src=x>" in page.words
    assert "x" not in page.addresses


def test_empty_folder_gives_a_page_without_sections(tmp_path):
    page = _Page(write_report(tmp_path).read_text(encoding="utf-8"))
    assert page.ids == ["top"]
    assert tmp_path.name in page.words


def test_each_part_may_be_absent(whole_run, tmp_path):
    folder = _small(whole_run, tmp_path)
    page = _Page(write_report(folder).read_text(encoding="utf-8"))
    assert page.ids[:1] == ["top"]
    assert {"metrics", "provenance"} <= set(page.ids)
    assert not {"sample", "training", "roc", "comparisons", "saliency"} & set(page.ids)


def test_one_method_without_comparison_makes_a_whole_sentence(whole_run, tmp_path):
    page = _Page(write_report(_small(whole_run, tmp_path)).read_text(encoding="utf-8"))
    words = " ".join(page.words.split())
    assert re.search(r"with a ROC AUC of 0\.\d+ ± 0\.\d+\.", words)


def test_method_that_lies_below_is_said_so(whole_run, tmp_path):
    folder = _small(whole_run, tmp_path)
    value = {"value": -0.02, "low": -0.03, "high": -0.01}
    (folder / "methods.json").write_text(json.dumps([{"label": "own", "kind": "network", "path": "."}]))
    (folder / "comparison.json").write_text(
        json.dumps([{"first": "own", "second": "other", "values": {"roc_auc_difference": value}}])
    )
    page = _Page(write_report(folder).read_text(encoding="utf-8"))
    assert "0.020 ± 0.010 below other, on the same events." in " ".join(page.words.split())


def test_weight_named_classes_is_no_list_of_classes(tmp_path):
    (tmp_path / "recipe.yaml").write_text("title: two stages\ntask: {name: detect_regions, classes: 1.0}\n")
    assert "two stages" in write_report(tmp_path).read_text(encoding="utf-8")


def test_absent_folder_is_refused(tmp_path):
    with pytest.raises(RunError, match="must exist"):
        write_report(tmp_path / "none")


def _sweep(folder, name, metric, missing=()):
    """Two builders by two networks, of which the first is the run's own, and a method outside the sweep."""
    entries = []
    for i, (graph, model) in enumerate([("near", "edge"), ("near", "grav"), ("far", "edge"), ("far", "grav")]):
        if (graph, model) in missing:
            continue
        path = "." if i == 0 else f"compare/{i}"
        (folder / path).mkdir(parents=True, exist_ok=True)
        value = {"value": 0.1 + 0.1 * i, "low": 0.09 + 0.1 * i, "high": 0.11 + 0.1 * i, "n": 7}
        value["definition"] = f"{metric} v1: of a test"
        (folder / path / "metrics.json").write_text(json.dumps({f"test.{name}": value}))
        entries.append({"label": f"{graph}, {model}", "kind": "comparison", "path": path,
                        "axes": {"representation.graph": graph, "model": model}})  # fmt: skip
    entries.append({"label": "sum", "kind": "baseline", "path": "baselines/sum"})
    (folder / "methods.json").write_text(json.dumps(entries))
    return folder


@pytest.mark.parametrize(("name", "metric"), [("energy_error", "energy_resolution"), ("roc_auc", "roc_auc")])
def test_sweep_over_two_settings_is_a_table(tmp_path, name, metric):
    text = write_report(_sweep(tmp_path, name, metric, missing={("far", "edge")})).read_text(encoding="utf-8")
    page = _Page(text)
    assert "sweep" in page.ids
    cells = _table(text, 'id="sweep"')
    assert cells[0] == ["representation.graph", "edge", "grav"]
    assert cells[1] == ["near", "0.100 \u00b1 0.010", "0.200 \u00b1 0.010"]
    assert cells[2] == ["far", "\u2013", "0.400 \u00b1 0.010"]


def test_no_sweep_no_table(whole_run, tmp_path):
    assert "sweep" not in _Page(write_report(_small(whole_run, tmp_path)).read_text(encoding="utf-8")).ids


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_spread_over_seeds_stands_beside_the_intervals(tmp_path, monkeypatch, seeds):
    class One(Section):
        def headline(self, run):
            return Headline("t", (("auc", "AUC", 1.0),))

    monkeypatch.setattr("hitforge.report.page.sections_of", lambda run: [One(One.Config())])
    entries = [
        {"label": "network", "kind": "network", "path": "."},
        {"label": "trees", "kind": "baseline", "path": "t"},
    ]
    entries += [{"label": f"seed {k}", "kind": "comparison", "path": f"c{k}"} for k in range(2, seeds + 1)]
    (tmp_path / "methods.json").write_text(json.dumps(entries))
    for value, entry in zip((0.80, 0.1, 0.82, 0.84), entries, strict=False):
        (tmp_path / entry["path"]).mkdir(exist_ok=True)
        metrics = {"test.auc": {"value": value, "low": value - 0.001, "high": value + 0.001, "definition": "d"}}
        (tmp_path / entry["path"] / "metrics.json").write_text(json.dumps(metrics))
    text = write_report(tmp_path).read_text(encoding="utf-8")
    told = "Over 3 training seeds, mean ± standard deviation: AUC 0.820 ± 0.020."
    assert (told in text) == (seeds == 3)
    assert ("Intervals hold the test events alone: one training seed tells nothing of another." in text) == (seeds == 1)
