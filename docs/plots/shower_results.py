"""Write docs/shower_results.md and its figures from finished runs of the recipes showers; runs may be absent.

Example: python docs/plots/shower_results.py runs > docs/shower_results.md

Figures go to docs/images, or to the folder that a second argument names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

from _pictures import save
from _results import (
    command,
    differences,
    done,
    head,
    label,
    measured,
    over_seeds,
    percent,
    plain,
    scans,
    stages,
    table,
    told,
)

from hitforge.metrics import METRICS
from hitforge.report.events import EVENTS
from hitforge.report.results import MethodResult, RunResults, read_run
from hitforge.report.sections import SECTIONS
from hitforge.report.style import Picture, look
from hitforge.runs.measure import compare, read_predictions

_RECIPES = "showers"
_NETWORKS = {
    "one_stage": "One-stage detector",
    "two_stage": "Two-stage detector",
    "mask_rcnn": "Mask R-CNN on projections",
    "condensation": "Object condensation",
    "masks": "Queries with masks",
}
_RUNS = {
    "pairs": "Two electrons of 50 GeV at a distance",
    "pairs_energies": "Two electrons of any energy at a distance",
    "pileup_60": "Under 60 interactions of pile-up",
    "endcaps": "Real endcaps",
}
_COUNTS = {
    "showers_per_event": ("showers an event", 1.0),
    "hit_energy_per_event": ("energy of their hits [GeV]", 1.0),
    "shower_energy_per_event": ("their energy [GeV]", 1.0),
    "hits_per_event": ("hits in them", 1.0),
    "share_of_hits": ("of all hits [%]", 100.0),
    "share_of_energy": ("of all hits' energy [%]", 100.0),
}
_SOURCE = (
    "name", "particles", "pdg", "energy", "spectrum", "eta", "spread", "apart", "separation", "window", "pileup.mu",
)  # fmt: skip
_THRESHOLDS = (30, 50, 70)
_KINDS = {"": "", "_electromagnetic": ", electromagnetic", "_hadron": ", hadrons"}
_RATES = {
    "efficiency": "efficiency",
    "efficiency_electromagnetic": "efficiency, electromagnetic",
    "efficiency_hadron": "efficiency, hadrons",
    "fake_rate": "fakes",
    "unmatched_rate": "without match",
    "merge_rate": "showers that merge",
    "particle_merge_rate": "merged particles",
    "split_rate": "split particles",
}
_MEASURED = {
    "response_median_electromagnetic": "median response, electromagnetic",
    "response_sigma68_electromagnetic": "resolution, electromagnetic",
    "response_median_hadron": "median response, hadrons",
    "response_sigma68_hadron": "resolution, hadrons",
    "purity": "purity",
    "completeness": "completeness",
    "right_kind_electromagnetic": "electromagnetic named so",
    "right_kind_hadron": "hadrons named so",
}
_PAIRS = {"": "all", "_electromagnetic": "two electromagnetic", "_mixed": "one of each", "_hadron": "two hadrons"}
_DEFINED = {
    "ap_50": "AP at IoU 0.5",
    "efficiency": "efficiency",
    "fake_rate": "fakes",
    "unmatched_rate": "without match",
    "merge_rate": "showers that merge",
    "particle_merge_rate": "merged particles",
    "split_rate": "split particles",
    "response_sigma68": "resolution",
    "purity": "purity",
    "completeness": "completeness",
    "both_found": "both found",
    "both_measured": "both measured",
    "half_separation": "distance at one half",
}
_AHEAD = """## Where the networks do not win

- **Energies of electrons and photons.** Those of CLUE and of the cones, from boosted trees on the showers' shapes, are
  better than every network's. Hadrons are measured best by the one- and two-stage detectors in the mean over all
  energies, by CLUE and the cones above some 160 GeV.
- **Finding.** The one-stage detector finds, separates and outlines more than clustering does; of electrons and photons
  alone the cones find as many. The four other networks find fewer showers than CLUE; of two hadrons object condensation
  finds both more often than it.
