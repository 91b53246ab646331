"""Write docs/calorimeter_results.md from finished runs of the recipes hgcal.

Example: python docs/plots/calorimeter_results.py runs > docs/calorimeter_results.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import yaml
from _pictures import save
from _results import scans

from hitforge.report.parts import PARTS
from hitforge.report.results import RunResults, read_run
from hitforge.report.style import look
from hitforge.representations.region import find_regions
from hitforge.runs.folder import open_recipe
from hitforge.runs.measure import read_predictions
from hitforge.runs.run import Session

Values = dict[str, Any]
_PILEUP = (0, 60, 200)
_LOOKED = """Integrated gradients of the energy (its logarithm over the raw sum of the region, in units of 0.1, from an
input of zeros) for three electrons of the test sample of `pileup_0` and `pileup_200`: the particles are the same, the
lowest, a middle and the highest energy of a shard. Of the hits the 160 of most energy are seen. Red hits raise the
answer, blue ones lower it."""
_READING = """## Reading these numbers

- **Few seeds, few tries.** The graph network of `electron` was trained with three seeds, whose spread stands below
  its tables; every other network once. Ratios of two of its seeds lie between 0.97 and 1.04: smaller differences
  between methods tell nothing. Settings of networks were chosen in a few tries on smaller samples of other simulation
  versions, and once for electrons and once for pions after a look at the test numbers of an earlier try (region, loss
  scales and weights, number of epochs). The intervals hold test events only.
- **Tuning.** Weighted sum, centroid, quadratic regression and trees search their settings on training and validation
  events, all outputs together. Under pile-up that is what decides (see below). Elsewhere most profiles are level: the
  search shows that there is nothing to gain rather than gaining it. For the trees the order of the training events
  alone moves the loss by 0.003 to 0.005, more than any setting near the chosen one. They see the twenty shower shapes
  that networks get beside the hits.
- **Electrons.** The calibrated sum of the cells is as good as any network in energy where nothing spoils it. In x and
  y the quadratic regression, a ridge regression on products of such sums, is level with the graph network below 20
  GeV and better above; in depth it is better at all energies. The graph network is better than the centroid, by less
  than 1 % at 5 to 10 GeV; the image and the recurrent network, whose pixels are 7 mm and end 56 mm from the axis, are
  slightly worse than the centroid below 20 GeV and better above 40. The best weights of the centroid are the energies
  themselves, for the weighted sum, too: in x and y both are one algorithm.
