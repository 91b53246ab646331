"""Types of the public names; see ``__init__.py``."""

from hitforge.core.errors import ConfigError, DataError, HitforgeError, MissingExtraError, RunError
from hitforge.events import Collection, Dataset, Events
from hitforge.library.batches import batches
from hitforge.library.data import convert, read, simulate, write
from hitforge.library.data import open_dataset as open
from hitforge.library.drawing import Drawing
from hitforge.library.figures import display, plot
from hitforge.library.numbers import Numbers, compare, measure
from hitforge.library.plugins import (
    baseline,
    detector,
    metric,
    model,
    plugins,
    recipe_blocks,
    representation,
    settings,
    source,
    target,
    task,
)
from hitforge.library.runs import Run, load, run
from hitforge.metrics import Predictions, Value

__version__: str
__all__ = [
    "Collection",
    "ConfigError",
    "DataError",
    "Dataset",
    "Drawing",
    "Events",
    "HitforgeError",
    "MissingExtraError",
    "Numbers",
    "Predictions",
    "Run",
    "RunError",
    "Value",
    "baseline",
    "batches",
    "compare",
    "convert",
    "detector",
    "display",
    "load",
    "measure",
    "metric",
    "model",
    "open",
    "plot",
    "plugins",
    "read",
    "recipe_blocks",
    "representation",
    "run",
    "settings",
    "simulate",
    "source",
    "target",
    "task",
    "write",
]
