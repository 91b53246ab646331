from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from hitforge.core.config import Config, dump_yaml, parse_yaml, read_yaml
from hitforge.core.errors import ConfigError


class Inner(Config):
    rate: float = Field(0.1, gt=0)


class Outer(Config):
    epochs: int = Field(ge=1)
    inner: Inner = Inner()

    @model_validator(mode="after")
    def _odd(self) -> Outer:
        if self.epochs == 13:
            raise ValueError("epochs must not be 13")
        return self


def test_reads_values_and_defaults() -> None:
    config = Outer.read({"epochs": 3}, where="x")
    assert (config.epochs, config.inner.rate) == (3, 0.1)
    with pytest.raises(ValidationError):
        config.epochs = 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "unknown key 'epoch': did you mean 'epochs'"),
        ({"epochs": 1, "inner": {"rat": 1}}, "unknown key 'inner.rat': did you mean 'rate'"),
        ({}, "the key 'epochs' must be given"),
        ({"epochs": 0}, "'epochs': .*greater than or equal to 1, but got 0"),
        ({"epochs": "many"}, "'epochs': .*integer.*but got 'many'"),
        ({"epochs": 1, "inner": {"rate": float("nan")}}, r"'inner.rate': .*finite"),
        ({"epochs": 13}, "^epochs must not be 13"),
        ({"epochs": 0, "epoch": 1}, "'epochs'.*; unknown key 'epoch'"),
    ],
)
def test_errors_name_the_key_the_value_and_the_place(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Outer.read(values, where="cnn.yaml: training")
    assert "cnn.yaml: training" in str(caught.value)


def test_a_default_outside_its_bounds_is_found() -> None:
    class Wrong(Config):
        size: int = Field(0, ge=1)

    with pytest.raises(ConfigError, match="'size'"):
        Wrong.read({}, where="x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("-2E5", -2e5), ("1.5e+3", 1500.0), ("1.e4", 1e4), ("12", 12), ("0.5", 0.5),
        ("1e", "1e"), ("'1e-3'", "1e-3"), ("yes1", "yes1"), ("[1e3, a]", [1000.0, "a"]), ("", None),
    ],
)  # fmt: skip
def test_numbers_are_numbers_in_yaml(text: str, value: Any) -> None:
    parsed = parse_yaml(text, "x")
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "the key 'a' stands twice"),
        ("x:\n  a: 1\n  a: 2", "the key 'a' stands twice"),
        ("a: [1", "valid YAML"),
        ("a: !!python/object/apply:os.system [ls]", "valid YAML"),
        ("a: \x00", "valid YAML"),
        ("a: 2026-99-99", "valid YAML"),
        ("? [1]\n: 2", "valid YAML"),
        ("[" * 5000, "valid YAML"),
    ],
)
def test_bad_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_yaml(text, "recipe.yaml")
    assert "recipe.yaml" in str(caught.value)


def test_files_must_be_readable_mappings(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with pytest.raises(ConfigError, match=r"must be readable.*a\.yaml"):
        read_yaml(path)
    for content in (b"- 1\n- 2", b"", b"\xff\xfe\xfa"):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"a\.yaml"):
            read_yaml(path)
    path.write_text("a: {b: 1e-3}", encoding="utf-8")
    assert read_yaml(path) == {"a": {"b": 1e-3}}


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="ascii"))


@settings(max_examples=50, deadline=None)
@example({"a": "0E0", "b": "12e4567", "c": "1_0", "d": "yes", "e": 1e-5, "f": "1e-5", "g": 1e22})
@given(
    st.dictionaries(st.text("abc_", min_size=1), st.recursive(PLAIN, lambda x: st.lists(x, max_size=3), max_leaves=5))
)
def test_what_is_dumped_is_read_back(values: dict[str, Any]) -> None:
    assert parse_yaml(dump_yaml(values), "x") == values


def test_dump_keeps_the_order_of_keys() -> None:
    assert list(parse_yaml(dump_yaml({"z": 1, "a": 2}), "x")) == ["z", "a"]
