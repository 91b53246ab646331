"""Write docs/tracking_results.md and its figures from finished runs of the recipes tracking; runs may be absent.

Example: python docs/plots/tracking_results.py runs > docs/tracking_results.md

Figures go to docs/images, or to the folder that a second argument names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from _filter import headline, paired, summary, verdict
from _pictures import save
from _results import (
    MANY,
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
    short,
    stages,
    table,
    told,
)
from matplotlib.ticker import PercentFormatter

from hitforge.report.results import MethodResult, RunResults, read_run
from hitforge.report.style import MARKERS, look, method_style, new_figure, quiet, words

_MAIN = "ttbar_20"
_RECIPES = "tracking"
_RUNS = {
    _MAIN: "Top-quark pairs with 20 collisions of pile-up",
    "ttbar_60": "Top-quark pairs with 60 collisions of pile-up",
    "ttbar_200": "Top-quark pairs with 200 collisions of pile-up",
    "pixels_200": "Pixels alone, 200 collisions of pile-up",
    "trackml_21000": "Official TrackML event 21000, pixels",
    "trackml_1": "Official TrackML event 1",
    "learned_graph": "A learned graph",
    "topologies": "One network on two graphs",
    "networks": "Networks on the same graph",
    "condensation": "Object condensation",
    "masks": "Masks over hits",
    "dead_modules": "A network that knows dead modules",
    "hadronic": "Hadrons that end in the silicon",
    "middle_140": "Without pile-up, middle points of seeds to 140 mm",
    "kalman_0": "The Kalman filter, tuned without pile-up",
    "kalman_20": "The Kalman filter, tuned at 20 collisions of pile-up",
    "kalman_60": "The Kalman filter, tuned at 60 collisions of pile-up",
    "kalman_200": "The Kalman filter, tuned at 200 collisions of pile-up",
    "kalman_pixels": "The Kalman filter, tuned on pixels alone",
    "kalman_pixels_few_fakes": "The Kalman filter on pixels alone, held to fewer fakes",
    "kalman_21000": "The same on official TrackML event 21000",
    "kalman_gun": "The Kalman filter, tuned on a gun",
    "kalman_dead": "The Kalman filter, tuned with dead modules",
}
_CHANGED = ("own_40", "dead_1", "dead_5", "dead_10", "misaligned", "noise_10")
_TAUGHT = ("taught_0", "taught_1", "taught_10")
_RULES = {
    "double_majority": "double majority",
    "perfect": "perfect",
    "lhc": "LHC (75 %)",
    "atlas_two_way": "ATLAS two-way",
}
_RATES = {
    "technical_efficiency": "technical efficiency",
    "efficiency": "efficiency",
    "fake_rate": "fake rate",
    "duplicate_rate": "duplicate rate",
}
_GNN = {
    "double_majority": "double majority",
    "perfect": "perfect",
    "lhc": "LHC, of clusters",
    "fake_double_majority": "fakes (double majority)",
    "fake_perfect": "fakes (perfect)",
}
_FITTED = {
    "d0_sigma68": ("d₀ [µm]", 1e3),
    "z0_sigma68": ("z₀ [µm]", 1e3),
    "phi_sigma68": ("φ [mrad]", 1e3),
    "theta_sigma68": ("θ [mrad]", 1e3),
    "q_over_pt_sigma68": ("q/pT [%]", 1e2),
    "predicted_pt_sigma68": ("pT, said by the network [%]", 1e2),
    "predicted_eta_sigma68": ("η, said by the network [10⁻³]", 1e3),
}
_SOURCE = ("name", "process", "mu", "noise", "dead", "misalignment", "p_min", "pt_min", "digitisation", "subsystems")
_DRAWN = 4  # methods in a figure: more hide each other
_FEW = 1000  # particles, of which no figure is drawn
_NEAR = 0.95  # technical efficiency of methods that the axis must hold
_READING = """## Reading these numbers

- **Intervals.** 68.3 %, of test events: particles of one event are found and lost together (Korn and Graubard). Where
  there is one event, its particles are taken as independent, and its intervals are too short. What another seed of the
  training would give is seen only where several seeds stand: their spread is the standard deviation over the seeds.
- **Efficiency and technical efficiency.** Both count the hits that the sample has. A particle that lost hits to dead
  modules leaves the technical efficiency where too few remain; the efficiency keeps it down to three hits.
- **Times** are wall-clock times of the run's machine on one thread, medians over test events.
  The tuned filters ran in runs of their own. Other work ran beside: the same work differs by up to a factor of
  two. Sums are those of the medians.
- **Seeds.** Two more trainings of `masks`, on another processor and there with another seed (`--set training.seed=2`),
  find 97.6 and 97.2 %: trainings of this recipe differ by more than the interval of one.
