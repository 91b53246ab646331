"""The command line: one verb a function. The only place that prints."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich import progress as bars
from rich.console import Console
from rich.table import Column, Table

from hitforge import __version__
from hitforge.core.config import parse_yaml
from hitforge.core.errors import ConfigError, HitforgeError, RunError, did_you_mean
from hitforge.core.progress import Progress, Step

app = typer.Typer(
    help="From the hits of a particle detector to particles, measured beside the classical algorithm.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

Set = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as training.lr=1e-3.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes that make events; 0: one for each core.")]
Samples = Annotated[Path, typer.Option(help="Folder of the samples that recipes share.")]
RecipeFile = Annotated[Path, typer.Argument(help="Recipe (YAML).")]


@app.command()
def simulate(
    recipe: RecipeFile,
    to: Annotated[Path, typer.Option("--out", help="Folder of the dataset; new or interrupted.")],
    settings: Set = [],  # noqa: B006
    workers: Workers = 0,
) -> None:
    """Make the sample of a recipe as a dataset of its own.

    Example: `hitforge simulate recipes/electron_photon/demo.yaml --out my_sample --set source.test=1000`
    """
    from hitforge.events import build_dataset
    from hitforge.recipe.recipe import read_recipe
    from hitforge.runs.sample import description_of

    plan = read_recipe(recipe, settings, network=False)
    description = description_of(plan.detector, plan.source)
    with _progress() as progress:
        dataset = build_dataset(plan.source, to, description, workers=_cores(workers), progress=progress)
    _dataset_table(dataset.path)


@app.command()
def run(
    recipe: RecipeFile,
    to: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/NAME if absent.")] = None,
    settings: Set = [],  # noqa: B006
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run in its folder.")] = False,
    samples: Samples = Path("samples"),
    workers: Workers = 0,
) -> None:
    """Simulate or read, train, measure, and write a report.

    Example: `hitforge run recipes/electron_photon/demo.yaml --out runs/demo`
    """
    from hitforge.recipe.recipe import read_recipe
    from hitforge.training.processes import follows, release

    plan = read_recipe(recipe, settings)
    if follows():  # torchrun started several processes: this one only trains
        from hitforge.training.follower import follow

        follow(plan.training.device)
        return
    folder = _run(plan, to or Path("runs") / plan.name, resume, samples, workers)
    release(plan.training.device)
    _summary(folder)


@app.command()
def evaluate(
    trained: Annotated[Path, typer.Argument(help="Finished run.")],
    to: Annotated[Path, typer.Option("--out", help="New folder for the measurement.")],
    settings: Set = [],  # noqa: B006
    samples: Samples = Path("samples"),
    workers: Workers = 0,
) -> None:
    """Measure a trained run on another sample.

    Example: `hitforge evaluate runs/demo --out runs/demo_seed9 --set source.seed=9 --set source.train=0`
    """
    from hitforge.report.page import write_report
    from hitforge.runs.run import Session
    from hitforge.runs.run import evaluate as measure_again

    with _progress() as progress:
        changed = dict(_pair(text) for text in settings)
        folder = measure_again(trained, to, Session(samples, _cores(workers), progress), changed)
        write_report(folder)
    _summary(folder)


@app.command()
def check(
    recipes: Annotated[list[Path], typer.Argument(help="Recipes (YAML) with an expect block.")],
    to: Annotated[Path, typer.Option("--out", help="Folder for the runs.")] = Path("runs"),
    settings: Set = [],  # noqa: B006
    samples: Samples = Path("samples"),
    workers: Workers = 0,
) -> None:
    """Run recipes and compare their numbers with what they expect.

    Example: `hitforge check recipes/electron_photon/trees.yaml`
    """
    from hitforge.recipe.recipe import read_recipe
    from hitforge.runs.check import check as compare

    table = Table("recipe", "number", "came", "expected", "verdict")
    passed = True
    for path in recipes:
        plan = read_recipe(path, settings)
        folder = _run(plan, to / plan.name, True, samples, workers)
        for finding in compare(plan, folder):
            came = "absent" if finding.came is None else f"{finding.came:.5g}"
            verdict = "[green]as expected[/]" if finding.passed else "[bold red]differs[/]"
            table.add_row(plan.name, finding.name, came, finding.expected, verdict)
            passed &= finding.passed
    out.print(table)
    if not passed:
        raise typer.Exit(1)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A file to read, or a dataset to write in another format.")],
    target: Annotated[Path, typer.Argument(help="The dataset, or the file, to make.")],
    reader: Annotated[str, typer.Option("--from", help="Format of the file that is read.")] = "",
    writer: Annotated[str, typer.Option("--to", help="Format of the file that is written.")] = "",
    detector: Annotated[str, typer.Option(help="Detector of a file that is read.")] = "pixel_grid",
    split: Annotated[str, typer.Option(help="Part of the dataset to write.")] = "test",
    settings: Set = [],  # noqa: B006
    workers: Workers = 0,
) -> None:
    """Turn a file into a dataset, or a dataset into a file for other tools.

    Example: `hitforge convert my_sample test.h5 --to ml4sci_hdf5 --split test`
    """
    from hitforge.detectors import DETECTORS
    from hitforge.events import Dataset, build_dataset
    from hitforge.readers import READERS
    from hitforge.runs.sample import description_of

    if bool(reader) == bool(writer):
        raise ConfigError("convert must be told either --from or --to", came=f"--from '{reader}', --to '{writer}'")
    with _progress() as progress:
        if writer:
            dataset = Dataset(source)
            block = dataset.index["description"]["detector"]
            READERS.get(writer).write(target, dataset.read(split), DETECTORS.build(block, where=str(source)))
            out.print(f"[bold]{target}[/]: {dataset.count(split)} events of the split '{split}'")
            return
        block = {"name": reader, "path": str(source), **dict(_pair(text) for text in settings)}
        geometry = DETECTORS.build(detector, where="--detector")
        origin = READERS.build(block, geometry, where="--set")
        description = description_of(geometry, origin)
        dataset = build_dataset(origin, target, description, workers=_cores(workers), progress=progress)
    _dataset_table(dataset.path)
    _print_drops(dataset)


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A recipe, a dataset or a run.")],
    verify: Annotated[bool, typer.Option(help="Compare a dataset's shards with their SHA-256.")] = False,
) -> None:
    """Show what a recipe resolves to, what a dataset holds, or what a run measured.

    Example: `hitforge inspect runs/demo`
    """
    from hitforge.events import Dataset
    from hitforge.recipe.recipe import read_recipe

    if path.is_file():
        out.print(read_recipe(path).yaml(), highlight=True, markup=False)
    elif (path / "recipe.yaml").exists():
        _summary(path)
    else:
        _dataset_table(path)
        if verify:
            Dataset(path).verify()
            out.print("every shard is as it was written")


@app.command()
def display(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    to: Annotated[Path, typer.Option("--out", help="A .png picture or an interactive .html page.")],
    event: Annotated[int, typer.Option(min=0, help="Number of the event in its split.")] = 0,
    split: Annotated[str, typer.Option(help="Part of the dataset.")] = "test",
) -> None:
    """Draw an event as a picture or as an interactive page.

    Example: `hitforge display my_sample --event 3 --out event.html`
    """
    from hitforge.detectors import DETECTORS
    from hitforge.events import Dataset
    from hitforge.report.events import pictures_for

    sample = Dataset(dataset)
    geometry = DETECTORS.build(sample.index["description"]["detector"], where=str(dataset))
    if to.suffix not in (".png", ".html"):
        raise ConfigError("--out must end in .png or .html", came=to.suffix or "no ending")
    index = event
    for events in sample.read(split):
        if index < len(events):
            kind = pictures_for(geometry)
            draw = kind.event_page if to.suffix == ".html" else kind.event_picture
            draw(events, index, geometry, to)
            out.print(f"[bold]{to}[/]")
            return
        index -= len(events)
    raise ConfigError(f"the split '{split}' has {sample.count(split)} events", came=f"--event {event}")


@app.command("list")
def list_plugins(
    name: Annotated[str, typer.Argument(help="A room such as 'models', or one plug-in.")] = "",
) -> None:
    """List plug-ins, or the settings of one.

    Example: `hitforge list residual`
    """
    from hitforge.core.registry import Plugin, Registry
    from hitforge.recipe.catalogue import REGISTRIES, settings_of, summary

    # those of the report are built by name: a list of names is not to wait for matplotlib
    drawing = {room: Registry(room, Plugin) for room in ("report.sections", "report.parts", "report.events")}
    registries = REGISTRIES | drawing
    rooms = [name] if name in registries else list(registries)
    owner = next((r for r in registries.values() if name in r.names()), None)
    if owner is not None and name not in registries:
        out.print(f"[bold]{name}[/] ({owner.room}): {summary(owner, name)}")
        table = Table("setting", "type", "default", "meaning")
        for row in settings_of(owner, name):
            table.add_row(*row)
        out.print(table)
        return
    if name and name not in registries:
        known = [*registries, *(plugin for r in registries.values() for plugin in r.names())]
        raise ConfigError(f"no room or plug-in '{name}': {did_you_mean(name, known)}")
    table = Table("room", "plug-in", "what it is")
    for room in rooms:
        for plugin in registries[room].names():
            table.add_row(room, plugin, summary(registries[room], plugin))
    out.print(table)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of a public data set; absent: list them.")] = "",
    to: Annotated[Path | None, typer.Option("--out", help="Folder; else HITFORGE_DATA, else public_data.")] = None,
) -> None:
    """Download public data, with a checked SHA-256.

    Example: `hitforge fetch electron_photon_sample`
    """
    from hitforge.readers.public import CATALOGUE
    from hitforge.readers.public import fetch as download

    if not name:
        table = Table(Column("name", no_wrap=True), "files", "licence", "what it is")
        for entry in CATALOGUE.values():
            table.add_row(entry.name, str(len(entry.files)), entry.licence, entry.description)
        out.print(table)
        return
    folder = to or Path(os.environ.get("HITFORGE_DATA") or "public_data")
    with _progress() as progress:
        for path in download(name, folder, progress):
            out.print(f"[bold]{path}[/]")


def main() -> None:
    """Run the command line; every known error becomes one line and an exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        status = app(standalone_mode=False)  # a verb's typer.Exit comes back as its status
    except BaseException as error:
        sys.exit(_explain(error))
    if _interrupted:  # typer may return from an interrupt as if all were well
        sys.exit(_explain(KeyboardInterrupt()))
    sys.exit(status if isinstance(status, int) else 0)


