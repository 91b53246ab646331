"""Hooks of pytest by which a worker that dies or waits for ever is a failure, and never an endless wait."""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import Any

import pytest

# A worker that waits for ever outside a test, importing or ending, dies too; a test's own limit is in pyproject.toml
_IDLE = float(os.environ.get("HITFORGE_TEST_IDLE", 600))
if "PYTEST_XDIST_WORKER" in os.environ:
    faulthandler.dump_traceback_later(_IDLE, exit=True, file=sys.__stderr__)

_dead: list[str] = []  # workers that ended without a report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Remember a worker that died, also where it had no test in hand."""
    if error:
        _dead.append(node.gateway.id)


def pytest_collection_finish() -> None:
    """From here on each test has a limit."""
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a worker died, and let none of them end for ever."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        faulthandler.dump_traceback_later(_IDLE, exit=True, file=sys.__stderr__)
    if _dead and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the workers that died."""
    if _dead:
        terminalreporter.write_line(f"workers that died: {', '.join(_dead)}", red=True)
