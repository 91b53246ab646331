"""Encodings of cellIDs: the whole grammar, signs, and what is no encoding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.readers._cell_ids import _bits, layer_bits


@pytest.mark.parametrize(
    ("encoding", "bits"),
    [
        ("system:5,side:-2,module:8,stave:4,layer:9,submodule:4,x:32:-16,y:-16", (19, 9)),
        ("system:0:5,module:5:3,layer:16:6,cellX:32:-16", (16, 6)),
        ("x:32:-16,y:-16,layer:0:6,system:8", (0, 6)),  # starts need not rise
        ("layer:-8", (0, -8)),
        ("a:8,layer:32:-16", (32, -16)),
        ("M:3,S-1:3,I:9,J:9,K-1:6", (24, 6)),  # LCIO, ILD
        (" system : 5 , layer : 8 : 4 ", (8, 4)),
        ("Layer:+7", (0, 7)),
        ("K-1:6,layer:5", (6, 5)),
        ("layer:63:1", (63, 1)),
        ("layer:64", (0, 64)),
        ("system:5", None),
        ("", None),
        ("system:5, layer:3,", (5, 3)),
    ],
)
def test_the_bits_of_the_layer(encoding: str, bits: Any) -> None:
    assert layer_bits(encoding) == bits


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("layer", "must be a list of name:bits or name:start:bits; got: 'layer'"),
        ("system:5;layer:3", "must be a list of name:bits"),
        ("layer:0", "must be a list of name:bits or name:start:bits; got: 'layer:0'"),
        ("layer:-2:8", "must be a list of name:bits"),
        ("layer:60:8", "must fit into 64 bits; got: 'layer:60:8', bits 60 to 67"),
        ("x:60,layer:5", "must fit into 64 bits; got: 'layer:5', bits 60 to 64"),
        ("layer:65", "must fit into 64 bits"),
        ("system:8,layer:4:6", "must give each bit to one field; got: system and layer overlap"),
        ("layer:8:6,system:2:7", "must give each bit to one field; got: layer and system overlap"),
        ("layer:8,layer:8", "must name each field once; got: layer"),
    ],
)
def test_what_is_no_encoding_is_refused_and_who_said_it_is_named(encoding: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"'encoding' {message}"):
        layer_bits(encoding)
    with pytest.raises(DataError, match=f"the encoding in the file {message}.*where: a.root, ECal"):
        layer_bits(encoding, who="the encoding in the file", where="a.root, ECal", error=DataError)


@given(st.integers(0, 63), st.integers(1, 64), st.booleans(), st.data())
def test_a_field_is_what_was_put_there(start: int, size: int, signed: bool, data: Any) -> None:
    size = min(size, 64 - start)
    signed |= size == 64  # int64 holds no more
    least = -(1 << size - 1) if signed else 0
    value = data.draw(st.integers(least, least + (1 << size) - 1))
    others = data.draw(st.integers(0, (1 << 64) - 1))
    mask = ((1 << size) - 1) << start
    cell = np.array([(others & ~mask) | ((value << start) & mask)], np.uint64)
    bits = layer_bits(f"layer:{start}:{-size if signed else size}")
    assert bits is not None
    assert _bits(cell, *bits).tolist() == [value]


def test_a_number_that_is_too_large_for_a_layer_is_refused() -> None:
    with pytest.raises(DataError, match="whole numbers of 64 bits"):
        _bits(np.array([1 << 63], np.uint64), 0, 64)
