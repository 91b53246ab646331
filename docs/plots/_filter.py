"""The network and the tuned Kalman filter side by side, sample by sample: where the network does not win."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _results import Value, done, label, percent, plain, short, table

from hitforge.report.results import MethodResult, RunResults, read_run
from hitforge.runs.compare import compare_runs

_FILTER = "combinatorial kalman filter"
_SAMPLES = (
    ("no pile-up", ("networks",), "kalman_0"),
    ("20 collisions of pile-up", ("ttbar_20",), "kalman_20"),
    ("60 collisions of pile-up", ("ttbar_60",), "kalman_60"),
    ("200 collisions of pile-up, network trained at 60", ("ttbar_200",), "kalman_200"),
    ("pixels alone at 200 collisions", ("pixels_200",), "kalman_pixels"),
    ("30 muons of a gun", ("condensation", "masks"), "kalman_gun"),
    ("5 % of the modules dead", ("dead_modules",), "kalman_dead"),
)
_FURTHER = {"kalman_pixels": ("kalman_pixels_few_fakes", "tuned, held to fewer fakes")}
_ALSO = {  # on the events of a sample above, or of others
    "learned_graph": "kalman_0",
    "topologies": "kalman_0",
    "trackml_21000": "kalman_21000",
}
_RATES = {
    "technical_efficiency_double_majority": "double majority [%]",
    "technical_efficiency_perfect": "perfect [%]",
    "fake_rate_double_majority": "fakes [%]",
}
_JUDGED = {
    "technical_efficiency_double_majority": "Particles found by double majority",
    "technical_efficiency_perfect": "Perfect tracks",
    "fake_rate_double_majority": "Fakes",
}
_SMALL = (
    "The networks are small (0.11 million parameters), trained for 1 to 15 minutes on one core on 30 to 1,200 events,",
    "and not tuned by a scan, as the filter is: these numbers say what the recipes give, not what such networks can",
    "reach.",
)
_PAIRED = {
    "technical_efficiency_double_majority": ("particles found by double majority", 1),
    "technical_efficiency_perfect": ("perfect tracks", 1),
    "efficiency_double_majority": ("particles with 3 hits or more that are found", 1),
    "fake_rate_double_majority": ("fakes", -1),
    "trackml_score_target": ("the TrackML score of the target", 1),
}


def is_filter(one: MethodResult) -> bool:
    """Whether a method is the combinatorial Kalman filter."""
    return one.label == _FILTER


def paired(folder: Path) -> tuple[str, dict[str, Value]]:
    """Return what the run's network minus the filter is, on the same events: the tuned one where it was measured.

    Returns:
        The filter's name, and the differences; empty ones where the run has no network, or there is no filter.
    """
    run = read_run(folder)
    if run.methods[0].kind != "network":
        return plain(_FILTER), {}
    other = folder.parent / _tuned_name(folder.name)
    if done(other):
        pair = compare_runs([folder, other]).pairs[0]
        if not pair.unpaired:
            return f"{plain(_FILTER)}, tuned", pair.differences
    found = next((pair for pair in run.comparisons if pair["second"] == _FILTER), None)
    return plain(_FILTER), {} if found is None else found["values"]


def headline(folder: Path) -> list[str]:
    """Return where the run's network does not win against the filter on the same events, as one paragraph."""
    who, differences = paired(folder)
    if not differences:
        return []
    behind, level = [], []
    for name, (words, sign) in _PAIRED.items():
        value = differences.get(f"{name}_difference")
        if value is None:
            continue
        low, high = sorted((sign * value["low"], sign * value["high"]))
        if _clearly(value) and high < 0:
            behind.append(f"{words} ({percent(value, sign=True)} points)")
        elif not (_clearly(value) and low > 0):
            level.append(words)
    parts = [f"it is behind the {who} in {_listed(behind)}"] if behind else []
    parts += [f"no clear difference is seen in {_listed(level)}"] if level else []
    text = "; ".join(parts) or f"in nothing that is compared here with the {who}"
    return [f"**Where the network does not win:** {text}.", ""]


