"""Whether the parts of a recipe fit together."""

from __future__ import annotations

from collections.abc import Mapping

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.recipe.blocks import NETWORK, Blocks
from hitforge.recipe.sweep import combinations, slug
from hitforge.representations import Representation
from hitforge.tasks import Task


def check_rows(model: Model, task: Task, name: str) -> None:
    """Refuse a network that answers for other rows than the task asks for."""
    if model.per != task.per:
        raise ConfigError(
            f"the task '{task.name}' needs a network that answers for each {task.per}",
            came=f"'{model.name}', which answers for each {model.per}",
            where=f"{name}: model",
            do="choose another model, or set its 'readout'",
        )


def check_batch(blocks: Blocks, task: Task, name: str) -> None:
    """Refuse the usual number of events in a step where a task asks for hits: it is that of small images.

    Losses over hits are means over events, so any number is right that is meant; 256 whole events in a step, of which
    nobody thought, leave a training with a handful of steps.
    """
    if task.per != "event" and blocks.model is not None and "batch_size" not in blocks.training.model_fields_set:
        raise ConfigError(
            f"the events in a step must be set for the task '{task.name}', which asks for each {task.per} of an event",
            came=f"none, and {blocks.training.batch_size} are usual for small events",
            where=f"{name}: training.batch_size",
            do="set training.batch_size: 1, or more where events are small",
        )


def check_depends_on(representation: Representation | None, given: Mapping[str, str], name: str) -> None:
    """Refuse networks that nobody names, or nobody uses."""
    expected = set(representation.depends_on if representation is not None else ())
    if expected != set(given):
        raise ConfigError(
            f"'depends_on' must name a recipe for each of: {', '.join(sorted(expected)) or 'no network'}",
            came=", ".join(sorted(given)) or "none",
            where=name,
            do="write for instance depends_on: {embedding: embedding.yaml}",
        )


def check_evaluation(blocks: Blocks, name: str, baselines: list[str], metrics: list[str]) -> None:
    """Refuse methods that cannot be told apart, and comparisons of nothing."""
    evaluation, training = blocks.evaluation, blocks.training
    free = [block for block in NETWORK if block not in ("target", "region")]
    wrong = [key for key in evaluation.sweep if key.partition(".")[0] not in free]
    if wrong:
        raise ConfigError(
            f"a sweep may only change {', '.join(free)}: all its networks see the same events and look for the same",
            came=", ".join(wrong), where=f"{name}: evaluation.sweep",
        )  # fmt: skip
    methods = (
        [slug(r.label) for r in evaluation.compare]
        + [slug(point.label) for point in combinations(evaluation.sweep)]
        + [slug(f"seed {s}") for s in evaluation.seeds]
        + baselines
    )
    if "" in methods or len(set(methods)) < len(methods) or len(set(metrics)) < len(metrics):
        raise ConfigError(
            "labels of comparisons, seeds, baselines and metrics must differ",
            came=", ".join(methods + metrics),
            where=f"{name}: evaluation",
        )
    if training.seed in evaluation.seeds:
        raise ConfigError("further seeds must differ from 'training.seed'", came=training.seed, where=name)
    if blocks.model is None and methods != baselines:
        raise ConfigError("seeds and comparisons need a 'model'", came="none", where=f"{name}: evaluation")