- **Scans** look at 24 settings (27 with a quality cut, 8 at 200 collisions); others, such as the volumes of seeds, stay
  as the preset has them. On few training events one particle is 0.0002 to 0.001, and a step counts from 0.0002: most
  rows are level, and with 20 collisions and with dead modules the scan did not change what is found on test events.
  On pixels alone most fakes are pieces of true tracks: that of ATLAS's two-way rule are a third of those of double
  majority. Held to fewer of them, the filter finds as many particles: the first scan ended where no single setting
  helped, not at the best of all, and neither may the second one.
- **Dead modules** are the same ones in training and test: the network has seen these holes, the filter is not told of
  them, and each costs it one of its `max_holes`.
- **Event 1** is also that in which the coil was found. Its resolutions here are of found tracks in all directions;
  those of true central and forward ones: [TrackML's field](tracker_files.md#trackmls-field).
- **The graph's ceiling** is the share of the reconstructable particles more than half of whose hits are in one piece of
  true edges, in the first 50 test events at most; `events` of `graph.json` tells how many they were.
- **Figures.** Bins with fewer than 20 particles may have intervals that leave the picture, and so may methods that find
  less than 95 %. Of more than four methods the best are drawn.
- **TrackML's field** is not the same everywhere: `python docs/plots/trackml_field.py` finds that of a coil of 1.2 m
  radius and 5.25 m length in the truth of event 1, with 2 T in the centre, whose middle lies at z = -150 mm. Detectors
  with `coil: [1200, 5250, -150]` have it; the generic detector has 2 T everywhere. Why momenta of event 1 are fitted
  worse than those of the simulation: [TrackML's field](tracker_files.md#trackmls-field).
- **Simulated and real detector.** Nuclear interactions, decays in flight and inefficiency of live sensors are not
  simulated ([A tracking job](tracking.md)): efficiencies on simulation do not hold them. What nuclear interactions
  alone take is seen [above](#hadrons-that-end-in-the-silicon).
"""


def tuned(run: RunResults) -> list[str]:
    """Return how classical algorithms were tuned."""
    return scans((plain(one.label), one.record) for one in run.methods)


def rates(run: RunResults) -> list[str]:
    """Return rates by double majority with the score, and what the other rules say, by method."""
    names = [f"{name}_double_majority" for name in _RATES] + ["trackml_score_target"]
    names.insert(1, "technical_efficiency_perfect")
    rows = [[label(run, one), *(percent(one.metric(name)) for name in names)] for one in run.methods]
    rows += over_seeds(run, names)
    head = ["double majority, but for *perfect* [%]", *_RATES.values(), "TrackML score, target"]
    head.insert(2, "technical efficiency, *perfect*")
    lines = table(head, rows)
    for name in ("technical_efficiency", "fake_rate"):
        rows = [[label(run, one), *(percent(one.metric(f"{name}_{rule}")) for rule in _RULES)] for one in run.methods]
        lines += table([f"{_RATES[name]} [%]", *_RULES.values()], rows)
    return lines + elsewhere(run)


def elsewhere(run: RunResults) -> list[str]:
    """Return the rates as gnn_tracking counts them, and the challenge's own score, which compares no methods."""
    rows = [[label(run, one), *(percent(one.metric(f"gnn_tracking_{name}")) for name in _GNN)] for one in run.methods]
    lines = table(["as gnn_tracking counts [%]", *_GNN.values()], rows)
    scores = [f"{label(run, one)} {percent(value)}" for one in run.methods if (value := one.metric("trackml_score"))]
    if scores:
        text = "TrackML score of the challenge, over all particles, whatever momentum a method looks down to [%]"
        lines += [f"{text}: {'; '.join(scores)}.", ""]
    return lines


def pairs(run: RunResults) -> list[str]:
    """Return paired differences own - other on the same events, in percentage points."""
    names = ("technical_efficiency", "efficiency", "fake_rate")
    numbers = {f"{name}_double_majority": _RATES[name] for name in names}
    numbers |= {"technical_efficiency_perfect": "perfect", "trackml_score_target": "TrackML score, target"}
    who, values = paired(run.folder)
    return differences(run, numbers, [(who, values)] if who.endswith("tuned") else [])


def fits(run: RunResults) -> list[str]:
    """Return resolutions of fitted parameters, and the widths of their pulls."""
    rows = []
    for one in run.methods:
        cells = []
        for name, (_, scale) in _FITTED.items():
            pull = one.metric(name.replace("sigma68", "pull_width"))
            text = percent(one.metric(name), scale).partition(" [")[0]
            cells.append(f"{text} (pull {pull['value']:.2f})" if text and pull else text)
        rows.append([label(run, one), *cells])
    return table(["resolution (width of the pull)", *(title for title, _ in _FITTED.values())], rows)


def graphs(run: RunResults) -> list[str]:
    """Return how good the graph of each method is."""
    rows, shown = [], []
    for one in run.methods:
        graph = one.graph
        numbers = [graph.get(name) for name in ("efficiency", "ceiling", "purity", "edges", "hits")]
        if not graph or numbers in shown:  # the same graph as of a method before
            continue
        shown.append(numbers)
        shares = ["" if share is None else f"{100 * share:.2f}" for share in numbers[:3]]
        sizes = ["" if size is None else f"{size:,.0f}" for size in numbers[3:]]
        seconds = graph.get("seconds")
        time = "" if seconds is None else short(1e3 * seconds)
        rows.append([label(run, one), *shares, *sizes, time, str(graph.get("events", ""))])
    head = ["graph", "edge efficiency [%]", "ceiling [%]", "purity [%]", "edges an event", "hits an event"]
    return table([*head, "mean time [ms]", "events"], rows)


def definitions(run: RunResults, known: dict[str, str]) -> list[str]:
    """Return what the numbers mean, with their cuts, as the run wrote it; only what no run before said."""
    texts: dict[str, str] = {}
    for name, title in [*((f"{rate}_double_majority", title) for rate, title in _RATES.items())]:
        if value := run.methods[0].metric(name):
            texts[title] = value["definition"].partition("; belongs: ")[0]
    for rule, title in _RULES.items():
        if value := run.methods[0].metric(f"technical_efficiency_{rule}"):
            texts[f"a track belongs ({title})"] = value["definition"].partition("; belongs: ")[2]
    others = {
        "trackml_score_target": "TrackML score, target",
        "trackml_score": "TrackML score of the challenge",
        "gnn_tracking_double_majority": "double majority as gnn_tracking counts",
        "gnn_tracking_fake_double_majority": "fakes as gnn_tracking counts",
        "d0_sigma68": "resolutions, such as d₀",
    }
    for name, title in others.items():
        if value := run.methods[0].metric(name):
            texts[title] = value["definition"]
    return told(texts, known)


def figure(folder: Path, run: RunResults, images: Path) -> list[str]:
    """Draw efficiencies against momentum and pseudorapidity, the run's own network and the Kalman filter first."""
    rest = [(i, one) for i, one in enumerate(run.methods) if not one.label.startswith("seed ")]
    rest.sort(key=lambda entry: (entry[0] > 0, entry[1].kind != "baseline", -_found_of(entry[1])))
    name = "tracking_efficiency.technical_efficiency_double_majority"
    found = [(i, one) for i, one in rest if len(one.table(f"{name}.pt").get("low", ()))][:_DRAWN]
    if len(found) < 2 or found[0][1].table(f"{name}.pt")["n"].sum() < _FEW:
        return []
    with look():
        plot = new_figure(9.0, 3.4)
        for axes, axis, text in zip(plot.subplots(1, 2), ("pt", "eta"), (r"$p_T$ [GeV]", r"$\eta$"), strict=True):
            least = 1.0
            for place, (i, one) in enumerate(found):
                columns = one.table(f"{name}.{axis}")
                low, high, value = columns["low"], columns["high"], columns["value"]
                share = 0.5 + 0.12 * (place - 0.5 * (len(found) - 1))  # beside, not over each other
                many = columns["n"] >= min(MANY, columns["n"].max())
                if place == 0 or _found_of(one) > _NEAR:  # one that is far off would press the others together
                    least = min(least, value[many].min(), columns["lo"][many].min())
                centre = low ** (1 - share) * high**share if axis == "pt" else (1 - share) * low + share * high
                axes.errorbar(
                    centre,
                    value,
                    xerr=[centre - low, high - centre],
                    yerr=[np.maximum(value - columns["lo"], 0), np.maximum(columns["hi"] - value, 0)],
                    fmt=MARKERS[i % len(MARKERS)],
                    markersize=3.5,
                    linewidth=1.0,
                    color=method_style(i)["color"],
                    label=words(label(run, one)),
                )
            if axis == "pt":
                axes.set_xscale("log")
                axes.xaxis.set_major_formatter(lambda number, _: f"{number:g}")
            axes.set_xlabel(text)
            axes.set_ylabel("technical efficiency")
            axes.set_ylim(least - 0.06 * (1.0 - least) - 1e-3, 1.0 + 0.06 * (1.0 - least) + 1e-3)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
            quiet(axes)
        handles, names = plot.axes[0].get_legend_handles_labels()
        plot.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=9)
        image = images / f"tracking_{folder.name}.png"
        save(plot, image)
    shown = ", ".join(label(run, one) for _, one in found)
    return [f"![Technical efficiency against momentum and pseudorapidity: {shown}](images/{image.name})", ""]


def _found_of(one: MethodResult) -> float:
    value = one.metric("technical_efficiency_double_majority")
    return value["value"] if value else 0.0


def changes(run: RunResults, base: RunResults) -> str:
    """Return the settings of detector and source in which a sample differs from another."""
    ours, theirs = (
        {f"{block}.{key}": value for block in ("detector", "source") for key, value in one.recipe[block].items()}
        for one in (run, base)
    )
    counts = ("source.train", "source.validation", "source.test", "source.shard_size")
    changed = (f"{key} = {value}" for key, value in ours.items() if theirs.get(key) != value and key not in counts)
    return ", ".join(changed) or f"as trained, {run.provenance['dataset']['counts']['test']} events"


def robustness(runs: Path, main: str, changed: Sequence[str], title: str) -> list[str]:
    """Return rates of the methods of a run on samples that differ from those of the training."""
    folders = [folder for folder in (runs / name for name in (main, *changed)) if done(folder)]
    if len(folders) < 2 or folders[0].name != main:
        return []
    base = read_run(folders[0])
    lines = [f"## {title}", ""]
    lines += [
        f"The recipe `{main}`, and the same on other samples, each with its command. `evaluate` trains nothing;",
        "neither method is told of the fault. Where the same 40 events stand without it, compare with them.",
        "",
    ]
    lines += [f"- `{command(folder, read_run(folder), _RECIPES)}`" for folder in folders[1:]]
    rows = []
    for folder in folders:
        run = read_run(folder)
        for one in run.methods:
            if one.kind == "comparison":
                continue
            numbers = [percent(one.metric(f"{name}_double_majority")) for name in _RATES]
            rows.append([changes(run, base), plain(one.label), *numbers, percent(one.metric("trackml_score_target"))])
    return [*lines, "", *table(["double majority [%]", "method", *_RATES.values(), "TrackML score, target"], rows)]


def needed(folder: Path, run: RunResults) -> Iterator[str]:
    """Return what the runs measured that this one needed first: in its own folder, or beside it."""
    for name, file in run.recipe.get("depends_on", {}).items():
        home = next((one for one in (folder / "depends_on" / name, folder.parent / Path(file).stem) if done(one)), None)
        if home is None:
            continue
        first = read_run(home)
        minutes = first.provenance.get("wall_s", {}).get("train", 0) / 60
        recipe = f"tracking/{Path(file).stem}"
        yield from [f"The network `{name}` comes from `{recipe}`, trained in {minutes:.0f} minutes:", ""]
        numbers = first.methods[0].metrics.items()
        yield from table(["number", "test events"], [[key.partition(".")[2], percent(v, 1.0)] for key, v in numbers])
        yield from needed(home, first)


def others(runs: Path) -> dict[str, str]:
    """Return further finished runs of trackers, with titles."""
    known = {*_RUNS, *_CHANGED, *_TAUGHT}
    found = [path.parent for path in sorted(runs.glob("*/provenance.json")) if path.parent.name not in known]
    titles = {path.name: path.name.replace("_", " ").capitalize() for path in found}
    return {name: title for name, title in titles.items() if "trackml_score" in measured(runs / name)}


def main() -> None:
    """Print the page."""
    runs = Path(sys.argv[1])
    images = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parents[1] / "images"
    found = {name: title for name, title in _RUNS.items() if done(runs / name)} | others(runs)
    known: dict[str, str] = {}
    lines = [
        "# Results of tracking",
        "",
        *verdict(runs),
        "Made by `python docs/plots/tracking_results.py runs > docs/tracking_results.md` from runs of the recipes",
        "`tracking/...`. The combinatorial Kalman filter (CKF) of ACTS works on the same events, noise and dead",
        "modules included. Rates stand with their 68.3 % intervals; definitions and cuts are printed as the runs wrote",
        "them. What the words mean: [A tracking job](tracking.md#what-the-numbers-mean).",
        "",
        *([] if found else ["No finished run was found in the folder.", ""]),
        *summary(runs),
    ]
    parts: tuple[Callable[[RunResults], list[str]], ...] = (rates, pairs, fits, graphs, stages, tuned)
    for name, title in found.items():
        folder, run = runs / name, read_run(runs / name)
        lines += head(folder, run, title, _RECIPES, _SOURCE)
        lines += headline(folder)
        lines += needed(folder, run)
        for part in parts:
            lines += part(run)
        lines += figure(folder, run, images)
        lines += definitions(run, known)
        if name == "ttbar_60" or (name == _MAIN and "ttbar_60" not in found):
            lines += robustness(runs, _MAIN, _CHANGED, "Dead modules, misalignment, noise")
        if name == "dead_modules":
            lines += robustness(runs, name, _TAUGHT, "The same with other shares of dead modules")
    print("\n".join([*lines, _READING]).rstrip())


if __name__ == "__main__":
    main()