def _explain(error: BaseException) -> int:
    """Print what an error means and return the exit status; raise what is not foreseen."""
    if _interrupted:  # typer and compiled kernels turn an interrupt into errors of their own
        err.print("[bold]interrupted[/]: repeat a simulation as it was, continue a run with --resume")
        return 130
    if isinstance(error, HitforgeError):
        err.print(f"[bold red]error:[/] {_escape(str(error))}")
        return 2 if isinstance(error, ConfigError) else 1
    if type(error).__module__.partition(".")[0] not in ("click", "typer"):
        raise error
    show = getattr(error, "show", None)
    if show is not None:
        show()
    return int(getattr(error, "exit_code", 2))


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit


class _Bars(Progress):
    """Progress bars of the terminal."""

    def __init__(self, display: bars.Progress) -> None:
        self._display = display

    @contextmanager
    def step(self, name: str, total: int, unit: str = "") -> Iterator[Step]:
        task = self._display.add_task(name, total=total, note="", unit=unit)
        yield _Bar(self._display, task)
        self._display.stop_task(task)

    def say(self, message: str) -> None:
        self._display.console.print(_escape(message))


class _Bar:
    def __init__(self, display: bars.Progress, task: bars.TaskID) -> None:
        self._display, self._task = display, task

    def advance(self, amount: int = 1, note: str = "") -> None:
        if note:
            self._display.update(self._task, note=note)
        self._display.advance(self._task, amount)


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (
        bars.TextColumn("{task.description:>12}"),
        bars.BarColumn(30),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[unit]}"),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
        bars.TextColumn("{task.fields[note]}"),
    )
    with bars.Progress(*columns, console=err, refresh_per_second=2) as display:
        yield _Bars(display)


