"""The methods of a finished run, which answer for other events."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from hitforge.core.errors import ConfigError
from hitforge.core.files import read_json
from hitforge.detectors import Detector
from hitforge.events import Dataset, Events
from hitforge.library.batches import mark_fitted
from hitforge.library.data import Files
from hitforge.library.numbers import Numbers
from hitforge.library.plugins import detector as detector_of
from hitforge.library.plugins import geometry
from hitforge.library.showing import shown
from hitforge.metrics import Predictions, Value
from hitforge.runs import trained
from hitforge.runs.inputs import Inputs, guess_reader, is_dataset, name_inputs, reader_block
from hitforge.runs.measure import read_predictions


class FittedMethod:
    """A network or a classical algorithm of a finished run: its numbers, its predictions, and its answers to others.

    Attributes:
        label: Its name in the report.
        name: Its name in numbers.
        kind: ``network``, ``baseline`` or ``comparison``.
        folder: Where its results are.

    Example:
        >>> trees = hf.load("runs/demo")["boosted trees"]
        >>> trees.metrics["test.roc_auc"]
    """

    def __init__(self, run: Path, record: Mapping[str, Any]) -> None:
        self._run = run
        self.label, self.name, self.kind = str(record["label"]), str(record["name"]), str(record["kind"])
        self.folder = run / str(record["path"])

    def __repr__(self) -> str:
        return f"FittedMethod('{self.label}', {self.kind}, in {self._run})"

    @cached_property
    def metrics(self) -> Numbers:
        """What it reached on the test events, by the names of ``metrics.json``, such as ``test.roc_auc``."""
        values = read_json(self.folder / "metrics.json", dict)
        return Numbers({name: Value(**one) for name, one in values.items()})

    @cached_property
    def predictions(self) -> Predictions:
        """Its answers to the test events of the run, beside the truth."""
        return read_predictions(self.folder)

    @cached_property
    def trained(self) -> trained.Trained:
        """What was fitted, with its weights, on a GPU if there is one."""
        found = trained.load(self._run, self.label)
        if found.representation is not None:
            mark_fitted(found.representation)
        return found

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
        """Answer for any events; see ``Run.answer``."""
        if isinstance(what, (str, Path)) and is_dataset(str(what)):
            what = Dataset(Path(what))
        _refuse_ignored(what, split, {"reader": reader, **settings})
        fitted = self.trained
        if detector is not None and not _alike(geometry(detector), fitted.detector):
            fitted = trained.load(self._run, self.label, geometry(detector))
        if isinstance(what, Dataset):
            own = detector_of(what)
            if not _alike(own, fitted.detector):
                raise ConfigError(
                    f"the events must be of the detector {fitted.detector.name} that the method looks at",
                    came=f"{own.name}, or other settings of it",
                    where=what.path,
                    do="if it can look at both, say so: detector=hf.detector(dataset)",
                )
            events = what.events(split or "test")
        else:
            events = what if isinstance(what, Events) else _events_of_files(what, fitted, reader, settings)
        with shown(progress) as bars:
            return fitted.answer(events, truth=truth, progress=bars)


def _refuse_ignored(what: Any, split: str | None, of_files: dict[str, Any]) -> None:
    """Refuse what would have no effect, such as a misspelt name."""
    named = [name for name, value in of_files.items() if value is not None]
    if isinstance(what, (Events, Dataset)) and named:
        raise ConfigError("a reader and its settings are for files", came=", ".join(named), do="leave them out")
    if split is not None and not isinstance(what, Dataset):
        raise ConfigError("'split' is for datasets: of other events all are answered for", came=f"'{split}'")
    if isinstance(what, (list, tuple)) and any(is_dataset(str(one)) for one in what):
        raise ConfigError("datasets must be given one by one", came=f"{len(what)} names with a dataset among them")


def _alike(one: Detector, other: Detector) -> bool:
    return bool(one.block == other.block)


def _events_of_files(what: Any, fitted: trained.Trained, reader: str | None, settings: dict[str, Any]) -> Events:
    """All events of files in their order, with ``file`` and ``event``; the reader is found where it is not named."""
    if not isinstance(what, (str, Path, list, tuple)) or not what:
        raise ConfigError("events must be Events, a Dataset, or files", came=what or type(what).__name__)
    names = [str(what)] if isinstance(what, (str, Path)) else [str(one) for one in what]
    try:
        chosen = reader or guess_reader(fitted.recipe, names, fitted.detector)
    except ConfigError as error:
        do = "name it: reader='...', and the detector of the files: detector='...'"
        raise ConfigError(error.must, came=error.came, where=error.where, do=do) from None
    block = reader_block(fitted.recipe, chosen, settings, truth=True)
    inputs = Inputs(block)
    found = enumerate(name_inputs(names, block, fitted.detector))
    return Events.concatenate([part for number, name in found for part in inputs.read(name, number, fitted.detector)])
