"""Numba's compiler is noticed, its cache is not."""

from __future__ import annotations

import numba

from hitforge.core.compiling import told_when_compiling


def test_compiling_is_told_once_and_a_compiled_kernel_is_silent() -> None:
    @numba.njit
    def twice(x):  # type: ignore[no-untyped-def]
        return 2 * x

    told: list[str] = []
    with told_when_compiling(lambda: told.append("compiles")):
        assert not told
        assert twice(2) == 4
        assert twice(2.5) == 5.0  # another type is compiled, too
    assert told == ["compiles"]
    with told_when_compiling(lambda: told.append("again")):
        twice(3)
    assert told == ["compiles"]