- **Two electrons.** Where both are electrons, the tuned cones find both within a point as often as the one-stage
  detector: half a point more often at 50 GeV, 0.7 points less often at any energy, where it outlines them better.
- **Pile-up.** Under 60 interactions the one-stage detector's lead over CLUE in average precision shrinks to a point at
  IoU 0.5; it trained on half as many events there.
- **Time.** Clustering with its trees takes a part of the time of any network on a CPU.
"""
_READING = """## Reading these numbers

- **Intervals.** 68.3 %, of test events alone: what another seed of a training would give is seen where several seeds
  stand, and their spread.
- **How far trained.** Each network had a part of one core for some twenty minutes to an hour, and 5,000 events, half
  of those of version 0.2.0. Where the validation loss still falls in the last epochs, more would help: a rank here is
  that of a recipe, not of a kind of network. More of both: `--set source.train=10000 --set training.epochs=6`.
- **Clustering** was tuned on training events for each sample; the same algorithm gives the same answers in each recipe,
  so that two of the runs above leave it out.
- **Scores.** Average precision is over all scores. All other numbers hold above the cut that stands beside them:
  where F1 is greatest on validation events, for each method its own. The score of clustering is an energy, so where
  all particles have the same energy the cut alone removes much.
- **Two showers** are found where both have a match, whatever the energies; measured where both energies are within 20 %
  of the true ones, too, which for hadrons asks for the energy resolution more than for the separation.
- **Clustering** has its energy and class from boosted trees on the showers' shapes, grown on training events.
- **Response** is of particles that were found. A method that finds the easy ones alone looks better.
- **Times** are wall-clock times of the run's machine, event by event, the median over test events, with whatever ran
  beside. Sums are those of the medians. All methods side by side, in one process: [Benchmarks](benchmarks.md).
- **Simulation.** Showers are parametrised ([Calorimeter simulation](calorimeter.md)), of particles from one vertex:
  decays and particles from elsewhere are not in it.
