"""Arrays and their description in one safetensors file that is either whole or absent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.core.files import atomic

_KEY = "hitforge"
_SAY = "give a model.safetensors that hitforge wrote"


def write(path: Path, tensors: Mapping[str, Array], header: Mapping[str, Any]) -> None:
    """Write arrays and a header atomically.

    Raises:
        DataError: The disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        # C order: the format stores the memory as it lies
        try:
            save_file(
                {name: np.asarray(value, order="C") for name, value in tensors.items()},
                temporary,
                metadata={_KEY: json.dumps(header, sort_keys=True)},
            )
        except SafetensorError as error:  # it wraps the operating system's own error
            raise OSError(*_system_error(error)) from error


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read arrays and header.

    Raises:
        RunError: The file is absent, a pickle, truncated, or was not written by hitforge.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(4)
    except OSError as error:
        raise RunError("the weights must be a readable file", came=error.strerror or error, where=path) from None
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        # only now: the length of a header, with which the format begins, may look like either
        if start[:1] == b"\x80" or start[:2] == b"PK":
            raise RunError(
                "weights must be safetensors; a pickle can run code and is refused",
                came="a pickle or a zip file",
                where=path,
                do=_SAY,
            ) from None
        raise RunError(
            "the weights must be a whole safetensors file, but this one is damaged or of another kind",
            came=error,
            where=path,
            do=_SAY,
        ) from None
    try:
        header = json.loads(metadata[_KEY])
    except (KeyError, ValueError):
        raise RunError(
            "the weights must carry hitforge's header", came=f"header {sorted(metadata)}", where=path, do=_SAY
        ) from None
    return tensors, header


def _system_error(error: SafetensorError) -> tuple[int, str]:
    """Number and text of the operating system's error in a message such as '... (os error 28)'."""
    text = str(error)
    number = text.rpartition("os error ")[2].partition(")")[0]
    return (int(number) if number.isdigit() else 0), text
