"""Weight files: whole or absent, and only what they claim to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import SafetensorError
from safetensors.numpy import save_file

from hitforge.core.errors import DataError, RunError
from hitforge.training import _weights


@given(
    value=hnp.arrays(st.sampled_from([np.float32, np.int64, np.uint32]), hnp.array_shapes(min_dims=0, max_dims=3)),
    header=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, value: Any, header: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    _weights.write(path, {"turned": value.T, "plain": value}, header)
    tensors, found = _weights.read(path)
    np.testing.assert_array_equal(tensors["turned"], value.T)
    np.testing.assert_array_equal(tensors["plain"], value)
    assert found == json.loads(json.dumps(header))


def test_a_file_of_others_is_refused(tmp_path: Path) -> None:
    save_file({"a": np.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(RunError, match="hitforge's header"):
        _weights.read(tmp_path / "a.safetensors")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    _weights.write(path, {"a": np.ones(2)}, {})

    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(_weights, "save_file", full)
    with pytest.raises(DataError, match="disk full"):
        _weights.write(path, {"a": np.zeros(2)}, {})
    np.testing.assert_array_equal(_weights.read(path)[0]["a"], np.ones(2))
    assert [item.name for item in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("extra", range(0, 512, 8))
def test_no_length_of_a_header_is_taken_for_a_pickle(tmp_path: Path, extra: int) -> None:
    path = tmp_path / "weights.safetensors"
    _weights.write(path, {"a": np.arange(3.0)}, {"text": "x" * extra})
    tensors, header = _weights.read(path)
    assert tensors["a"].tolist() == [0, 1, 2]
    assert header == {"text": "x" * extra}