"""


def precisions(run: RunResults) -> list[str]:
    """Return the average precision by threshold and class."""
    names = {f"ap_{one}{kind}": f"IoU {one / 100:g}{text}" for kind, text in _KINDS.items() for one in _THRESHOLDS}
    rows = [[label(run, one), *(percent(one.metric(name)) for name in names)] for one in run.methods]
    rows += over_seeds(run, names)
    return table(["average precision [%]", *names.values()], rows)


def rates(run: RunResults) -> list[str]:
    """Return efficiencies and rates of what went wrong, with the score above which they hold."""
    rows, told = [], _possible(run, _RATES)
    for one in run.methods:
        cut = one.metric("score_cut")
        score = f"{cut['value']:.3g}" if cut else ""
        rows.append([label(run, one), *(percent(one.metric(name)) for name in told), score])
    rows += [[*row, ""] for row in over_seeds(run, told)]
    return table(["above the cut [%]", *told.values(), "cut on the score"], rows)


def _possible(run: RunResults, names: dict[str, str]) -> dict[str, str]:
    """Return the numbers without those that can be nothing but 0 in the run's sample: fakes without pile-up.

    Where something else gave a hit its energy, so that a fake was found all the same, the number stays.
    """
    mu = (run.recipe.get("source", {}).get("pileup") or {}).get("mu", 0)
    fakes = [value["value"] for one in run.methods if (value := one.metric("fake_rate"))]
    return {name: title for name, title in names.items() if name != "fake_rate" or mu or any(fakes)}


def response(run: RunResults) -> list[str]:
    """Return energy, purity and class of showers that match a particle."""
    rows = [[label(run, one), *(percent(one.metric(name)) for name in _MEASURED)] for one in run.methods]
    rows += over_seeds(run, _MEASURED)
    return table(["matched showers [%]", *_MEASURED.values()], rows)


def together(run: RunResults) -> list[str]:
    """Return the share of pairs of which both are found, and measured, and the distance at which half are found."""
    classes = [kind for kind in _PAIRS if any(one.metric(f"both_found{kind}") for one in run.methods)]
    classes = classes[1:] if len(classes) == 2 else classes  # all pairs are of one class
    cells: list[tuple[str, float]] = [(f"both_found{kind}", 100.0) for kind in classes]
    cells += [(f"both_measured{kind}", 100.0) for kind in classes]
    cells += [(f"half_separation{kind}", 1.0) for kind in classes]
    rows = [[label(run, one), *(percent(one.metric(name), scale) for name, scale in cells)] for one in run.methods]
    titles = [f"both found [%], {_PAIRS[kind]}" for kind in classes]
    titles += [f"both measured [%], {_PAIRS[kind]}" for kind in classes]
    titles += [f"one half found at [mm], {_PAIRS[kind]}" for kind in classes]
    return table(["events with two particles", *titles], rows)


def separations(run: RunResults) -> list[str]:
    """Return the share of pairs of which both are found by distance: a table for each bin of energy."""
    found = [(one, one.table("shower_response.pairs")) for one in run.methods]
    found = [(one, pairs) for one, pairs in found if len(pairs.get("low", ()))]
    lines = []
    for low, high in _bins((pairs["energy_low"], pairs["energy_high"]) for _, pairs in found):
        inside = [(one, pairs, (pairs["energy_low"] == low) & (pairs["energy_high"] == high)) for one, pairs in found]
        columns = _bins((pairs["low"][kept], pairs["high"][kept]) for _, pairs, kept in inside)
        rows = []
        for one, pairs, kept in inside:
            cells = dict.fromkeys(columns, "")
            for row in kept.nonzero()[0]:
                value = {
                    key: float(pairs[name][row]) for key, name in (("value", "value"), ("low", "lo"), ("high", "hi"))
                }
                cells[float(pairs["low"][row]), float(pairs["high"][row])] = percent(value)
            rows.append([label(run, one), *cells.values()])
        title = f"both found [%], mean energy {low:g} to {high:g} GeV, at mm"
        lines += table([title, *(f"{first:g}–{last:g}" for first, last in columns)], rows)
    return lines


def _bins(ends: Iterable[Sequence[Iterable[float]]]) -> list[tuple[float, float]]:
    return sorted({(float(a), float(b)) for low, high in ends for a, b in zip(low, high, strict=True)})


def paired(run: RunResults) -> list[str]:
    """Return paired differences: the run's own network minus others, or what ``combined`` adds."""
    names = {f"ap_{one}": f"AP at IoU {one / 100:g}" for one in _THRESHOLDS}
    chosen = {name: _RATES[name] for name in ("efficiency", "fake_rate", "particle_merge_rate", "split_rate")}
    names |= _possible(run, chosen) | {"both_found": "both found", "both_measured": "both measured"}
    lines = []
    for first in dict.fromkeys(pair["first"] for pair in run.comparisons):
        own = next((one for one in run.methods if one.label == first), run.methods[0])
        others = (one for one in run.methods if one is not own)
        pairs = tuple(pair for pair in run.comparisons if pair["first"] == first)
        lines += differences(replace(run, methods=(own, *others), comparisons=pairs), names)
    return lines


def learning(runs: Sequence[RunResults]) -> list[str]:
    """Return losses and validation numbers of each epoch, by network."""
    most = max(len(run.methods[0].history.get("epoch", ())) for run in runs)
    rows = []
    for run in runs:
        history = run.methods[0].history
        numbers = zip(*(history[name] for name in ("train_loss", "validation_loss", "overlap")), strict=True)
        cells = [f"{train:.3f}, {valid:.3f}, {100 * overlap:.1f} %" for train, valid, overlap in numbers]
        rows.append([_name(run), *cells, *[""] * (most - len(cells))])
    title = "losses of training and validation, mean best IoU in validation, behind epoch"
    return table([title, *(str(i + 1) for i in range(most))], rows)


