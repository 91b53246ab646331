"""Plug-ins by name, with settings as keywords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hitforge.core.config import read_yaml
from hitforge.core.errors import ConfigError, did_you_mean
from hitforge.core.tables import html_table, text_table
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Dataset, Source

if TYPE_CHECKING:
    from hitforge.baselines import Baseline
    from hitforge.core.registry import Registry
    from hitforge.metrics import Metric
    from hitforge.models import Model
    from hitforge.objects import Kind
    from hitforge.recipe.blocks import Block
    from hitforge.representations import Representation
    from hitforge.tasks import Task


def plugins(room: str | None = None) -> list[str]:
    """Return the names of the plug-ins of a room; without a room, the names of the rooms, ``recipes`` among them.

    Args:
        room: Such as ``models``.

    Example:
        >>> hf.plugins("detectors")[:2]
        ['crystal_barrel', 'hgcal']
    """
    from hitforge.recipe.catalogue import REGISTRIES
    from hitforge.recipe.shipped import shipped

    if room is None:
        return [*REGISTRIES, "recipes"]
    if room == "recipes":
        return shipped()
    if room not in REGISTRIES:
        raise ConfigError(f"no room '{room}': {did_you_mean(room, [*REGISTRIES, 'recipes'])}")
    return REGISTRIES[room].names()


class Settings:
    """The settings of a plug-in as a table: name, type, default and meaning; it shows itself.

    Example:
        >>> "widths" in hf.settings("residual").names
        True
    """

    def __init__(self, title: str, rows: list[tuple[str, str, str, str]]) -> None:
        self.title, self.rows = title, rows

    @property
    def names(self) -> list[str]:
        """Names of the settings."""
        return [row[0] for row in self.rows]

    def __repr__(self) -> str:
        return text_table(("setting", "type", "default", "meaning"), self.rows, self.title)

    def _repr_html_(self) -> str:
        return html_table(("setting", "type", "default", "meaning"), self.rows, self.title)


def settings(name: str) -> Settings:
    """Return the settings of a plug-in with their types, defaults and meanings.

    Args:
        name: Of a plug-in of any room.

    Example:
        >>> hf.settings("crystal_barrel").title.split(":")[0]
        'crystal_barrel (detectors)'
    """
    from hitforge.recipe.catalogue import REGISTRIES, settings_of, summary

    owner = next((one for one in REGISTRIES.values() if name in one.names()), None)
    if owner is None:
        known = [plugin for one in REGISTRIES.values() for plugin in one.names()]
        raise ConfigError(f"no plug-in '{name}': {did_you_mean(name, known)}")
    rows = [(row[0], row[1], row[2], row[3]) for row in settings_of(owner, name)]
    return Settings(f"{name} ({owner.room}): {summary(owner, name)}", rows)


def recipe_blocks(name: str) -> Block:
    """Return the blocks of a recipe, for ``hf.run``, as they are written: a dict that may be changed.

    Args:
        name: A name of ``hf.plugins("recipes")``, or a YAML file.

    Example:
        >>> hf.recipe_blocks("electron_photon/demo")["model"]["name"]
        'residual'
    """
    from hitforge.recipe.shipped import find_recipe

    blocks: Block = read_yaml(find_recipe(name))
    return blocks


def detector(name: str | Dataset, **settings: Any) -> Detector:
    """Build a detector, or return that of a dataset.

    Args:
        name: A name of ``hf.plugins("detectors")``, or a dataset.
        **settings: See ``hf.settings(name)``.

    Example:
        >>> hf.detector("crystal_barrel").grid_shape
        (170, 360)
    """
    if isinstance(name, Dataset):
        if settings:
            raise ConfigError("a dataset has its detector already", came=", ".join(settings), do="leave them out")
        block = name.index.get("description", {}).get("detector")
        return DETECTORS.build(block or "", where=f"{name.path}: detector")
    return DETECTORS.build({"name": name, **settings}, where=f"detector '{name}'")


def source(name: str, detector: Detector | str, **settings: Any) -> Source:
    """Build a source of events: a simulation, or a reader with the files that it reads.

    Args:
        name: A name of ``hf.plugins("simulation")`` or ``hf.plugins("readers")``.
        detector: Where the events happen.
        **settings: See ``hf.settings(name)``; of a simulation for instance ``train``, ``validation`` and ``test``,
            the numbers of events, of a reader ``path``.

    Example:
        >>> hf.source("particle_gun", "crystal_barrel", train=100, pt=(20, 80)).splits()["train"]
        1
    """
    from hitforge.recipe.recipe import source_registry

    block = {"name": name, **settings}
    built: Source = source_registry(block, f"source '{name}'").build(
        block, geometry(detector), where=f"source '{name}'"
    )
    return built


def target(name: str, detector: Detector | str, **settings: Any) -> Kind:
    """Say which objects are to be found: the ``target`` of a recipe.

    Args:
        name: A kind of object, a name of ``hf.plugins("objects")``.
        detector: Where they are looked for.
        **settings: See ``hf.settings(name)``.

    Example:
        >>> hf.target("track", "silicon_barrel_endcap", min_pt=1.5).config.min_pt
        1.5
    """
    from hitforge.objects import KINDS

    return KINDS.build({"name": name, **settings}, geometry(detector), where=f"target '{name}'")


def representation(name: str, detector: Detector | str, target: Kind | None = None, **settings: Any) -> Representation:
    """Build what turns events into the arrays that a network takes; ``hf.batches`` fits it where that is needed.

    Args:
        name: A name of ``hf.plugins("representations")``.
        detector: Of the events.
        target: Which objects are to be found, for the representations that have a kind of object.
        **settings: See ``hf.settings(name)``.

    Example:
        >>> image = hf.representation("image", "crystal_barrel", rows=8, columns=8, channels=["log_energy"])
        >>> image.shapes()
        {'image': (8, 8, 1)}
    """
    from hitforge.representations import REPRESENTATIONS

    built: Representation = _with_target(REPRESENTATIONS, name, settings, geometry(detector), target)
    return built


def task(name: str, detector: Detector | str | None = None, target: Kind | None = None, **settings: Any) -> Task:
    """Build what a network is asked: target, loss, and what its numbers mean.

    Args:
        name: A name of ``hf.plugins("tasks")``.
        detector: Of the events, for tasks that need it.
        target: Which objects are to be found, for tasks that find objects.
        **settings: See ``hf.settings(name)``.

    Example:
        >>> hf.task("classify").classes
        ('photon', 'electron')
    """
    from hitforge.tasks import TASKS

    where = None if detector is None else geometry(detector)
    return TASKS.build({"name": name, **settings}, where, target, where=f"task '{name}'")


def model(name: str, **settings: Any) -> Model:
    """Build the family of a network; ``torch(shapes, outputs)`` makes the PyTorch network itself.

    Args:
        name: A name of ``hf.plugins("models")``.
        **settings: See ``hf.settings(name)``.

    Example:
        >>> network = hf.model("plain_cnn").torch({"image": (8, 8, 1)}, 2)  # a torch.nn.Module
    """
    from hitforge.models import MODELS

    return MODELS.build({"name": name, **settings}, where=f"model '{name}'")


def baseline(name: str, detector: Detector | str, task: Task, **settings: Any) -> Baseline:
    """Build a classical algorithm.

    Args:
        name: A name of ``hf.plugins("baselines")``.
        detector: Of the events.
        task: What it is asked.
        **settings: See ``hf.settings(name)``.

    Example:
        >>> trees = hf.baseline("boosted_trees", "crystal_barrel", hf.task("classify"), rounds=50)
    """
    from hitforge.baselines import BASELINES

    return BASELINES.build({"name": name, **settings}, geometry(detector), task, where=f"baseline '{name}'")


def metric(name: str, target: Kind | None = None, **settings: Any) -> Metric:
    """Build the definition of a number, for ``hf.measure`` and ``hf.compare``.

    Args:
        name: A name of ``hf.plugins("metrics")``.
        target: Which objects are to be found, for metrics of objects; the kind's usual ones if None.
        **settings: See ``hf.settings(name)``.

    Example:
        >>> hf.metric("roc_auc").version
        1
    """
    from hitforge.metrics import METRICS

    return METRICS.build({"name": name, **settings}, target, where=f"metric '{name}'")


def geometry(detector: Detector | str) -> Detector:
    """Return a detector, which may be given by its name."""
    if isinstance(detector, Detector):
        return detector
    if not isinstance(detector, str):
        raise ConfigError("a detector must be a name or what hf.detector returns", came=type(detector).__name__)
    return DETECTORS.build(detector, where=f"detector '{detector}'")


def _with_target(
    registry: Registry[Any], name: str, settings: dict[str, Any], detector: Detector, target: Kind | None
) -> Any:
    """Build a plug-in that takes a target if it has a kind of object."""
    cls, config = registry.configure({"name": name, **settings}, f"{registry.room.removesuffix('s')} '{name}'")
    return cls(config, detector, target) if cls.kind is not None else cls(config, detector)
