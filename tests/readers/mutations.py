"""Damaged copies of a file, the same ones at every run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def mutations(whole: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Give copies of a file that are cut, have bytes replaced, or lines left out, doubled or moved."""
    random = np.random.default_rng(seed)
    yield b""
    yield whole[: len(whole) // 2]
    for _ in range(count):
        kind = random.integers(5)
        if kind == 0:
            yield whole[: random.integers(1, len(whole))]
        elif kind == 1:
            content = bytearray(whole)
            for place in random.integers(0, len(whole), random.integers(1, 4)):
                content[place] = random.integers(256)
            yield bytes(content)
        elif kind == 2:
            content = bytearray(whole)
            content[random.integers(len(whole))] = random.choice(list(b"-.,9eE\n nx\"'"))
            yield bytes(content)
        else:
            lines = whole.splitlines(keepends=True)
            first, second = random.integers(0, len(lines), 2)
            if kind == 3:
                lines[first], lines[second] = lines[second], lines[first]
            else:
                lines[first] = random.choice([b"", lines[first] * 2, lines[second]])
            yield b"".join(lines)
