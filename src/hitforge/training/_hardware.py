"""What the processor can do."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def cpu() -> tuple[str, bool]:
    """Return the processor's name, and whether it has bf16 units (AMX or AVX-512 bf16)."""
    name, flags = "CPU", ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = value
                break
    except OSError:  # no Linux
        pass
    return name, bool({"amx_bf16", "avx512_bf16"} & set(flags.split()))
