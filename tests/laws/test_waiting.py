"""Threads of PyTorch and XGBoost wait passively wherever hitforge is imported first, and a user's own choice stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOW = "import hitforge, os, sys; print(os.environ['OMP_WAIT_POLICY'], *({'torch', 'xgboost'} & set(sys.modules)))"


@pytest.mark.parametrize(("own", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_passively(own: str | None, expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": own} if own else {}
    done = subprocess.run([sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [expected]  # set before either is imported


def test_workers_inherit_it() -> None:
    assert os.environ["OMP_WAIT_POLICY"]  # spawned processes get the environment of this one
