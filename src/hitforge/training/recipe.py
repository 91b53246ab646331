"""Recipes: one YAML file, blocks in road order, checked as a whole before anything runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hitforge.baselines import BASELINES, Baseline
from hitforge.core.config import Config, dump_yaml, parse_yaml, read_yaml
from hitforge.core.errors import ConfigError, did_you_mean
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Source
from hitforge.metrics import METRICS, Metric
from hitforge.models import MODELS, Model
from hitforge.readers import READERS
from hitforge.representations import REPRESENTATIONS, Representation
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import TASKS, Task
from hitforge.training.config import TrainingConfig
from hitforge.training.tiles import require_tiles

Block = dict[str, Any]
NETWORK = ("representation", "model", "task", "training")
"""The blocks that make a network; two recipes with the same ones train the same network."""


class Rival(Config):
    """Another network on the same events: this recipe with other settings, or another recipe."""

    label: str = Field(min_length=1, description="name in the report")
    recipe: str | None = Field(None, description="recipe file beside this one; this recipe if absent")
    set: dict[str, Any] = Field(default_factory=dict, description="settings to change, by dotted key")


class Reference(Config):
    """A second sample that the report sets beside the recipe's own, such as real images beside simulated ones."""

    label: str = Field(description="name in the report")
    detector: Block = Field(description="its detector")
    source: Block = Field(description="where it comes from")
    split: Literal["train", "validation", "test"] = Field("train", description="part of it to show")


class EvaluationConfig(Config):
    """The ``evaluation`` block."""

    baselines: list[Block | str] = Field(default_factory=list, description="classical algorithms on the same events")
    metrics: list[Block | str] | None = Field(None, description="what is measured; where absent, the task's usual")
    compare: list[Rival] = Field(default_factory=list, description="other networks on the same events")
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="dotted key -> settings: one more network for each combination of them"
    )
    seeds: list[int] = Field(default_factory=list, description="further training seeds of the same network")
    fields: list[str] = Field(default_factory=lambda: ["pt", "eta"], description="event fields kept with predictions")
    reference: Reference | None = Field(None, description="a second sample to set beside the recipe's own")
    saliency: int = Field(6, ge=0, description="test events that are explained in the report")
    seed: int = Field(1, ge=0, description="bootstrap replicas")
    tile: float = Field(
        0.0,
        ge=0,
        le=10_000,
        description="edge of the squares that whole events of showers are cut into for the network, which then looks "
        "at each with its margins [mm]; 0 looks at one square an event",
    )


class Expected(Config):
    """A measured number that a repetition must find again."""

    value: float
    tolerance: float = Field(gt=0, description="largest difference that is accepted")


class Expect(Config):
    """The ``expect`` block: what the recipe gave when it was measured, and on what."""

    metrics: dict[str, Expected] = Field(default_factory=dict)
    minimum: dict[str, float] = Field(default_factory=dict, description="numbers that must not fall below these")
    device: str = ""
    wall_s: float = Field(0.0, ge=0, description="seconds that it took")
    seed: int = 1
    unmeasured: str = Field("", description="why there are no numbers, such as data that are fetched by the user")

    @model_validator(mode="after")
    def _states_something(self) -> Expect:
        if not (self.metrics or self.minimum or self.unmeasured):
            raise ValueError("'expect' must hold metrics, or say in 'unmeasured' why it holds none")
        if self.wall_s and not self.device.strip():
            raise ValueError("'wall_s' must name in 'device' the unit that it was measured with")
        return self