def _run(plan: Any, folder: Path, resume: bool, samples: Path, workers: int) -> Path:
    from hitforge.report.page import write_report
    from hitforge.runs.run import Session
    from hitforge.runs.run import run as execute

    with _progress() as progress:
        execute(plan, folder, Session(samples, _cores(workers), progress), resume=resume)
        write_report(folder)
    return folder


def _summary(folder: Path) -> None:
    """Print what a run measured."""
    from hitforge.runs.folder import is_done

    if not is_done(folder):
        raise RunError(
            "the run must have gone to its end",
            came="an unfinished run",
            where=folder,
            do="continue it with 'hitforge run --resume'",
        )
    methods = json.loads((folder / "methods.json").read_text())
    measured = {c["label"]: json.loads((folder / c["path"] / "metrics.json").read_text()) for c in methods}
    table = Table("number", *measured)
    for name in next(iter(measured.values())):
        if name.count(".") > 1:
            continue
        table.add_row(name, *(_interval(values.get(name)) for values in measured.values()))
    out.print(table)
    if not json.loads((folder / "provenance.json").read_text()).get("truth", True):
        out.print("no truth in these events, and so no efficiency: what was found is counted, and not matched to truth")
    for pair in json.loads((folder / "comparison.json").read_text()):
        for name, value in pair["values"].items():
            if "_ratio_" in name:  # one number a bin: the report draws them
                continue
            out.print(f"{name}: {_escape(pair['first'])} - {_escape(pair['second'])} = {_interval(value)}")
    out.print(f"report: [bold]{folder / 'report.html'}[/]")


