"""Windows of sorted hits against loops."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.models.layers.torch_windows import windows


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.integers(0, 14), min_size=1, max_size=4), st.integers(1, 6), st.integers(0, 5), st.booleans()
)  # fmt: skip
def test_windows_hold_the_block_and_its_neighbours(counts: list[int], block: int, reach: int, periodic: bool) -> None:
    event = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts)).int()
    value = torch.rand(len(event), generator=torch.Generator().manual_seed(sum(counts)))
    near = windows(value, event, block, reach, periodic=periodic)
    assert torch.equal(near.queries.flatten()[near.slots], torch.arange(len(event)))
    for number, count in enumerate(counts):
        own = torch.nonzero(event == number)[:, 0]
        order = own[value[own].argsort()].tolist()
        for place, hit in enumerate(order):
            row = int(near.slots[hit]) // block
            seen = near.keys[row][near.seen[row]].tolist()
            assert len(set(seen)) == len(seen) == min(count, block + 2 * reach)
            assert set(seen) <= set(order)
            first, last = place - reach, place + reach
            for other in range(first, last + 1):
                if periodic or 0 <= other < count:
                    assert order[other % count] in seen