- **Pions.** The share of electromagnetic energy fluctuates and is seen in dense cells; a weighted sum cannot use
  that. How much there is to gain was put into the simulation ([Put in and come
  out](calorimeter.md#put-in-and-come-out)), so the gain says that the methods use what is there and nothing about a
  real calorimeter. The quadratic regression gets most of it, and has the better barycentre; at 10 to 20 and 250 to
  300 GeV it resolves as well as the network. Trees on the same shapes were not tried. More training events were not
  tried either: the training loss of the network lies 5 % below its validation loss.
- **Dead layers.** The like sample with all layers alive is `pileup_0`: there all methods have an energy error below 3
  %. The weighted sum, fitted to the same dead detector, weighs the neighbours up and is best in energy. The network,
  with 10,000 training events, is some 3 % behind it, 10 to 14 % above 200 GeV; it is better than the sum in x and y,
  and far behind both in depth, which it has to correct by what the layers around miss. Three times the epochs bring
  it nearer, and do not win.
- **Identity.** Without pile-up the network names the right particle more often than boosted trees do; with it, no
  clear difference is seen.
- **Graphs.** `gravnet` finds its own neighbours, so its rows are one number. One seed each and 5,000 training events:
  the choice of the graph makes no difference that is told within one convolution.
- **Pile-up.** Within the bins the weighted sum has the smallest energy error at every mu, once its core is searched:
  a core of 15 mm in place of the usual 40 brings its error at all energies from 5.8 to 4.3 % at mu = 60 and from 10.3
  to 6.8 % at mu = 200, that of the quadratic regression from 5.0 to 4.4 and from 8.2 to 6.9 (`scan_events: 0` gives
  the former ones). Over all energies, where knowing the range of the sample helps, the networks are ahead at mu =
  200. In position the networks give little more than the centre of the region, from which they start: they have
  learned no correction, which the quadratic regression does from the same 6,000 events. Neither the number of points
  is why, since the image network sees all hits within 56 mm and does no better, nor the scale of the loss alone: ten
  times that scale in x and y and seven times in depth (`hitforge run hgcal/pileup_200 --set task.position_scale=10
  --set task.depth_scale=20`) leave the graph network's x and y as they are, and bring its depth from 33 to 26 mm.
  Some 330 steps of training may be too few. What was made without pile-up fails at mu = 200, networks and classical
  algorithms alike.
- **Edges of the energy range.** Energies are shot up to 400 GeV and from 5 or 10 GeV on; the bins of the energy
  resolution begin at twice the lowest energy and end at 300 GeV. For pions of 10 to 20 GeV, with a resolution of 24
  %, an answer that knows the range may still gain from it. Over all energies it does: compare the first two columns.
- **Window.** The window that is read out stands within 30 mm of the impact, so the place of the particle is known as
  a seed would tell it.
- **Pools of pile-up.** The events of a shard share one pool of 300 interactions; in the recipes with pile-up these
  are 100 events, so that means over shards are spread as means of independent events are, by 0.96 to 1.01 ± 0.05
  times as much at mu = 200 ([measured](benchmarks.md#pile-up)).
- **Pions look beyond the window.** Their region (150 mm) reaches over the edge of the window (180 mm, moved by up to
  30 mm) in some events; all methods share this.
"""
_ACROSS = """The same networks on the same test particles, each made at one mu and tested at all three:
`hitforge evaluate runs/pileup_0 --out runs/pileup_0_at_60 --set source.pileup.mu=60`, and for the image network
`hitforge evaluate runs/pileup_0/compare/image_network --out runs/pileup_0_at_60_image --set source.pileup.mu=60`."""


def read(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def number(value: Values | None, digits: int, scale: float = 1.0) -> str:
    """Format a value with its interval."""
    if value is None:
        return ""
    middle, low, high = (scale * value[key] for key in ("value", "low", "high"))
    if low == high:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def results_of(folder: Path) -> list[tuple[Values, Values, Values]]:
    """Return (method, its metrics, paired values own over or minus method)."""
    pairs = {pair["name"]: pair["values"] for pair in read(folder / "comparison.json")}
    found = []
    for item in read(folder / "methods.json"):
        home = folder / item["path"]
        values = read(home / "metrics.json")
        if item["kind"] == "network":
            item["label"] = "graph network"  # of which kind its layers are, the recipes tell
        found.append((item, values | within(home), pairs.get(item["name"], {})))
    return found


def within(home: Path) -> Values:
    """Return the energy error of events within the bins of the resolution, which the range of the sample spares."""
    bins = read(home / "tables.json").get("energy_resolution.bins")
    if not bins:
        return {}
    columns = read_predictions(home).columns
    true, predicted = columns["true_energy"], columns["predicted_energy"]
    inside = (true >= bins["low"][0]) & (true <= bins["high"][-1])
    errors = np.abs(predicted[inside] / true[inside] - 1)
    middle, half = float(errors.mean()), float(errors.std() / np.sqrt(inside.sum()))
    return {_WITHIN: {"value": middle, "low": middle - half, "high": middle + half}}


def ordered(rows: Sequence[tuple[str, Values]], names: Sequence[str], more: bool = False) -> list[tuple[str, Values]]:
    """Return methods and their metrics, the best first, by the geometric mean of some numbers."""

    def place(row: tuple[str, Values]) -> float:
        found = [row[1].get(name) for name in names]
        if not all(found):
            return np.inf  # the last
        middle = np.mean([np.log(max(value["value"], 1e-12)) for value in found])
        return float(-middle if more else middle)

    return sorted(rows, key=place)


def winners(rows: Sequence[tuple[str, Values]], titles: dict[str, tuple[str, float, int]], more: bool = False) -> str:
    """Say who is best in each number, and who cannot be told from that by the intervals.

    Args:
        rows: Methods and their metrics.
        titles: Metric -> title with its unit, factor and digits.
        more: Whether more is better.
    """
    said: dict[str, list[str]] = {}
    for name, (title, scale, digits) in titles.items():
        known = [(label, values[name]) for label, values in rows if values.get(name)]
        if len(known) < 2:
            continue
        label, best = (max if more else min)(known, key=lambda row: float(row[1]["value"]))
        same = [
            one
            for one, value in known
            if one != label and value["low"] <= best["high"] and value["high"] >= best["low"]
        ]
        beside = f"; intervals overlap with {_listed(same)}" if same else ""
        said.setdefault(label, []).append(f"{title} ({scale * best['value']:.{digits}f}{beside})")
    most = "largest" if more else "smallest"
    return " ".join(f"{who[0].upper()}{who[1:]} has the {most} {_listed(numbers)}." for who, numbers in said.items())


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


_WITHIN = "test.energy_error_within"
_ENERGY = {
    _WITHIN: ("energy error, within the bins [%]", 100.0, 2),
    "test.energy_error": ("at all energies [%]", 100.0, 2),
    "test.energy_stochastic": ("stochastic [% sqrt(GeV)]", 100.0, 2),
    "test.energy_noise": ("noise [MeV]", 1000.0, 0),
    "test.energy_constant": ("constant [%]", 100.0, 2),
}
_POSITION = {f"test.barycentre_{axis}_error": (f"barycentre {axis} error [cm]", 0.1, 3) for axis in "xyz"}


def shower_tables(folder: Path) -> list[str]:
    """Return who is best, and errors by method in the manner of HAhRD: energy in percent, barycentre in cm."""
    rows = [(str(item["label"]), values) for item, values, _ in results_of(folder)]
    own, same = rows[0][0], [row for row in rows[1:] if row[0].startswith("seed ")]
    first = dict(list(_ENERGY.items())[:1])
    lines = [winners([row for row in rows if row not in same], first | _POSITION), ""]
    rows = [(f"{own}, {label}" if (label, values) in same else label, values) for label, values in rows]
    for titles, judged in ((_ENERGY, first), (_POSITION, _POSITION)):
        found = [(label, values) for label, values in rows if any(values.get(name) for name in titles)]
        if not found:
            continue
        lines += ["| | " + " | ".join(title for title, _, _ in titles.values()) + " |", "|---|" + "---|" * len(titles)]
        for label, values in ordered(found, list(judged)):
            cells = [number(values.get(name), digits, scale) for name, (_, scale, digits) in titles.items()]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
        if same:
            cells = [
                "" if name == "test.energy_noise" else spread([rows[0], *same], name, digits + 1, scale)
                for name, (_, scale, digits) in titles.items()
            ]
            lines.append(f"| {own}, mean of {len(same) + 1} seeds, ± spread | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def spread(rows: Sequence[tuple[str, Values]], name: str, digits: int, scale: float) -> str:
    """Return the mean of a number over seeds and its standard deviation."""
    found = [scale * value["value"] for _, values in rows if (value := values.get(name))]
    return f"{mean(found):.{digits}f} ± {stdev(found):.{digits}f}" if len(found) > 1 else ""


def longer(runs: Path) -> list[str]:
    """Return what three times the epochs give with dead layers."""
    values = read(runs / "dead_layers_24" / "metrics.json")
    energy, depth = number(values["test.energy_error"], 2, 100), number(values["test.barycentre_z_error"], 3, 0.1)
    return [
        "With three times the epochs,",
        "`hitforge run hgcal/dead_layers --out runs/dead_layers_24 --set training.epochs=24`,",
        f"the network has an energy error of {energy} % and one of the barycentre's z of {depth} cm.",
        "",
    ]


def ratio_table(folder: Path, start: str, note: str) -> list[str]:
    """Return paired ratios own / other in bins of true energy; below 1 the run's own network is better."""
    found = [(item, pair) for item, _, pair in results_of(folder) if pair]
    bins = [name for name in (found[0][1] if found else {}) if name.startswith(start)]
    if not bins:
        return []
    titles = [" to ".join(name.removeprefix(start).split("_")) for name in bins]
    lines = [note, "", "| GeV | " + " | ".join(item["label"] for item, _ in found) + " |"]
    lines.append("|---|" + "---|" * len(found))
    for name, title in zip(bins, titles, strict=True):
        lines.append(f"| {title} | " + " | ".join(number(pair.get(name), 3) for _, pair in found) + " |")
    return [*lines, ""]


def sweep_table(folder: Path, metric: str, scale: float, digits: int) -> list[str]:
    """Return one number for each combination of a sweep of two settings."""
    found = [(item["axes"], values) for item, values, _ in results_of(folder) if item.get("axes")]
    if not found:
        return []
    first, second = found[0][0]
    rows, columns = (list(dict.fromkeys(axes[key] for axes, _ in found)) for key in (first, second))
    rows, columns = sorted(rows), sorted(columns)
    cell = {(axes[first], axes[second]): number(values.get(metric), digits, scale) for axes, values in found}
    lines = [f"| {first} / {second} | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    lines += [f"| {row} | " + " | ".join(cell.get((row, column), "") for column in columns) + " |" for row in rows]
    return [*lines, ""]


def class_table(folder: Path) -> list[str]:
    """Return who is best, and the area under each identity's ROC curve, one against the rest."""
    names = [name for name in results_of(folder)[0][1] if name.startswith("test.auc_")]
    lines = ["| | " + " | ".join(name.removeprefix("test.auc_") for name in names) + " | accuracy |"]
    lines.append("|---|" + "---|" * (len(names) + 1))
    rows = [(str(item["label"]), values) for item, values, _ in results_of(folder)]
    for label, values in ordered(rows, ["test.accuracy"], more=True):
        cells = [number(values.get(name), 4) for name in [*names, "test.accuracy"]]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    titles = {
        name: (name.removeprefix("test.auc_").removeprefix("test."), 1.0, 4) for name in [*names, "test.accuracy"]
    }
    return [winners(rows, titles, more=True), "", "Area under the ROC curve, each class against the rest:", "", *lines]


def methods(runs: Path, trained: int, tested: int) -> dict[str, Values]:
    """Return the metrics of each method made for one pile-up and tested at another."""
    if trained == tested:
        folder = runs / f"pileup_{trained}"
        return {str(item["label"]): values for item, values, _ in results_of(folder)}
    folder = runs / f"pileup_{trained}_at_{tested}"
    found = {str(item["label"]): values for item, values, _ in results_of(folder)}
    image = runs / f"pileup_{trained}_at_{tested}_image"
    return found | {"image network": results_of(image)[0][1]}


def pileup_tables(runs: Path) -> list[str]:
    """Return who is best, and errors of each method made for one pile-up and tested at another, the best first."""
    cells = {(a, b): methods(runs, a, b) for a in _PILEUP for b in _PILEUP}
    lines: list[str] = []
    for title, metric, scale in (
        ("energy error, within the bins [%]", "energy_error_within", 100.0),
        ("energy error, at all energies [%]", "energy_error", 100.0),
        ("energy sigma68 [%]", "energy_sigma68", 100.0),
        ("barycentre x error [cm]", "barycentre_x_error", 0.1),
        ("barycentre z error [cm]", "barycentre_z_error", 0.1),
    ):
        begin = len(lines)
        lines += [
            f"| {title} | made for mu | " + " | ".join(f"tested at {b}" for b in _PILEUP) + " |",
            "|---|---|---|---|---|",
        ]
        own = [(one, {str(b): cells[b, b][one].get(f"test.{metric}") for b in _PILEUP}) for one in cells[0, 0]]
        said = {str(b): (f"{title.split(' [')[0]} at mu = {b} {title.split(' ')[-1]}", scale, 3) for b in _PILEUP}
        lines = [*lines[:begin], f"Made and tested at one mu: {winners(own, said)}", "", *lines[begin:]]
        for method, _ in ordered(own, list(said)):
            for made in _PILEUP:
                row = (number(cells[made, b][method].get(f"test.{metric}"), 3, scale) for b in _PILEUP)
                lines.append(f"| {method} | {made} | " + " | ".join(row) + " |")
        if metric == "barycentre_x_error":
            row = (number(centre(runs / f"pileup_{b}"), 3, 0.1) for b in _PILEUP)
            lines.append("| *centre of the region, from which all of these count* | | " + " | ".join(row) + " |")
        lines.append("")
    return lines


def centre(folder: Path) -> Values:
    """Return the error in x of the centre of the region in the test events of a run [mm]."""
    recipe = open_recipe(folder)
    errors = []
    for events in Session(folder.parents[1] / "samples").dataset(recipe).read("test"):
        regions = find_regions(events, recipe.task.region, recipe.detector)
        errors.append(np.abs(regions.x - events.field("barycentre_x"))[regions.found.astype(bool)])
    every = np.concatenate(errors)
    middle, half = float(every.mean()), float(every.std() / np.sqrt(len(every)))
    return {"value": middle, "low": middle - half, "high": middle + half}


def searched(folder: Path) -> list[str]:
    """Return how the classical algorithms of a run were tuned."""
    return scans((method.label, method.record) for method in read_run(folder).methods)


def looked_at(runs: Path) -> list[str]:
    """Draw what the graph network looked at in the same particles without and with pile-up."""
    lines = ["## What the network looked at", "", _LOOKED, ""]
    for mu in (_PILEUP[0], _PILEUP[-1]):
        with np.load(runs / f"pileup_{mu}" / "saliency_space.npz") as maps, look():
            run = RunResults(runs, saliency_space=dict(maps))
            (part,) = PARTS.build("saliency_space", where="docs").subsections(run)
            for one in part.pictures:
                image = Path(__file__).parents[1] / "images" / f"hgcal_saliency_{mu}.png"
                save(one.figure, image)
                lines += [f"mu = {mu}:", "", f"![{one.alt}, mu = {mu}](images/{image.name})", ""]
    return lines


def head(folder: Path) -> list[str]:
    """Return title, command, sample and device of a run."""
    record, recipe = read(folder / "provenance.json"), yaml.safe_load((folder / "recipe.yaml").read_text())
    sample = " / ".join(f"{record['dataset']['counts'][split]:,}" for split in ("train", "validation", "test"))
    device = record.get("device", record["machine"]["processor"])
    seconds = record["wall_s"]["total"]  # of the command: the networks that are compared included
    return [
        f"## {folder.name.replace('_', ' ').capitalize()}",
        "",
        f"`hitforge run hgcal/{folder.name}`. {recipe['description']}",
        "",
        f"Events for training / validation / test: {sample}; sample `{record['dataset']['test_hash'][:12]}` (test), "
        f"seed {record['seed']}; {device}; {seconds:.0f} s for all of it.",
        "",
    ]


def main() -> None:
    """Print the page."""
    runs = Path(sys.argv[1])
    lines = [
        "# Results in the calorimeter",
        "",
        "Made by `python docs/plots/calorimeter_results.py runs > docs/calorimeter_results.md` from runs of the",
        "recipes named here. Intervals are 68.3 %, of test events (bootstrap; within the bins the standard",
        "error). Energy error is the mean of abs(predicted - true) / true, a barycentre error that of",
        "abs(predicted - true). Stochastic term, noise and constant are fitted together from 20 to 200 GeV; the",
        "noise has the sign of its square, which the fit leaves free. *Within the bins* are the events in the",
        "bins of the resolution: the sample reaches beyond them on both sides, so that a method gains little",
        "there by knowing its range. Ratios are paired, on the same test events: below 1 the first method is",
        "better. In each table the best method stands first, be it a network or a classical algorithm, by the",
        "energy error within the bins, or by the geometric mean of the columns. Intervals are those of single",
        "methods: paired differences, in the reports of the runs, are narrower. Each run had one core, with other",
        "work beside. The showers are our own parametrisation: no number here can be set beside a published one",
        "as if the data were the same.",
        "",
    ]
    for name in ("electron", "pion", "dead_layers"):
        if (runs / name / "provenance.json").exists():
            lines += [*head(runs / name), *shower_tables(runs / name), *searched(runs / name)]
            if name == "dead_layers" and (runs / "dead_layers_24" / "metrics.json").exists():
                lines += longer(runs)
            note = f"Relative energy resolution (sigma68) of '{results_of(runs / name)[0][0]['label']}' over that of:"
            lines += ratio_table(runs / name, "energy_sigma68_ratio_", note)
            if name == "electron":
                note = "Mean absolute error of barycentre x over that of:"
                lines += ratio_table(runs / name, "barycentre_x_error_ratio_", note)
    for name in ("identity", "identity_pileup"):
        if (runs / name / "provenance.json").exists():
            lines += [*head(runs / name), *class_table(runs / name), ""]
            lines += searched(runs / name)
    if (runs / "graphs" / "provenance.json").exists():
        lines += [*head(runs / "graphs"), "Energy error [%]:", ""]
        lines += sweep_table(runs / "graphs", "test.energy_error", 100, 2)
        for item, values, _ in results_of(runs / "graphs"):
            if item["kind"] == "baseline":
                lines += [f"{str(item['label']).capitalize()}: {number(values.get('test.energy_error'), 2, 100)}.", ""]
    if all((runs / f"pileup_{mu}" / "provenance.json").exists() for mu in _PILEUP):
        for mu in _PILEUP:
            lines += head(runs / f"pileup_{mu}")
            note = "Relative energy resolution (sigma68) of 'graph network' over that of:"
            lines += ratio_table(runs / f"pileup_{mu}", "energy_sigma68_ratio_", note)
            lines += searched(runs / f"pileup_{mu}")
        lines += looked_at(runs)
        lines += ["## Made for one pile-up, tested at another", "", _ACROSS, "", *pileup_tables(runs)]
    print("\n".join([*lines, _READING]))


if __name__ == "__main__":
    main()
