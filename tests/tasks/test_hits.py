from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.objects.track.truth import HitTruth, hit_truth
from hitforge.tasks import TASKS, Objects
from hitforge.tasks._hits import (
    Momentum,
    chunked,
    efficiency_and_fakes,
    kept_objects,
    random_rows,
    strongest,
)


def truth_of(particle: list[int], reconstructable: list[int]) -> np.ndarray:
    target = np.ones((len(particle), 9), np.float32)
    target[:, 0], target[:, 7] = particle, reconstructable
    return target


def test_rows_are_all_or_some_and_never_twice() -> None:
    assert random_rows(5, 9, torch.device("cpu"), random=True).tolist() == [0, 1, 2, 3, 4]
    drawn = random_rows(50, 20, torch.device("cpu"), random=True)
    assert len(set(drawn.tolist())) == 20
    assert random_rows(10, 5, torch.device("cpu"), random=False).tolist() == [0, 2, 4, 6, 8]


def test_chunks_give_the_whole_sum_and_its_gradient() -> None:
    rows = torch.arange(7)
    first, second = (torch.linspace(-1, 1, 7, requires_grad=True) for _ in range(2))
    found = chunked(lambda part: first[part].exp().sum(), rows, 2**23)  # two rows a chunk
    expected = second.exp().sum()
    torch.testing.assert_close(found, expected)
    found.backward()
    expected.backward()
    torch.testing.assert_close(first.grad, second.grad)


def test_strongest_hit_of_each_particle() -> None:
    strength, number = torch.tensor([0.1, 0.9, 0.5, 0.7, 2.0]), torch.tensor([1, 0, 1, 0, -1])
    assert strongest(strength, number).tolist() == [1, 2]
    assert strongest(strength, torch.full((5,), -1)).tolist() == []


def test_small_objects_are_dropped_and_the_rest_numbered_anew() -> None:
    objects = kept_objects(
        np.array([2, 0, 1, 2, 0, 2]), np.array([5, 4, 3, 2, 1, 4]), 4, 2, {"pt": np.array([1.0, 2.0, 3.0, 4.0])}
    )
    assert objects.member.tolist() == [0, 0, 1, 1, 1]
    assert objects.hit.tolist() == [4, 1, 5, 2, 4]
    assert objects.count == 2
    assert objects.parameters["pt"].tolist() == [1.0, 3.0]
    assert kept_objects(np.zeros(0, int), np.zeros(0, int), 0, 3, {}).count == 0


def test_momentum_is_encoded_as_it_is_decoded() -> None:
    target = torch.zeros(3, 9)
    target[:, 2], target[:, 3] = torch.tensor([0.5, 1.0, 20.0]), torch.tensor([-1.0, 0.0, 2.0])
    outputs = torch.stack([target[:, 2].log(), target[:, 3]], dim=1)
    assert Momentum.error(outputs, hit_truth(target), torch.arange(3)).abs().max() < 1e-6
    shifted = Momentum.error(outputs[1:] + torch.tensor([0.5, -0.25]), hit_truth(target), torch.arange(1, 3))
    torch.testing.assert_close(shifted, torch.full((2,), 0.75))
    decoded = Momentum.decode(outputs.numpy())
    np.testing.assert_allclose(decoded["pt"], target[:, 2], rtol=1e-6)
    np.testing.assert_allclose(decoded["eta"], target[:, 3])


def test_double_majority_needs_both_halves() -> None:
    truth = hit_truth(truth_of([0, 0, 0, 0, 1, 1, 1, -1, -1, 2], [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]))
    members = [(0, 0), (0, 1), (0, 2), (1, 3), (1, 7), (2, 4), (2, 5), (2, 7), (2, 8), (3, 9)]
    objects = Objects(*np.array(members, np.int32).T, 4)
    # object 0 is particle 0; object 2 has two of four hits of particle 1; object 3 is particle 2, which nobody wants
    assert efficiency_and_fakes(objects, truth) == {"efficiency": 0.5, "fakes": 0.5}


def test_numbers_of_an_event_without_anything() -> None:
    nothing = Objects(np.zeros(0, np.int32), np.zeros(0, np.int32), 0)
    found = efficiency_and_fakes(nothing, hit_truth(truth_of([-1, -1], [0, 0])))
    assert np.isnan(found["efficiency"])
    assert found["fakes"] == 0.0


@pytest.mark.parametrize("name", ["condense_hits", "find_tracks", "embed_hits"])
def test_hits_of_one_event_do_not_repel_those_of_another(name: str) -> None:
    """Two events at the same places of the space, each as it should be, in rows that are mixed."""
    task = TASKS.build({"name": name, **({"random": 0} if name == "embed_hits" else {})}, where="test")
    outputs = torch.zeros(20, task.outputs)
    outputs[:, 0], outputs[::5, 0] = -2.0, 4.0
    outputs[:, 1] = torch.tensor([-3.0, 3.0]).repeat_interleave(5).repeat(2)  # two particles an event
    columns = {"particle": np.repeat(np.arange(4), 5), "rank": np.tile(np.arange(5), 4), "weight": np.ones(20)}
    columns |= {"hits": np.full(20, 5), "pt": np.full(20, 2.0), "event": np.repeat([0, 1], 10)}
    names = (*HitTruth._fields, "event")
    target = torch.tensor(np.stack([columns.get(one, np.zeros(20)) for one in names], 1), dtype=torch.float32)
    mixed = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    both = float(task.torch_loss(outputs[mixed], target[mixed]))
    apart = [float(task.torch_loss(outputs[rows], target[rows])) for rows in (slice(0, 10), slice(10, 20))]
    assert both == pytest.approx(sum(apart) / 2, rel=1e-5)
    together = target.clone()
    together[:, -1] = 0.0  # the same hits as one event: there they do repel each other
    assert float(task.torch_loss(outputs, together)) > both + 0.1
