"""Recipes: one YAML file, blocks in road order, checked as a whole before anything runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hitforge.baselines import BASELINES, Baseline
from hitforge.core.config import dump_yaml, read_yaml
from hitforge.core.errors import ConfigError, did_you_mean
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Source
from hitforge.methods.tiles import require_tiles
from hitforge.metrics import METRICS, Metric
from hitforge.models import MODELS, Model
from hitforge.objects import Kind
from hitforge.readers import READERS
from hitforge.recipe.blocks import Block, Blocks, EvaluationConfig, Expect
from hitforge.recipe.checks import check_batch, check_depends_on, check_evaluation, check_rows
from hitforge.recipe.monitor import Monitor, monitor_of
from hitforge.recipe.overrides import apply, override
from hitforge.recipe.region import with_region, without_region
from hitforge.recipe.shipped import find_recipe
from hitforge.recipe.target import build_target
from hitforge.representations import REPRESENTATIONS, Representation
from hitforge.representations.region import RegionSettings
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import TASKS, Task
from hitforge.training.config import TrainingConfig

WORDS = ("title", "label", "description", "expect")
"""The blocks that change no number."""


@dataclass(frozen=True)
class Recipe:
    """A recipe whose names and settings are all known to fit together.

    Attributes:
        name: File name without its ending.
        folder: Folder of the file, for the files that it names.
        raw: The blocks as they were written, with overrides applied.
        parts: All blocks but the model's, with every default filled in.
        settings: What changed the file, as ``key=value``.
    """

    name: str
    folder: Path
    raw: Block
    parts: Block
    blocks: Blocks
    detector: Detector
    source: Source
    representation: Representation | None
    task: Task
    target: Kind | None
    baselines: tuple[Baseline, ...]
    metrics: tuple[Metric, ...]
    settings: tuple[str, ...] = ()

    @cached_property
    def model(self) -> Model | None:
        """The network's family, None without one; built when first asked for, as that imports its framework.

        Raises:
            ConfigError: It does not fit representation, task or engine.
        """
        if self.blocks.model is None or self.representation is None:
            return None
        model = MODELS.build(self.blocks.model, where=f"{self.name}: model")
        model.check(self.representation.shapes())
        check_rows(model, self.task, self.name)
        if self.training.engine not in model.engines():
            raise ConfigError(
                f"the model '{model.name}' can be trained by {', '.join(model.engines())}",
                came=f"engine: {self.training.engine}",
                where=f"{self.name}: training",
            )
        return model

    @cached_property
    def resolved(self) -> Block:
        """The blocks with every default filled in."""
        return self.parts if self.model is None else self._with_model(self.model.block)

    def _with_model(self, model: Block) -> Block:
        """All blocks, the model's behind the representation's."""
        return {
            name: block
            for key in self.parts
            for name, block in ({key: self.parts[key]} | ({"model": model} if key == "representation" else {})).items()
        }

    @cached_property
    def monitor(self) -> Monitor:
        """The number that the training watches.

        Raises:
            ConfigError: The task and its metrics give no such number.
        """
        where = f"{self.name}: training.monitor"
        return monitor_of(self.task, self.metrics, self.training.monitor, where)

    @property
    def title(self) -> str:
        """Name in the report."""
        return self.blocks.title or self.name

    @property
    def label(self) -> str:
        """What the network is called: as the recipe says, else as its model."""
        return self.blocks.label or ("" if self.model is None else self.model.name.replace("_", " "))

    @property
    def object_kind(self) -> Kind | None:
        """What the methods find: the target, unless the task only prepares for others (an embedding)."""
        return self.target if self.task.kind is not None else None

    @property
    def training(self) -> TrainingConfig:
        """The ``training`` block."""
        return self.blocks.training

    @property
    def evaluation(self) -> EvaluationConfig:
        """The ``evaluation`` block."""
        return self.blocks.evaluation

    @property
    def expect(self) -> Expect | None:
        """The ``expect`` block."""
        return self.blocks.expect

    def yaml(self, *, network: bool = True) -> str:
        """The resolved recipe as YAML; without ``network`` the model's block as it was written."""
        if network or self.blocks.model is None:
            return dump_yaml(self.resolved if network else self.parts)
        return dump_yaml(self._with_model(self.blocks.model))

    def hash(self, *keys: str) -> str:
        """SHA-256 of some resolved blocks; of all but ``expect`` and words if none is named."""
        names = keys or tuple(k for k in self.resolved if k not in WORDS)
        return hashlib.sha256(json.dumps({k: self.resolved.get(k) for k in names}, sort_keys=True).encode()).hexdigest()

    def but(self, settings: Mapping[str, Any]) -> Recipe:
        """Return this recipe with other settings, by dotted key, and without its own comparisons."""
        raw = json.loads(json.dumps(self.raw))
        for key in ("expect", "label"):
            raw.pop(key, None)
        evaluation = raw.setdefault("evaluation", {})
        for key in ("compare", "sweep", "seeds", "baselines", "reference"):
            evaluation.pop(key, None)
        for key, value in settings.items():
            override(raw, key, value)
        return resolve(raw, self.name, self.folder, settings=self.settings)