def _interval(value: dict[str, Any] | None) -> str:
    if value is None:
        return ""
    if value["low"] == value["high"]:
        return f"{value['value']:.4g}"
    return f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"


def _dataset_table(path: Path) -> None:
    from hitforge.events import Dataset

    dataset = Dataset(path)
    description = dataset.index["description"]
    table = Table(
        "split", "shards", "events", title=f"{path}: {description['detector']['name']}, {description['source']['name']}"
    )
    for split in dataset.splits:
        table.add_row(split, str(len(dataset.files(split))), str(dataset.count(split)))
    out.print(table)
    first = next(iter(dataset.read(dataset.splits[0])))
    columns = Table("field or collection", "unit", "meaning")
    for name, info in first.info.items():
        columns.add_row(name, info.unit, info.description)
    for name, collection in first.collections.items():
        columns.add_row(name, "", f"{collection.rows / len(first):.1f} rows an event: {', '.join(collection.columns)}")
    out.print(columns)


def _print_drops(dataset: Any) -> None:
    """Print the sums of the event fields that count what a reader left out or found far from its place."""
    sums: dict[str, list[float]] = {}
    for split in dataset.splits:
        for events in dataset.read(split, set()):
            for name, info in events.info.items():
                if name.startswith(("dropped_", "far_hits")):
                    values = events.field(name).astype(float)
                    found = sums.setdefault(f"{name} [{info.unit}]" if info.unit else name, [0.0, 0.0])
                    found[0] += values.sum()
                    found[1] += (values > 0).sum()
    for name, (total, count) in sums.items():
        out.print(_escape(f"{name}: {total:.10g} in {count:.0f} events"))


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError("a setting must be KEY=VALUE", came=text)
    return key, parse_yaml(value, f"--set {key}")


def _cores(workers: int) -> int:
    return (
        workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else workers or os.cpu_count() or 1
    )


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


_interrupted: list[int] = []


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interrupted.append(number)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