def counted(run: RunResults) -> list[str]:
    """Return how much was found where there is no truth."""
    rows = [
        [label(run, one), *(percent(one.metric(name), scale) for name, (_, scale) in _COUNTS.items())]
        for one in run.methods
    ]
    return table(["no truth is known", *(title for title, _ in _COUNTS.values())], rows)


def shown(run: RunResults, name: str, images: Path, event: int) -> list[str]:
    """Write an event as the report draws it, as the run's network and CLUE see it, and return lines that show it."""
    lines = []
    for one in run.methods:
        if one.path != "." and one.label != "clue":
            continue
        with look():
            drawn = EVENTS.build("shower", where="docs").pictures(one.displays.get("shower", {}), None)
            for picture in drawn[event : event + 1]:
                path = images / f"showers_{name}_event_{'clue' if one.label == 'clue' else 'network'}.png"
                save(picture.figure, path)
                lines += [f"![{picture.alt}](images/{path.name})", "", f"{plain(one.label)}: {picture.caption}", ""]
    return lines


def definitions(run: RunResults, known: dict[str, str]) -> list[str]:
    """Return what the numbers mean, as the run wrote it; only what no run before said."""
    texts = {}
    for name, title in _DEFINED.items():
        value = next((value for one in run.methods if (value := one.metric(name))), None)
        if value:
            text = re.sub(r"score >= \S+ \(greatest", "score above the cut (greatest", value["definition"])
            part = r"(; match: |(; | of: share.*; )a shower matches|; showers of score| that match a particle; ).*"
            texts[title] = text if name == "ap_50" else re.sub(part, "", text)
    return told(texts, known)


def combined(runs: Sequence[RunResults]) -> RunResults:
    """Return networks of several runs of the same events as methods of one run, with differences between them.

    Classical algorithms are those of the first run; what a run compared within itself is left to its own section.
    """
    first = runs[0]
    networks = [replace(run.methods[0], label=_name(run)) for run in runs]
    rest = [one for one in first.methods if one.kind == "baseline"]
    pairs = [{**pair, "first": _name(first)} for pair in first.comparisons if _is_baseline(first, pair["second"])]
    metrics = tuple(METRICS.build(block, where="recipe") for block in first.recipe["evaluation"]["metrics"])
    for one, other in combinations(runs, 2):
        both = [run.folder / run.methods[0].path for run in (one, other)]
        if all((folder / "predictions.parquet").exists() for folder in both):
            seed = int(first.recipe["evaluation"].get("seed", 1))
            values = compare(read_predictions(both[0]), read_predictions(both[1]), metrics, seed)
            pairs.append({"first": _name(one), "second": _name(other), "values": values})
    return replace(first, methods=(*networks, *rest), comparisons=tuple(pairs))


def _name(run: RunResults) -> str:
    return _NETWORKS.get(run.folder.name, run.methods[0].label)


def _is_baseline(run: RunResults, name: str) -> bool:
    return any(one.label == name and one.kind == "baseline" for one in run.methods)


def same_sample(runs: Sequence[RunResults]) -> list[RunResults]:
    """Return the runs whose test events are those of the first."""
    hashes = [run.provenance["dataset"]["test_hash"] for run in runs]
    return [run for run, one in zip(runs, hashes, strict=True) if one == hashes[0]]


def pictures(
    run: RunResults, name: str, images: Path, *drawn: Callable[[Sequence[MethodResult]], list[Picture]]
) -> list[str]:
    """Write figures as the report draws them, and return the lines that show them."""
    methods = [replace(one, label=plain(one.label)) for one in run.methods if not one.label.startswith("seed ")]
    lines = []
    with look():
        for number, picture in enumerate(picture for draw in drawn for picture in draw(methods)):
            path = images / f"showers_{name}_{number}.png"
            save(picture.figure, path)
            lines += [f"![{picture.alt}](images/{path.name})", ""]
            if not picture.caption.startswith("shower_efficiency"):  # these definitions stand below
                lines += [picture.caption, ""]
    return lines


