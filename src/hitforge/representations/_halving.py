"""Points halved at a median, for trees of boxes."""

from __future__ import annotations

from hitforge.core.kernels import njit


@njit(nogil=True, cache=True)
def halve(key, order, begin, end, middle):  # type: ignore[no-untyped-def]
    """Move ``order[begin:end]`` so that none before ``middle`` has a larger key than one behind (Hoare's quickselect).

    Args:
        key: Of each point, (N,), finite.
        order: Points, (M,) int; changed in place.
        begin: First place in ``order``.
        end: Behind the last one.
        middle: Where the larger keys begin.
    """
    low, high = begin, end - 1
    while low < high:
        a, b, c = key[order[low]], key[order[(low + high) // 2]], key[order[high]]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while key[order[i]] < pivot:
                i += 1
            while key[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return
