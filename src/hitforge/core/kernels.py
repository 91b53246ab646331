"""Numba's ``njit`` for our kernels, whose cache is safe where several processes fill it.

Numba numbers the functions that a process compiles, and the number is all that tells two functions of one name apart in
compiled code, such as the parts of ``np.sort`` and ``np.argsort``. Processes count alike, so that kernels which two of
them compiled may hold different functions of one name; a third that loads both from the cache calls the wrong one, and
gets wrong numbers or dies (numba issue 10486). Files of the cache are numbered in the same way: of two processes that
save two signatures of a function at once, one writes over the other (numba issue 10128). Numbers are drawn at random
here, so that none is drawn twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import numba
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import IndexDataCacheFile

njit = numba.njit
"""Compiles a function without Python objects; a kernel of ours takes it from here, and from nowhere else."""
_BITS = 63


def _numbers() -> Iterator[int]:
    while True:
        yield secrets.randbits(_BITS)


def _data_name(self: Any, number: int) -> str:
    """Name of a new file of compiled code, whatever place in the index it takes."""
    name: str = self._data_name_pattern.format(number=secrets.randbits(_BITS))
    return name


FunctionIdentity._unique_ids = _numbers()
IndexDataCacheFile._data_name = _data_name