def _drawn(section: str, key: str, methods: Sequence[MethodResult]) -> list[Picture]:
    """Pictures of a part of a section."""
    run = RunResults(Path(), methods=tuple(methods))
    parts = [part for part in SECTIONS.build(section, where="docs").subsections(run) if part.key == key]
    return [picture for part in parts for picture in part.pictures if picture is not None]


def _found(methods: Sequence[MethodResult]) -> list[Picture]:
    """Efficiency and merged particles alone: the page has the other rates as numbers."""
    rates = _drawn("shower_efficiency", "showers", methods)
    return [one for one in rates if one.alt.startswith(("Efficiency", "Merged particles"))]


_precision = partial(_drawn, "average_precision", "precision")
_energy = partial(_drawn, "shower_response", "shower_response")
_pairs = partial(_drawn, "shower_response", "pairs")
_classes = partial(_drawn, "shower_response", "shower_kinds")


def sections(runs: Path, images: Path) -> list[str]:
    """Return all sections of finished runs."""
    known: dict[str, str] = {}
    lines: list[str] = []
    group = same_sample([read_run(runs / name) for name in _NETWORKS if done(runs / name)])
    if group:
        every = combined(group)
        lines += ["## Networks on the same events", ""]
        lines += [f"- {_name(run)}: `{command(run.folder, run, _RECIPES)}`" for run in group] + [""]
        for part in (precisions, paired, rates, response, together, stages):
            lines += part(every)
        lines += scans((plain(one.label), one.record) for one in group[0].methods)
        lines += learning(group)
        drawn = (_precision, _found, _energy, _pairs, _classes)
        lines += pictures(every, "networks", images, *drawn) + definitions(every, known)
        lines += ["One of the test events:", "", *shown(group[0], "networks", images, 2)]
    named = {name: title for name, title in {**_NETWORKS, **_RUNS}.items() if done(runs / name)} | others(runs)
    for name, title in named.items():
        run = read_run(runs / name)
        lines += head(runs / name, run, title, _RECIPES, _SOURCE)
        if len(run.methods) == 1 + sum(one.kind == "baseline" for one in run.methods) and any(
            run.folder == one.folder for one in group
        ):
            continue  # all that it holds stands above
        if run.provenance.get("truth") is False:
            lines += counted(run) + stages(run) + shown(run, name, images, 0)
            continue
        pairs = run.recipe.get("source", {}).get("separation") is not None
        for part in (precisions, paired, rates, response, together):
            lines += part(run)
        lines += separations(run) if pairs else []
        lines += stages(run)
        if group and run.folder == group[0].folder:
            continue  # its scans and pictures stand above
        lines += scans((plain(one.label), one.record) for one in run.methods)
        lines += pictures(run, name, images, *([_pairs] if pairs else [_precision, _found]))
        lines += definitions(run, known)
    return lines or ["No finished run was found in the folder.", ""]


def others(runs: Path) -> dict[str, str]:
    """Return further finished runs of showers, with titles."""
    known = {*_NETWORKS, *_RUNS}
    found = [path.parent for path in sorted(runs.glob("*/provenance.json")) if path.parent.name not in known]
    titles = {path.name: path.name.replace("_", " ").capitalize() for path in found}
    return {name: title for name, title in titles.items() if '"test.ap_' in measured(runs / name)}


def main() -> None:
    """Print the page."""
    runs = Path(sys.argv[1])
    images = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parents[1] / "images"
    lines = [
        "# Results of showers as objects",
        "",
        "Made by `python docs/plots/shower_results.py runs > docs/shower_results.md` from runs of the recipes",
        "`showers/...`. Clustering works on the same events. Numbers stand with their 68.3 % intervals,",
        "definitions as the runs wrote them. What the words mean:",
        "[Showers as objects](showers.md#what-the-numbers-mean).",
        "",
        _AHEAD,
        *sections(runs, images),
    ]
    print("\n".join([*lines, _READING]).rstrip())


if __name__ == "__main__":
    main()