class _Blocks(Config):
    """The recipe as it is written."""

    title: str = ""
    description: str = ""
    needs: dict[str, str] = Field(
        default_factory=dict, description="network that the representation uses -> recipe file beside this one"
    )
    detector: Block
    source: Block
    representation: Block | None = None
    model: Block | None = None
    task: Block
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    expect: Expect | None = None

    @model_validator(mode="after")
    def _has_a_contestant(self) -> _Blocks:
        if self.model is None and not self.evaluation.baselines:
            raise ValueError("a recipe must have a 'model' or 'evaluation.baselines'")
        if self.model is not None and self.representation is None:
            raise ValueError("a recipe with a 'model' must have a 'representation'")
        return self

    @field_validator("needs")
    @classmethod
    def _is_recipe(cls, values: dict[str, str]) -> dict[str, str]:
        if any(not file.endswith((".yaml", ".yml")) for file in values.values()):
            raise ValueError("each network must be named by its recipe, a .yaml file")
        return values


@dataclass(frozen=True)
class Recipe:
    """A recipe whose names and settings are all known to fit together.

    Attributes:
        name: File name without its ending.
        folder: Folder of the file, for the files that it names.
        raw: The blocks as they were written, with overrides applied.
        resolved: The blocks with every default filled in.
    """

    name: str
    folder: Path
    raw: Block
    resolved: Block
    blocks: _Blocks
    detector: Detector
    source: Source
    representation: Representation | None
    model: Model | None
    task: Task
    baselines: tuple[Baseline, ...]
    metrics: tuple[Metric, ...]

    @property
    def title(self) -> str:
        """Name in the report."""
        return self.blocks.title or self.name

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

    def yaml(self) -> str:
        """The resolved recipe as YAML."""
        return dump_yaml(self.resolved)

    def hash(self, *keys: str) -> str:
        """SHA-256 of some resolved blocks; of all but ``expect``, title and description if none is named."""
        names = keys or tuple(k for k in self.resolved if k not in ("expect", "title", "description"))
        return hashlib.sha256(json.dumps({k: self.resolved.get(k) for k in names}, sort_keys=True).encode()).hexdigest()

    def but(self, settings: Mapping[str, Any]) -> Recipe:
        """Return this recipe with other settings, by dotted key, and without its own comparisons."""
        raw = json.loads(json.dumps(self.raw))
        raw.pop("expect", None)
        evaluation = raw.setdefault("evaluation", {})
        for key in ("compare", "sweep", "seeds", "baselines", "reference"):
            evaluation.pop(key, None)
        for key, value in settings.items():
            override(raw, key, value)
        return resolve(raw, self.name, self.folder)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, change and check a recipe.

    Args:
        path: The YAML file.
        overrides: Strings ``key=value``, such as ``training.lr=1e-3``; the value is read as YAML.

    Raises:
        ConfigError: A key, name, value or combination is wrong.
    """
    raw = read_yaml(path)
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError("an override must be KEY=VALUE", came=text, do="write for instance training.epochs=5")
        override(raw, key.strip(), parse_yaml(value, f"--set {key}"))
    return resolve(raw, path.stem, path.parent)


def override(raw: Block, key: str, value: Any) -> None:
    """Set ``raw[a][b]`` for the dotted key ``a.b``; parts that are numbers index lists."""
    node: Any = raw
    *path, last = key.split(".")
    for part in path:
        if isinstance(node, list):
            at: Any = _index(part, node, key)
        elif isinstance(node, dict):
            at = part
            node.setdefault(part, {})
        else:
            raise ConfigError(
                "an override must lead to a setting", came=f"'{part}' lies below a plain value", where=key
            )
        if node[at] is None:
            node[at] = {}
        elif isinstance(node[at], str):  # a plug-in that is given by its bare name
            node[at] = {"name": node[at]}
        node = node[at]
    if isinstance(node, list):
        node[_index(last, node, key)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise ConfigError("an override must lead to a setting", came=f"'{last}' lies below a plain value", where=key)


def _index(part: str, node: list[Any], key: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise ConfigError(f"an index below {len(node)} must stand here", came=part, where=f"--set {key}")
    return int(part)


def resolve(raw: Block, name: str, folder: Path) -> Recipe:
    """Check blocks and build every plug-in of a recipe.

    Raises:
        ConfigError: Something does not fit; the message says where.
    """
    blocks = _Blocks.read(raw, where=name)
    detector, detector_block = _build(DETECTORS, blocks.detector, f"{name}: detector")
    source_class, source_config = source_registry(blocks.source, name).configure(blocks.source, f"{name}: source")
    source = source_class(source_config, detector)
    task, task_block = _build(TASKS, blocks.task, f"{name}: task")
    representation = model = None
    resolved: Block = {
        "title": blocks.title,
        "description": blocks.description,
        **({"needs": blocks.needs} if blocks.needs else {}),
        "detector": detector_block,
        "source": _dump(source),
    }
    if blocks.representation is not None:
        representation, resolved["representation"] = _build(
            REPRESENTATIONS, blocks.representation, f"{name}: representation", detector
        )
    if blocks.model is not None and representation is not None:
        model, resolved["model"] = _build(MODELS, blocks.model, f"{name}: model")
        model.check(representation.shapes())
        _check_rows(model, task, name)
        if blocks.training.engine not in model.engines():
            raise ConfigError(
                f"the model '{model.name}' can be trained by {', '.join(model.engines())}",
                came=f"engine: {blocks.training.engine}",
                where=f"{name}: training",
            )
    resolved["task"] = task_block
    evaluation = blocks.evaluation
    baselines = [
        _build(BASELINES, item, f"{name}: evaluation.baselines", detector, task) for item in evaluation.baselines
    ]
    wanted = list(task.usual_metrics) if evaluation.metrics is None else evaluation.metrics
    metrics = [_build(METRICS, item, f"{name}: evaluation.metrics") for item in wanted]
    _check_region([task, *([representation] if representation else []), *(b for b, _ in baselines)], name)
    _check_needs(representation, blocks.needs, name)
    if blocks.evaluation.tile and representation is not None:
        require_tiles(representation, blocks.evaluation.tile)
    _check_evaluation(
        blocks, name, [block["name"] for _, block in baselines], [metric.name for metric, _ in metrics], task.scores
    )
    resolved["training"] = blocks.training.model_dump()
    resolved["evaluation"] = {
        **evaluation.model_dump(),
        "baselines": [b for _, b in baselines],
        "metrics": [m for _, m in metrics],
    }
    if blocks.expect is not None:
        resolved["expect"] = blocks.expect.model_dump()
    return Recipe(
        name,
        folder,
        raw,
        resolved,
        blocks,
        detector,
        source,
        representation,
        model,
        task,
        tuple(b for b, _ in baselines),
        tuple(m for m, _ in metrics),
    )


def _check_rows(model: Model, task: Task, name: str) -> None:
    """Refuse a network that answers for other rows than the task asks for."""
    if model.per != task.per:
        raise ConfigError(
            f"the task '{task.name}' needs a network that answers for each {task.per}",
            came=f"'{model.name}', which answers for each {model.per}",
            where=f"{name}: model",
            do="choose another model, or set its 'readout'",
        )


def _check_needs(representation: Representation | None, needs: Mapping[str, str], name: str) -> None:
    """Refuse networks that nobody names, or nobody uses."""
    wanted = set(representation.needs if representation is not None else ())
    if wanted != set(needs):
        raise ConfigError(
            f"'needs' must name a recipe for each of: {', '.join(sorted(wanted)) or 'no network'}",
            came=", ".join(sorted(needs)) or "none",
            where=name,
            do="write for instance needs: {embedding: embedding.yaml}",
        )


def _check_evaluation(
    blocks: _Blocks, name: str, baselines: list[str], metrics: list[str], scores: Sequence[str]
) -> None:
    """Refuse contestants that cannot be told apart, and what would only fail after the training."""
    evaluation, training = blocks.evaluation, blocks.training
    wrong = [key for key in evaluation.sweep if key.partition(".")[0] not in NETWORK]
    if wrong:
        raise ConfigError(
            f"a sweep may only change {', '.join(NETWORK)}: all its networks see the same events",
            came=", ".join(wrong), where=f"{name}: evaluation.sweep",
        )  # fmt: skip
    contestants = (
        [slug(r.label) for r in evaluation.compare]
        + [slug(point.label) for point in combinations(evaluation.sweep)]
        + [slug(f"seed {s}") for s in evaluation.seeds]
        + baselines
    )
    if "" in contestants or len(set(contestants)) < len(contestants) or len(set(metrics)) < len(metrics):
        raise ConfigError(
            "labels of rivals, seeds, baselines and metrics must differ",
            came=", ".join(contestants + metrics),
            where=f"{name}: evaluation",
        )
    if training.seed in evaluation.seeds:
        raise ConfigError("further seeds must differ from 'training.seed'", came=training.seed, where=name)
    if blocks.model is None and contestants != baselines:
        raise ConfigError("seeds and rivals need a 'model'", came="none", where=f"{name}: evaluation")
    if training.monitor != "loss" and blocks.model is not None and training.monitor.partition(".")[0] not in scores:
        METRICS.get(training.monitor.partition(".")[0], where=f"{name}: training.monitor")
    if evaluation.reference is not None:
        reference, where = evaluation.reference, f"{name}: evaluation.reference"
        detector = DETECTORS.build(reference.detector, where=where)
        source_registry(reference.source, where).build(reference.source, detector, where=where)


def _check_region(plugins: Sequence[Plugin], name: str) -> None:
    """Refuse parts of one recipe that look at different regions of an event: their answers are counted from it."""
    regions = {plugin.name: plugin.config.region for plugin in plugins if hasattr(plugin.config, "region")}
    if len(set(regions.values())) > 1:
        raise ConfigError(
            "'region' must be the same in representation, task and baselines",
            came="; ".join(f"{key}: {value}" for key, value in regions.items()),
            where=name,
        )


def source_registry(block: Mapping[str, Any], where: str) -> Registry[Any]:
    """Return the registry that knows the source of a block: the simulation or the readers."""
    name = block.get("name")
    if name in READERS.names():
        return READERS
    if name in SIMULATIONS.names():
        return SIMULATIONS
    known = [*SIMULATIONS.names(), *READERS.names()]
    raise ConfigError(f"no source '{name}': {did_you_mean(str(name), known)}", where=f"{where}: source")


@dataclass(frozen=True)
class Combination:
    """One point of a sweep: ``axes`` names its value on each dotted key, ``settings`` holds the values themselves."""

    axes: dict[str, str]
    settings: Block

    @property
    def label(self) -> str:
        """Name in the report."""
        return ", ".join(self.axes.values())


def combinations(sweep: Mapping[str, Sequence[Any]]) -> list[Combination]:
    """Return the combinations of a sweep, the last key fastest; none for an empty sweep."""
    if not sweep:
        return []
    named = [list(zip(_names(values), values, strict=True)) for values in sweep.values()]
    found = []
    for point in product(*named):
        names, values = ([pair[i] for pair in point] for i in (0, 1))
        found.append(Combination(dict(zip(sweep, names, strict=True)), dict(zip(sweep, values, strict=True))))
    return found


def _names(values: Sequence[Any]) -> list[str]:
    """Names of the values on one axis: a block's own name, with its settings where another block has the same one."""
    blocks = [value if isinstance(value, dict) and "name" in value else {"name": value} for value in values]
    plain = [str(block["name"]) for block in blocks]
    settings = [" ".join(f"{key}={value}" for key, value in block.items() if key != "name") for block in blocks]
    return [
        f"{name} {more}" if more and plain.count(name) > 1 else name for name, more in zip(plain, settings, strict=True)
    ]


def slug(label: str) -> str:
    """Turn a label into a folder name."""
    return "".join(c if c.isalnum() else "_" for c in label.lower()).strip("_")


def _build(registry: Registry[Any], block: Any, where: str, *arguments: Any) -> tuple[Any, Block]:
    plugin = registry.build(block, *arguments, where=where)
    return plugin, _dump(plugin)


def _dump(plugin: Plugin) -> Block:
    return {"name": plugin.name, **plugin.config.model_dump(mode="json")}
