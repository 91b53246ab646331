"""When Numba compiles: at the first use on a machine, after which kernels are loaded from its cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

NOTE = "compiling kernels for this machine, once; it may take a minute"


@contextmanager
def told_when_compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Call ``tell`` once, when Numba begins to compile a function inside this block; what its cache holds is no matter.

    Args:
        tell: Called in the thread that compiles, before it begins.
    """
    from numba.core import event  # half a second, which a first look must not wait for

    class _Listener(event.Listener):  # type: ignore[misc]
        told = False

        def on_start(self, found: Any) -> None:
            if not self.told:
                self.told = True
                tell()

        def on_end(self, found: Any) -> None:
            pass  # numba asks for it; only the beginning is told

    with event.install_listener("numba:compile", _Listener()):
        yield
