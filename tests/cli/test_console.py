"""Settings and names that come from the command line."""

from __future__ import annotations

import pytest

from hitforge.cli._console import cores, pair
from hitforge.core.errors import ConfigError


def test_a_setting_is_read_as_yaml() -> None:
    assert pair("source.eta=[0.1, 1e-3]") == ("source.eta", [0.1, 1e-3])
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        pair("source.eta")


def test_zero_workers_stand_for_all_cores() -> None:
    assert cores(3) == 3
    assert cores(0) >= 1