def summary(runs: Path) -> list[str]:
    """Return network and filter on all samples in one table, each pair on the same events."""
    rows, missing = [], []
    for title, networks, tuned in _SAMPLES:
        found = [read_run(runs / name) for name in networks if done(runs / name)]
        for run in found:
            name = label(run, run.methods[0]) + (f" ({run.folder.name})" if len(networks) > 1 else "")
            rows.append(_row(title, name, run.methods[0]))
        if found:
            kalman, told = _tuned(runs, found[-1], tuned)
            rows += [] if kalman is None else [_row(title, told, kalman)]
            further, words = _FURTHER.get(tuned, ("none", ""))
            if done(runs / further):
                rows.append(_row(title, f"{plain(_FILTER)}, {words}", read_run(runs / further).methods[0]))
            own = next((one for one in found[-1].methods if is_filter(one)), None)
            if own is not None and kalman is not own:
                rows.append(_row(title, f"{plain(_FILTER)}, as in the network's recipe", own))
            missing += [] if told.endswith("tuned") else [title]
    if not rows:
        return []
    lines = ["## The network and the tuned filter", ""]
    lines += [
        "All on the same test events; definitions and intervals as in the sections below. The tuned filter's settings",
        "were chosen by the scan of its recipe (sections *The Kalman filter, tuned*) for the most tracks, with perfect",
        "ones deciding among equals, and without regard to time: at 0 and 60 collisions `seed_deduplication: no` gives",
        "more perfect tracks, hardly any more tracks, and costs time. The other settings are those beside the network.",
        "Times are medians of one event, in ms. Other work ran beside, and the same work differs by up to a factor of",
        "two between runs: no difference below that counts. The filter's tracks come fitted; a network's fit is a",
        "stage of its own, and fits the softer tracks, too, which the filter does not look for.",
        "",
    ]
    head = ["sample", "method", *_RATES.values(), "time without fit [ms]", "time with fit [ms]"]
    lines += table(head, rows)
    if missing:
        lines += [f"With the settings of the network's recipe, not scanned for it: {_listed(missing)}.", ""]
    return lines


def verdict(runs: Path) -> list[str]:
    """Return in one paragraph where networks find fewer tracks than the filter, and where more."""
    pairs = []
    for title, networks, _ in _SAMPLES:
        for network in filter(lambda one: done(runs / one), networks):
            who, values = paired(runs / network)
            notes = [network] * (len(networks) > 1) + ["filter not scanned"] * (not who.endswith("tuned"))
            pairs.append((title + (f" ({', '.join(notes)})" if notes else ""), values))
    lines = []
    for name, words in _JUDGED.items():
        found: dict[str, list[str]] = {"fewer": [], "more": [], "neither": []}
        for title, values in pairs:
            if (value := values.get(f"{name}_difference")) is not None:
                way = "neither" if not _clearly(value) else "fewer" if value["high"] < 0 else "more"
                found[way].append(title)
        parts = [
            f"{way.capitalize()} by the network: {'; '.join(titles)}"
            for way, titles in found.items()
            if titles and way != "neither"
        ]
        parts += [f"No clear difference: {'; '.join(found['neither'])}"] if found["neither"] else []
        lines += [f"- **{words}.** {'. '.join(parts)}."] if parts else []
    if not lines:
        return []
    return [
        "Networks against the Kalman filter on the same events, at the same cuts. A difference counts where it is",
        "twice its interval of 68.3 %, which holds test events alone.",
        "",
        *lines,
        "",
        *_SMALL,
        "",
    ]


def _clearly(value: Value) -> bool:
    """Whether a difference is twice as far from 0 as its interval reaches."""
    middle, low, high = value["value"], value["low"], value["high"]
    return bool(middle + 2 * (low - middle) > 0 or middle + 2 * (high - middle) < 0)


def _tuned_name(network: str) -> str:
    return next((tuned for _, networks, tuned in _SAMPLES if network in networks), _ALSO.get(network, "none"))


def _tuned(runs: Path, run: RunResults, name: str) -> tuple[MethodResult | None, str]:
    """The filter that was tuned for the sample if it was measured on the same events, else that of the run itself."""
    if done(runs / name):
        other = read_run(runs / name)
        same = other.provenance["dataset"]["test_hash"] == run.provenance["dataset"]["test_hash"]
        found = next((one for one in other.methods if is_filter(one) or one.kind == "baseline"), None)
        if same and found is not None:
            return found, f"{plain(_FILTER)}, tuned"
    found = next((one for one in run.methods if is_filter(one)), None)
    return found, plain(_FILTER)


def _row(title: str, name: str, one: MethodResult) -> list[str]:
    without, whole = (short(time) if time is not None else "" for time in _times(one))
    return [title, name, *(percent(one.metric(rate)) for rate in _RATES), without, whole]


def _times(one: MethodResult) -> tuple[float | None, float | None]:
    """Median time of an event [ms] without and with the fit; None where none was measured, or there was no fit."""
    times = {name: stage["median_ms"] for name, stage in one.stages.items() if isinstance(stage, dict)}
    if not times:
        return None, None
    whole = float(sum(times.values()))
    fitted = "fit" in times or "filter" in times  # the filter fits as it goes
    return whole - float(times.get("fit", 0.0)), whole if fitted else None


def _listed(words: list[Any]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
