"""Damaged copies of a file, the same ones at every run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
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


def hdf5_kinds(folder: Path) -> dict[str, Path]:
    """Write the same showers, (20, 24), in each way that HDF5 may keep them; the last not to its end."""
    showers, paths = np.arange(480.0).reshape(20, 24) + 1, {}
    for kind in ("plain", "virtual", "external", "unallocated"):
        paths[kind] = folder / f"{kind}.h5"
        with h5py.File(paths[kind], "w") as file:
            file["incident_energies"] = np.full((20, 1), 1e3)
            if kind == "plain":
                file.create_dataset("showers", data=showers, chunks=(5, 24), compression="gzip")
            elif kind == "unallocated":
                file.create_dataset("showers", (20, 24), float, chunks=(5, 24))[:10] = showers[:10]
            elif kind == "external":
                showers.tofile(folder / "raw.bin")
                file.create_dataset("showers", (20, 24), float, external=[(str(folder / "raw.bin"), 0, showers.nbytes)])
            else:
                layout = h5py.VirtualLayout((20, 24), float)
                for number, part in enumerate(np.split(showers, 2)):
                    with h5py.File(folder / f"part{number}.h5", "w") as source:
                        source["part"] = part
                    layout[10 * number : 10 * number + 10] = h5py.VirtualSource(f"part{number}.h5", "part", (10, 24))
                file.create_virtual_dataset("showers", layout)
    return paths
