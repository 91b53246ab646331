"""Settings as they are read: key, type with its bounds, default and meaning, those of blocks inside blocks too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

Row = tuple[str, str, str, str]
"""Key, type, default, meaning."""
_SIMPLE = {bool: "true or false", int: "int", float: "number", str: "text", Any: "anything"}
_SEVERAL = {"int": "ints", "number": "numbers", "text": "texts", "block": "blocks", "mapping": "mappings"}


def rows_of(
    config: type[BaseModel], plugins: Callable[[str, Any], tuple[str, Iterable[Row]]], skip: Sequence[type] = ()
) -> Iterator[Row]:
    """Yield the settings of a configuration, and behind each block those of the block, as ``block.key``.

    Args:
        config: The configuration.
        plugins: Room and default of a setting that names a plug-in (``json_schema_extra={"plugins": room}``) -> its
            type as it is read, and the settings of the default.
        skip: Configurations that stand elsewhere in a recipe, and are not written out.
    """
    for key, field in config.model_fields.items():
        extra = field.json_schema_extra
        room = extra.get("plugins") if isinstance(extra, dict) else None
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        inner: Iterable[Row] = ()
        if isinstance(room, str):
            kind, inner = plugins(room, default)
            kind = kind.replace("plug-in", "list of plug-ins", 1) if _is_list(field.annotation) else kind
            kind += " or null" if NoneType in get_args(field.annotation) else ""
        else:
            kind = readable(field.annotation, field.metadata)
        mark, model = _model_in(field.annotation)
        elsewhere = "; said once, in the recipe's own block" if model in skip else ""
        yield key, kind, _default(field, default), (field.description or "") + elsewhere
        if model is not None and not elsewhere:
            inner = rows_of(model, plugins, skip)
        for below, type_below, default_below, meaning in inner:
            yield f"{key}{mark}.{below}", type_below, default_below, meaning


def readable(annotation: Any, bounds: Sequence[Any] = ()) -> str:
    """Return a type in words: ``int, 1 to 128``, ``one of train, test``, ``list of numbers``, ``text or null``."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return readable(inner[0], (*bounds, *inner[1:]))
    if origin in (Union, UnionType):
        parts = [readable(one, bounds) for one in inner if one is not NoneType]
        return " or ".join([*dict.fromkeys(parts), *(["null"] if NoneType in inner else [])])
    if origin is Literal:
        return f"one of {', '.join(str(value) for value in inner)}"
    if origin in (list, tuple, set, frozenset):
        if origin is tuple and Ellipsis not in inner:
            kinds = [readable(one) for one in inner]
            text = f"{len(kinds)} {_several(kinds[0])}" if len(set(kinds)) == 1 else f"[{', '.join(kinds)}]"
        else:
            text = f"list of {_several(readable(inner[0]))}"
        return text + _limits(bounds, of_length=True)
    if origin is dict:
        value = readable(inner[1])
        return "mapping" if value == "anything" else f"mapping of names to {_several(value)}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "block"
    return _SIMPLE.get(annotation, getattr(annotation, "__name__", str(annotation))) + _limits(bounds, of_length=False)


def _several(kind: str) -> str:
    """Many of a type: ``ints, 1 to 128``."""
    head, comma, rest = kind.partition(",")
    if kind.startswith("one of "):
        return kind.removeprefix("one of ")
    if kind.startswith("list of "):
        return f"lists of {kind.removeprefix('list of ')}"
    return _SEVERAL.get(head, head) + comma + rest if head in _SEVERAL else kind


def _limits(bounds: Sequence[Any], *, of_length: bool) -> str:
    """Bounds of a value in words, or of a list's length."""
    found: dict[str, Any] = {}
    for bound in bounds:
        names = ("min_length", "max_length") if of_length else ("ge", "gt", "le", "lt")
        found |= {name: getattr(bound, name) for name in names if getattr(bound, name, None) is not None}
    if of_length:
        low, high = found.get("min_length"), found.get("max_length")
        if low and high:
            return f", {low} of them" if low == high else f", {low} to {high} of them"
        return f", at least {low}" if low else f", at most {high}" if high else ""
    if "ge" in found and "le" in found:
        return f", {_number(found['ge'])} to {_number(found['le'])}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    said = [f"{words[name]} {_number(found[name])}" for name in words if name in found]
    return f", {' and '.join(said)}" if said else ""


def _number(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(one) in (list, tuple) for one in (annotation, *get_args(annotation)))


def _default(field: FieldInfo, value: Any) -> str:
    if field.is_required():
        return "required"
    if isinstance(value, BaseModel):
        return ""  # its settings follow
    return value if isinstance(value, str) and value else json.dumps(to_jsonable_python(value), ensure_ascii=False)


def _model_in(annotation: Any) -> tuple[str, type[BaseModel] | None]:
    """The configuration in a setting, and what stands between both keys: ``[]`` for a list, ``.NAME`` for names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "", annotation
    marks: dict[Any, str] = {list: "[]", tuple: "[]", dict: ".NAME"}
    mark = marks.get(get_origin(annotation), "")
    for one in get_args(annotation):
        between, model = _model_in(one)
        if model is not None:
            return mark + between, model
    return "", None
