"""What the processor can do."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from hitforge.core.errors import RunError

# What ONEDNN_MAX_CPU_ISA may be set to without a limit below bf16 units
_WITH_BF16 = ("", "DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE_FP16")


@cache
def cpu() -> tuple[str, bool]:
    """Return the processor's name, and whether it has bf16 units (AMX or AVX-512 bf16) that oneDNN may use."""
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
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    allowed = limit in _WITH_BF16 or limit.startswith(("AVX512_CORE_AMX", "AVX10"))
    return name, allowed and bool({"amx_bf16", "avx512_bf16"} & set(flags.split()))


def cpu_with_bf16() -> bool:
    """Confirm that bf16, which a recipe asks for, is possible on this processor.

    Raises:
        RunError: It has no bf16 units: each step would take about ten times as long as in fp32.
    """
    name, units = cpu()
    if not units:
        raise RunError(
            "training.precision is bf16, but the processor has no bf16 units",
            came=name,
            do="set training.precision to auto or fp32",
        )
    return True
