from __future__ import annotations

import numpy as np
import torch

from hitforge.tasks._condensation import cluster, condensation


def test_charge_grows_with_beta_and_stays_finite() -> None:
    logit = torch.tensor([-60.0, -1.0, 0.0, 1.0, 60.0], requires_grad=True)
    beta, strength = condensation(logit)
    torch.testing.assert_close(beta[1:4], logit[1:4].sigmoid())
    torch.testing.assert_close(strength[1:4], torch.atanh(logit[1:4].sigmoid()) ** 2)
    assert (strength.diff() > 0).all()
    strength.sum().backward()
    assert logit.grad is not None
    assert logit.grad.isfinite().all()


def test_objects_begin_at_free_hits_in_order() -> None:
    place = np.array([[0.0, 0], [0.4, 0], [0.8, 0], [0, 0.6], [5, 5]])
    owner, first = cluster(place, np.array([1, 0, 3]), 0.25)
    assert owner.tolist() == [0, 0, 0, 1, -1]
    assert first.tolist() == [1, 3]
    owner, first = cluster(place, np.array([], np.int64), 0.25)
    assert (owner == -1).all()
    assert len(first) == 0
