from __future__ import annotations

import pytest

from hitforge.core.errors import ConfigError, DataError, HitforgeError, MissingExtraError, did_you_mean, require


def test_message_has_its_parts_in_order() -> None:
    error = DataError("energies must be >= 0.", came=-1, where="a.h5, event 3", do="read again.")
    assert str(error) == "energies must be >= 0; got: -1; where: a.h5, event 3; do: read again."
    assert (error.must, error.came, error.where, error.do) == (
        "energies must be >= 0.", -1, "a.h5, event 3", "read again.",
    )  # fmt: skip


def test_absent_parts_are_left_out() -> None:
    assert str(ConfigError("a must be b")) == "a must be b."
    assert str(ConfigError("a must be b", came=0)) == "a must be b; got: 0."


def test_all_errors_are_hitforge_errors() -> None:
    for kind in HitforgeError.__subclasses__():
        assert issubclass(kind, Exception)
        with pytest.raises(HitforgeError):
            raise kind("x")
    assert len(HitforgeError.__subclasses__()) >= 4


def test_nearest_spelling() -> None:
    assert did_you_mean("energyy", ["time", "energy"]) == "did you mean 'energy'? known: energy, time"
    assert did_you_mean("qqq", ["time"]) == "known: time"
    assert did_you_mean("qqq", []) == "known: none"


def test_a_missing_module_names_the_command_that_installs_it() -> None:
    assert require("json").loads("1") == 1
    with pytest.raises(MissingExtraError, match=r'no_such_module.*pip install "hitforge\[keras\]"'):
        require("no_such_module", "keras")
    with pytest.raises(MissingExtraError, match=r"pip install hitforge\."):
        require("no_such_module")