def read_recipe(recipe: str | Path, overrides: Sequence[str] = (), *, network: bool = True) -> Recipe:
    """Read, change and check a recipe.

    Args:
        recipe: A YAML file, or the name of a shipped recipe.
        overrides: Strings ``key=value``, such as ``training.lr=1e-3``; the value is read as YAML.
        network: Check the model too, which imports its framework.

    Raises:
        ConfigError: A key, name, value or combination is wrong.
    """
    path = find_recipe(recipe)
    raw = read_yaml(path)
    apply(raw, overrides)
    return resolve(raw, path.stem, path.parent, network=network, settings=overrides)


def resolve(raw: Block, name: str, folder: Path, *, network: bool = True, settings: Sequence[str] = ()) -> Recipe:
    """Check blocks and build every plug-in of a recipe; the model only if ``network``.

    Args:
        raw: The blocks.
        name: Name of the recipe.
        folder: For the files that it names.
        network: Check the model too, which imports its framework.
        settings: What changed the blocks, to be told of.

    Raises:
        ConfigError: Something does not fit; the message says where.
    """
    blocks = Blocks.read(raw, where=name)
    detector, detector_block = _build(DETECTORS, blocks.detector, f"{name}: detector")
    source_class, source_config = source_registry(blocks.source, name).configure(blocks.source, f"{name}: source")
    source = source_class(source_config, detector)
    target = build_target(blocks, detector, name)
    region = None if blocks.region is None else _dump_region(blocks.region, name)
    asked = with_region(TASKS, blocks.task, region, f"{name}: task")
    task, task_block = _build(TASKS, asked, f"{name}: task", detector, target)
    representation = None
    parts: Block = {
        "title": blocks.title,
        "description": blocks.description,
        **({"label": blocks.label} if blocks.label else {}),
        **({"depends_on": blocks.depends_on} if blocks.depends_on else {}),
        "detector": detector_block,
        "source": source.block,
        **({"target": target.block} if target is not None else {}),
        **({"region": region} if region is not None else {}),
    }
    if blocks.representation is not None:
        where = f"{name}: representation"
        given = with_region(REPRESENTATIONS, blocks.representation, region, where)
        of_objects = REPRESENTATIONS.configure(given, where)[0].kind is not None
        arguments = (detector, target) if of_objects else (detector,)
        representation, parts["representation"] = _build(REPRESENTATIONS, given, where, *arguments)
        parts["representation"] = without_region(parts["representation"])
    parts["task"] = without_region(task_block)
    evaluation = blocks.evaluation
    where = f"{name}: evaluation.baselines"
    baselines = [
        _build(BASELINES, with_region(BASELINES, item, region, where), where, detector, task)
        for item in evaluation.baselines
    ]
    chosen = list(task.usual_metrics) if evaluation.metrics is None else evaluation.metrics
    metrics = [_build(METRICS, item, f"{name}: evaluation.metrics", target) for item in chosen]
    if any(_counts_from_region(one) for one in (task, representation, *(b for b, _ in baselines))):
        parts.setdefault("region", _dump_region({}, name))  # the usual one is written out, too
    elif region is not None:
        raise ConfigError("a 'region' needs a part that counts from it", came="none", where=name)
    check_batch(blocks, task, name)
    check_depends_on(representation, blocks.depends_on, name)
    if blocks.evaluation.tile and representation is not None:
        require_tiles(representation, blocks.evaluation.tile)
    check_evaluation(blocks, name, [block["name"] for _, block in baselines], [metric.name for metric, _ in metrics])
    if evaluation.reference is not None:
        reference, where = evaluation.reference, f"{name}: evaluation.reference"
        other = DETECTORS.build(reference.detector, where=where)
        source_registry(reference.source, where).build(reference.source, other, where=where)
    parts["training"] = blocks.training.model_dump()
    parts["evaluation"] = {
        **evaluation.model_dump(),
        "baselines": [without_region(block) for _, block in baselines],
        "metrics": [m for _, m in metrics],
    }
    if blocks.expect is not None:
        parts["expect"] = blocks.expect.model_dump()
    recipe = Recipe(
        name,
        folder,
        raw,
        parts,
        blocks,
        detector,
        source,
        representation,
        task,
        target,
        tuple(b for b, _ in baselines),
        tuple(m for m, _ in metrics),
        tuple(settings),
    )
    if network and recipe.model is not None:
        recipe.monitor  # noqa: B018 - it is checked when it is first asked for
    return recipe


def source_registry(block: Mapping[str, Any], where: str) -> Registry[Any]:
    """Return the registry that knows the source of a block: the simulation or the readers."""
    name = block.get("name")
    if name in READERS.names():
        return READERS
    if name in SIMULATIONS.names():
        return SIMULATIONS
    known = [*SIMULATIONS.names(), *READERS.names()]
    raise ConfigError(f"no source '{name}': {did_you_mean(str(name), known)}", where=f"{where}: source")


def _build(registry: Registry[Any], block: Any, where: str, *arguments: Any) -> tuple[Any, Block]:
    plugin = registry.build(block, *arguments, where=where)
    return plugin, plugin.block


def _dump_region(block: Block, name: str) -> Block:
    """The ``region`` block with every default filled in."""
    return RegionSettings.read(block, where=f"{name}: region").model_dump(mode="json")


def _counts_from_region(plugin: Plugin | None) -> bool:
    """True if a part has a region, or a representation with one."""
    config = getattr(plugin, "config", None)
    return hasattr(config, "region") or "region" in (getattr(config, "representation", None) or {})
