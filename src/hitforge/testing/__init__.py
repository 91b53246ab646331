"""Checks that every plug-in must pass, ours and those of other packages: ``conforms("models", "my_network")``.

Each raises an error that says what does not hold; none needs pytest. A plug-in is asked for by its name, as a recipe
does, so that its package must be installed (``pip install -e .``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError, did_you_mean
from hitforge.core.registry import Plugin, Registry, name_of
from hitforge.recipe.catalogue import REGISTRIES, settings_of, summary
from hitforge.testing._answers import check_baseline, check_metric, check_task
from hitforge.testing._events import check_detector, check_graph, check_source
from hitforge.testing._networks import check_model
from hitforge.testing._representations import check_representation

_CHECKS: dict[str, Callable[..., None]] = {
    "detectors": check_detector,
    "simulation": check_source,
    "readers": check_source,
    "representations": check_representation,
    "representations.points.graphs": check_graph,
    "models": check_model,
    "tasks": check_task,
    "baselines": check_baseline,
    "metrics": check_metric,
}


def conforms(room: str, name: str, settings: Mapping[str, Any] | None = None, **given: Any) -> None:
    """Check that a plug-in keeps the contract of its room.

    Args:
        room: Such as ``models``, ``simulation`` or ``report.sections``; the group of its entry point without
            ``hitforge.``.
        name: Name in recipes.
        settings: Fields of its recipe block; only what has no default must stand here.
        **given: What it is tried on, where what is tried by itself does not fit: ``detector`` and ``events`` of a
            representation, task or baseline (whose ``task`` may be given, too), ``detector`` of a source, ``inputs``
            (shapes by name) of a model, ``predictions`` of a metric, ``run`` (``RunResults``) of a section.

    Raises:
        AssertionError: It does not; with what should hold.
        ConfigError: There is no such plug-in, or it is broken.
    """
    drawing = {"report.sections", "report.events"}
    if room not in REGISTRIES and room not in drawing:
        raise ConfigError(f"no room '{room}': {did_you_mean(room, [*REGISTRIES, *drawing])}")
    registry = REGISTRIES[room] if room in REGISTRIES else Registry(room, Plugin)
    if room == "report.sections":  # drawing takes a second to import
        from hitforge.testing._drawing import check_section

        check_section(registry, {"name": name}, **given)
    block = {"name": name, **(settings or {})}
    check_described(registry, name)
    registry.configure(block, where="settings")
    check = _CHECKS.get(room)
    if check is not None:
        check(registry, block, **given)


def check_described(registry: Registry[Any], name: str) -> None:
    """Check that a plug-in has a text, typed settings that are described, and refuses others by name."""
    cls = registry.get(name)
    assert name_of(cls) == name, f"it must be called '{name}', not '{name_of(cls)}'"
    text = summary(registry, name)
    assert text.endswith("."), f"the text of {cls.__name__} must begin with a sentence on one line, not '{text}'"
    assert cls.__doc__, f"{cls.__name__} must have a text"
    assert issubclass(cls.Config, Config), f"{cls.__name__}.Config must be a hitforge.core.config.Config"
    assert cls.Config.model_config.get("frozen"), f"{cls.__name__}.Config must be frozen"
    for key, _, _, meaning in settings_of(registry, name):
        assert meaning, f"the setting '{key}' must have a description"
    refused = ""
    try:
        registry.configure({"name": name, "no_such_setting": 1}, where="here")
    except ConfigError as error:
        refused = str(error)
    assert "no_such_setting" in refused, "an unknown setting must be refused by its name"


__all__ = ["check_described", "conforms"]
