"""Typed configuration: frozen pydantic models, and errors that name the key, the value and the nearest spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from hitforge.core.errors import ConfigError, did_you_mean


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("the entries must differ from each other")
    return values


DISTINCT = AfterValidator(_distinct)
"""Of a field that is a tuple: ``Annotated[tuple[...], DISTINCT]`` refuses one in which an entry stands twice."""


class Config(BaseModel):
    """Base of every configuration: frozen, no unknown key, no NaN."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, allow_inf_nan=False, validate_default=True, protected_namespaces=()
    )

    renamed: ClassVar[dict[str, str]] = {}
    """Old key -> the key that has taken its place, for errors. Those of a base class hold too."""

    @classmethod
    def renamed_keys(cls) -> dict[str, str]:
        """Return ``renamed`` of this class and of its bases."""
        return {old: new for base in reversed(cls.__mro__) for old, new in vars(base).get("renamed", {}).items()}

    @classmethod
    def read(cls, values: Mapping[str, Any], where: str) -> Self:
        """Validate a mapping.

        Args:
            values: Keys and values as they came from a recipe.
            where: Place to name in an error, such as ``cnn.yaml: training``.

        Raises:
            ConfigError: A key is unknown, or a value has a wrong type or lies outside its bounds.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(_explain(cls, error), where=where) from None


def _explain(cls: type[BaseModel], error: ValidationError) -> str:
    """One sentence for each thing that is wrong."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            owner, last = _owner(cls, item["loc"][:-1]), str(item["loc"][-1])
            now = owner.renamed_keys().get(last) if issubclass(owner, Config) else None
            if now is not None:
                lines.append(f"the key '{key}' has another name or place now: '{now}'")
                continue
            lines.append(f"unknown key '{key}': {did_you_mean(last, owner.model_fields)}")
        elif item["type"] == "missing":
            lines.append(f"the key '{key}' must be given")
        else:
            message = item["msg"].removeprefix("Value error, ")
            lines.append(f"'{key}': {message}, but got {item['input']!r}" if key else message)
    return "; ".join(lines)


def _owner(cls: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that an error path points into, as far as it can be followed."""
    for part in path:
        field = cls.model_fields.get(str(part))
        annotation = field.annotation if field is not None else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            cls = annotation
    return cls


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice, which YAML parsers accept in silence, and reads 1e-3 as a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_scalar_number(self, node: yaml.ScalarNode) -> float | str:
        """Read ``1e-3``, which YAML 1.1 takes for a string, as a number."""
        try:
            return float(node.value)
        except ValueError:  # the pattern lets nothing else through
            return str(node.value)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that puts quotes around a text which ``_UniqueKeyLoader`` would take for a number."""


_NUMBER = re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9]*)?[eE][-+]?[0-9]+$")
for _kind in (_UniqueKeyLoader, _Dumper):
    _kind.yaml_implicit_resolvers = {first: list(pairs) for first, pairs in _kind.yaml_implicit_resolvers.items()}
    _kind.add_implicit_resolver("!number", _NUMBER, list("-+0123456789"))
_UniqueKeyLoader.add_constructor("!number", _UniqueKeyLoader.construct_scalar_number)


def parse_yaml(text: str, where: str) -> Any:
    """Parse YAML safely.

    Args:
        text: YAML text.
        where: Place to name in an error.

    Raises:
        ConfigError: The text is not YAML, or a key stands twice.
    """
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # a date like 2026-99-99 is a ValueError
        raise ConfigError("the text must be valid YAML", came=" ".join(str(error).split()), where=where) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        ConfigError: The file is absent, not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the file must be readable text", came=error, where=path) from None
    values = parse_yaml(text, str(path))
    if not isinstance(values, dict):
        raise ConfigError("the file must hold a mapping of blocks", came=type(values).__name__, where=path)
    return values


def dump_yaml(values: Mapping[str, Any]) -> str:
    """Write a mapping as YAML, keys in their order."""
    return str(yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
