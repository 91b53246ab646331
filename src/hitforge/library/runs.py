"""Runs: trained, opened again, asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from hitforge.core.errors import ConfigError, RunError, did_you_mean
from hitforge.core.files import read_json
from hitforge.core.tables import html_table, text_table
from hitforge.detectors import Detector
from hitforge.events import Dataset, Events
from hitforge.library.data import Files, sizes_of
from hitforge.library.methods import FittedMethod
from hitforge.library.numbers import Numbers
from hitforge.library.recipes import changes, recipe_of, told
from hitforge.library.showing import shown
from hitforge.metrics import Predictions, Value
from hitforge.objects import Kind
from hitforge.recipe.recipe import Recipe
from hitforge.representations import Representation
from hitforge.runs import trained
from hitforge.runs.folder import open_recipe
from hitforge.runs.headline import headline
from hitforge.tasks import Task


class Run:
    """A finished run: its numbers, its predictions, its report, and its methods, which answer for any events.

    It shows itself as a table: a row a method, with the main numbers and their 68.3 % intervals.

    Attributes:
        folder: The run's folder.
        methods: Label -> method, the run's own first.

    Example:
        >>> run = hf.load("runs/demo")
        >>> run.answer(events).score  # (N,) probability of the signal
        >>> run["boosted trees"].metrics["test.roc_auc"].value
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.methods = {str(record["label"]): FittedMethod(folder, record) for record in trained.records(folder)}

    def __getitem__(self, label: str) -> FittedMethod:
        found = [one for one in self.methods.values() if label in (one.label, one.name)]
        if not found:
            known = did_you_mean(label, self.methods)
            raise ConfigError(f"the run has no method '{label}': {known}", where=self.folder)
        return found[0]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.methods)

    def __repr__(self) -> str:
        return text_table(*self._table(), title=f"Run '{self.folder}': {self.recipe.title}")

    def _repr_html_(self) -> str:
        title, note = f"{self.recipe.title}", f"{self.folder}; report: {self.report}"
        return html_table(*self._table(), title=title, note=note)

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        from hitforge.report.numbers import measured

        told = {
            one.label: {name: asdict(value) for name, value in one.metrics.items()} for one in self.methods.values()
        }
        names = headline({name: value for values in reversed(told.values()) for name, value in values.items()})[:6]
        head = ("method", *(name.removeprefix("test.").replace("_", " ") for name in names))
        rows = [
            (label, *(measured(values[name]) if name in values else "" for name in names))
            for label, values in told.items()
        ]
        return head, rows

    @property
    def own(self) -> FittedMethod:
        """The run's own method: its network, or its first classical algorithm."""
        return next(iter(self.methods.values()))

    @cached_property
    def recipe(self) -> Recipe:
        """What was run, with every default filled in."""
        return open_recipe(self.folder, network=False)

    @property
    def detector(self) -> Detector:
        """Detector of the run."""
        return self.recipe.detector

    @property
    def task(self) -> Task:
        """What was asked."""
        return self.recipe.task

    @property
    def target(self) -> Kind | None:
        """Which objects were to be found; None where none are."""
        return self.recipe.object_kind

    @property
    def representation(self) -> Representation | None:
        """What the network is given, fitted; None without one."""
        return self.own.trained.representation

    @property
    def metrics(self) -> Numbers:
        """What the run's own method reached, such as ``run.metrics["test.roc_auc"]``."""
        return self.own.metrics

    @property
    def predictions(self) -> Predictions:
        """Answers of the run's own method to the test events, beside the truth."""
        return self.own.predictions

    @property
    def report(self) -> Path:
        """The page with all figures."""
        return self.folder / "report.html"

    @cached_property
    def comparisons(self) -> dict[str, Numbers]:
        """Paired differences on the same events, own minus other: label of the other -> numbers."""
        pairs = read_json(self.folder / "comparison.json", list)
        return {
            str(pair["second"]): Numbers({name: Value(**one) for name, one in pair["values"].items()}) for pair in pairs
        }

    def answer(
        self,
        what: Events | Dataset | Files,
        *,
        truth: bool | None = None,
        split: str | None = None,
        reader: str | None = None,
        detector: Detector | str | None = None,
        progress: bool | None = None,
        **settings: Any,
    ) -> Predictions:
        """Let the run's own method answer for any events of its detector, with or without truth.

        Args:
            what: Events, a dataset or its folder, or files of others.
            truth: Set the answers beside the truth; None: where the events have it.
            split: Part of a dataset; ``test`` if None.
            reader: Format of files; None: the one that the run read, or the only one that can open them.
            detector: Of the events, where it is another than the run's that the method can look at as well, such as the
                pixels of real images beside simulated ones.
            progress: Show bars; None: in notebooks alone.
            **settings: Of the reader.

        Returns:
            Predictions: ``columns`` by name, (N,) each, and ``tables`` of objects. Of a classification ``score`` is the
            probability of the signal, (N,).

        Example:
            >>> hf.load("runs/demo").answer("images.h5", reader="ml4sci_hdf5").score
        """
        asked: dict[str, Any] = {"truth": truth, "split": split, "reader": reader, "detector": detector}
        return self.own.answer(what, progress=progress, **asked, **settings)


