"""Name and bf16 units are read from the system's list of processors, and an absent list is no error."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.training import _hardware


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
    text = f"processor\t: 0\nmodel name\t: A processor\nflags\t\t: {flags}\nprocessor\t: 1\nmodel name\t: Another\n"
    assert read(monkeypatch, text) == ("A processor", fast)


def test_a_system_without_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, None) == ("CPU", False)
