"""What the tasks of object condensation have in common: charges of hits, and clusters around condensation points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hitforge.core.kernels import njit

if TYPE_CHECKING:
    import torch

LARGEST = 1.0 - 1e-4  # of beta: its arctanh has no end


def condensation(logit: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return beta in (0, 1) and its strength arctanh^2(beta), both (H,), of logits (H,) (arXiv 2002.03605)."""
    import torch

    beta = torch.sigmoid(logit).clamp(max=LARGEST)
    return beta, torch.atanh(beta).square()


@njit(cache=True)
def cluster(place, order, limit):  # type: ignore[no-untyped-def]
    """Number of the object of each hit, (H,) int32, -1 for none, and the first hit of each object, (C,).

    An object begins at the first hit that is still free, and takes all free hits near it.

    Args:
        place: (H, D) float64.
        order: Hits that may begin an object, the best first, (K,) int64.
        limit: Largest squared distance of an object's hits from its first.
    """
    owner = np.full(len(place), -1, np.int32)
    first = np.empty(len(order), np.int64)
    count = 0
    for start in order:
        if owner[start] >= 0:
            continue
        for hit in range(len(place)):
            if owner[hit] < 0:
                squared = 0.0
                for axis in range(place.shape[1]):
                    squared += (place[hit, axis] - place[start, axis]) ** 2
                    if squared > limit:
                        break
                if squared <= limit:
                    owner[hit] = count
        first[count] = start
        count += 1
    return owner, first[:count]
