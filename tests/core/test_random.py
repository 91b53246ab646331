from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.random import integer_seed, stream


def numbers(seed: int, *keys: int | str) -> list[int]:
    return stream(seed, *keys).integers(0, 2**62, 4).tolist()


@given(st.integers(0, 2**64), st.lists(st.integers() | st.text(), max_size=4))
def test_the_same_seed_and_keys_give_the_same_numbers(seed: int, keys: list[int | str]) -> None:
    assert numbers(seed, *keys) == numbers(seed, *keys)
    assert 0 <= integer_seed(seed, *keys) == integer_seed(seed, *keys) < 2**31


def test_seeds_keys_their_order_and_types_are_told_apart() -> None:
    paths = [(), ("a",), ("a", "b"), ("b", "a"), ("ab",), (1,), ("1",), (1, 2), (12,)]
    drawn = [tuple(numbers(seed, *keys)) for seed in (0, 1) for keys in paths]
    assert len(set(drawn)) == len(drawn)
    assert len({integer_seed(seed, *keys) for seed in (0, 1) for keys in paths}) == len(drawn)


def test_numbers_stay_those_of_this_version() -> None:
    """A changed stream would change every result that anybody has published."""
    assert stream(7, "train", 3).integers(0, 1000, 5).tolist() == [69, 808, 518, 643, 920]
    assert integer_seed(7, "train", 3) == 1_067_343_586


def test_streams_are_independent() -> None:
    one, two = stream(1, "a").normal(size=20_000), stream(1, "b").normal(size=20_000)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03
