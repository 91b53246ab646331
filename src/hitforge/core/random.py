"""Independent random streams by name: the same seed and keys give the same numbers, whatever ran before."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *keys: int | str) -> np.random.Generator:
    """Return the random stream of a seed and a path of keys.

    Args:
        seed: The user's seed, >= 0.
        keys: What the stream is for, for instance ``("train", 7, "noise")``.
    """
    return np.random.default_rng(np.random.SeedSequence(_entropy(seed, keys)))


def integer_seed(seed: int, *keys: int | str) -> int:
    """Return a 31-bit seed for a library that takes an integer."""
    return int(np.random.SeedSequence(_entropy(seed, keys)).generate_state(1)[0]) & 0x7FFFFFFF


def _entropy(seed: int, keys: tuple[int | str, ...]) -> list[int]:
    digest = hashlib.sha256(repr(keys).encode()).digest()
    return [seed, *np.frombuffer(digest, "<u4").tolist()]
