"""Name and bf16 units are read from the system's list of processors, and an absent list is no error."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch

from hitforge.core.errors import RunError
from hitforge.training import _hardware
from hitforge.training.config import TrainingConfig


def read(monkeypatch: pytest.MonkeyPatch, text: str | None) -> tuple[str, bool]:
    def read_text(self: Path, encoding: str) -> str:
        if text is None:
            raise FileNotFoundError(self)
        return text

    monkeypatch.setattr(Path, "read_text", read_text)
    return _hardware.cpu.__wrapped__()


@pytest.mark.parametrize(
    ("flags", "fast"), [("sse avx2", False), ("avx512_bf16 sse", True), ("amx_bf16", True), ("avx512_bf16x", False)]
)
def test_name_and_flags(monkeypatch: pytest.MonkeyPatch, flags: str, fast: bool) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    text = f"processor\t: 0\nmodel name\t: A processor\nflags\t\t: {flags}\nprocessor\t: 1\nmodel name\t: Another\n"
    assert read(monkeypatch, text) == ("A processor", fast)


@pytest.mark.parametrize(
    ("limit", "fast"),
    [("AVX2", False), ("avx512_core_vnni", False), ("AVX2_VNNI_2", False), ("AVX512_CORE_BF16", True),
     ("AVX512_CORE_AMX", True), ("default", True), ("", True)],
)  # fmt: skip
def test_units_that_onednn_may_not_use_are_none(monkeypatch: pytest.MonkeyPatch, limit: str, fast: bool) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert read(monkeypatch, "flags\t: avx512_bf16 amx_bf16\n")[1] is fast


@pytest.mark.parametrize("engine", ["torch_engine", "keras_engine"])
@pytest.mark.parametrize("units", [True, False])
def test_bf16_is_for_processors_that_have_it(monkeypatch: pytest.MonkeyPatch, engine: str, units: bool) -> None:
    module = importlib.import_module(f"hitforge.training.{engine}")
    for place in (_hardware, module):
        monkeypatch.setattr(place, "cpu", lambda: ("A processor", units))
    where = (torch.device("cpu"),) if engine == "torch_engine" else (None, "tensorflow")
    assert module._bf16(TrainingConfig(precision="auto"), *where) is units
    assert module._bf16(TrainingConfig(precision="fp32"), *where) is False
    if units:
        assert module._bf16(TrainingConfig(precision="bf16"), *where) is True
    else:
        with pytest.raises(RunError, match="no bf16 units"):
            module._bf16(TrainingConfig(precision="bf16"), *where)


def test_a_system_without_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, None) == ("CPU", False)