def run(
    recipe: str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    events: int | Mapping[str, int] | None = None,
    settings: Mapping[str, Any] | None = None,
    resume: bool = True,
    report: bool = True,
    samples: str | Path = "samples",
    workers: int = 1,
    progress: bool | None = None,
) -> Run:
    """Simulate or read, train, measure every method on the same events, and write a report.

    Args:
        recipe: The name of a shipped recipe (``hf.plugins("recipes")``), a YAML file, or its blocks: ``detector``,
            ``source``, ``representation``, ``model``, ``task`` and so on, each a name, a dict with a ``name``, or what
            ``hf.detector`` and the others return. Or the folder of a run that is to go on.
        out: Run folder; ``runs/NAME`` if None.
        events: Number of simulated events: all together, divided as the recipe divides its own, or those of each split.
        settings: Settings to change, by dotted key, such as ``{"training.epochs": 2}``.
        resume: A run of the same recipe in the folder goes on, also with more epochs or another evaluation, or is
            returned as it is where it is finished; False: the folder must be new.
        report: Write the page.
        samples: Folder of the datasets that runs share.
        workers: Processes that make events.
        progress: Show bars; None: in notebooks alone.

    Example:
        >>> run = hf.run("electron_photon/demo", events=5000, settings={"training.epochs": 2})
        >>> run.metrics["test.roc_auc"].value
    """
    from hitforge.report.page import write_report
    from hitforge.runs.run import Session
    from hitforge.runs.run import run as execute

    changed = changes(settings)
    own = Path(recipe) if isinstance(recipe, (str, Path)) and (Path(recipe) / "recipe.yaml").is_file() else None
    if own is not None and (events is not None or out is not None):
        raise ConfigError("a run goes on in its own folder, with its own events", came="'events' or 'out'", where=own)
    if events is not None:
        sizes = sizes_of(recipe_of(recipe, changed, network=False).source, events)
        changed |= {f"source.{split}": count for split, count in sizes.items()}
    plan = recipe_of(recipe, changed) if own is None else open_recipe(own, told(changed))
    folder = own or Path(out or Path("runs") / plan.name)

    def page(folder: Path) -> None:
        drawn, measured = folder / "report.html", folder / "comparison.json"
        if not drawn.exists() or drawn.stat().st_mtime_ns < measured.stat().st_mtime_ns:
            write_report(folder)  # else nothing is new: a cell was run again

    with shown(progress) as bars:
        execute(plan, folder, Session(Path(samples), workers, bars), resume=resume, report=page if report else None)
    return Run(folder)


def load(folder: str | Path) -> Run:
    """Open a finished run.

    Args:
        folder: That ``hf.run`` or the command line wrote.

    Example:
        >>> hf.load("runs/demo").metrics["test.roc_auc"]
    """
    path = Path(folder)
    if (path / "dataset.json").exists() and not (path / "recipe.yaml").exists():
        raise RunError("the folder must be a run", came="a dataset", where=path, do="open it with hf.open")
    return Run(path)
