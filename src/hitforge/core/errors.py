"""Errors that tell a user what must hold, what came, where, and what to do."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType


class HitforgeError(Exception):
    """Base of every error that hitforge raises on purpose.

    Args:
        must: What must hold, or what went wrong, in one sentence.
        came: What was found instead.
        where: File, event, field or recipe key.
        do: What the user can do about it.

    Example:
        >>> try:
        ...     hf.load("runs/none")
        ... except hf.HitforgeError as error:
        ...     print(error.must, error.where, error.do)
    """

    def __init__(self, must: str, *, came: object = None, where: object = None, do: str | None = None) -> None:
        self.must, self.came, self.where, self.do = must, came, where, do
        parts = [must.rstrip(".")]
        if came is not None:
            parts.append(f"got: {came}")
        if where is not None:
            parts.append(f"where: {where}")
        if do is not None:
            parts.append(f"do: {do.rstrip('.')}")
        super().__init__("; ".join(parts) + ".")


class ConfigError(HitforgeError):
    """A recipe, a setting or a combination of them is wrong."""


class DataError(HitforgeError):
    """A file, a dataset or an array does not hold what it must."""


class RunError(HitforgeError):
    """A run folder or a checkpoint cannot be used as asked."""


class MissingExtraError(HitforgeError):
    """An optional dependency is not installed."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the nearest spelling and all known names.

    Args:
        name: What the user wrote.
        known: What would have been accepted.
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}known: {', '.join(known) if known else 'none'}"


def require(module: str, extra: str | None = None) -> ModuleType:
    """Import an optional module, or say in one line how to install it.

    Args:
        module: Dotted module name.
        extra: The extra of hitforge that brings it; None if it belongs to the core.

    Raises:
        MissingExtraError: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        install = f'pip install "hitforge[{extra}]"' if extra else "pip install hitforge"
        raise MissingExtraError(f"the module '{module}' must be installed", came=error, do=install) from error
