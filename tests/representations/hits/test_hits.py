"""Orders of hits, and what two places say about a track through both."""

from __future__ import annotations

import math

import torch

from hitforge.representations.hits import AROUND, PAIR_FEATURES, TRACK_PLACE, pair_features, sorting


def test_features_of_a_pair_are_those_of_a_straight_line() -> None:
    angle, slope, start = 0.3, 0.7, 0.25
    phi, r = torch.tensor([1.0, 1.0 + angle]), torch.tensor([0.4, 1.4])
    place = torch.stack([phi.cos(), phi.sin(), r, start + slope * r], dim=1)
    first = pair_features(place[0], place[1])
    turn = math.sin(angle)
    z1, z2 = start + slope * 0.4, start + slope * 1.4
    numbers = [turn, turn, turn / slope, start, 1.0, math.asinh(z2 / 1.4) - math.asinh(z1 / 0.4)]
    expected = [math.asinh(100 * number) / 5 for number in numbers] + [math.cos(angle)]
    torch.testing.assert_close(first, torch.tensor(expected), rtol=1e-3, atol=1e-3)
    assert first.shape == (len(PAIR_FEATURES),)
    assert place.shape[1] == len(TRACK_PLACE)


def test_features_of_all_pairs_are_those_of_each() -> None:
    place = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    table = pair_features(place[:, None], place[None])
    assert table.shape == (5, 5, len(PAIR_FEATURES))
    torch.testing.assert_close(table[1, 3], pair_features(place[1], place[3]))


def test_features_stay_finite_for_hits_at_one_place() -> None:
    place = torch.tensor([[1.0, 0, 0, 0]] * 3)
    assert pair_features(place, place).isfinite().all()


def test_orders_are_phi_bent_forth_and_back_and_the_slope() -> None:
    place = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    values = sorting(place, bend=0.5)
    phi = torch.atan2(place[:, 1], place[:, 0])
    for name, sign in (("phi", 0.0), ("bend", 0.5), ("back", -0.5)):
        turn = values[name] - (phi + sign * place[:, 2])
        torch.testing.assert_close(turn.cos(), torch.ones(len(turn)))
        assert ((values[name] >= 0) & (values[name] < 6.2832)).all()
    torch.testing.assert_close(values["eta"], place[:, 3] / place[:, 2].clamp(min=1e-3))
    assert set(values) == {*AROUND, "eta"}


def test_orders_run_around_the_beam() -> None:
    orders = sorting(torch.tensor([[1.0, 0.0, 0.2, 0.4], [0.0, -1.0, 0.2, 0.4]]), bend=0.15)  # cos, sin, radius, z
    torch.testing.assert_close(orders["phi"], torch.tensor([0.0, 1.5 * torch.pi]))
    torch.testing.assert_close(orders["bend"], (orders["phi"] + 0.15 * 0.2).remainder(2 * torch.pi))
    torch.testing.assert_close(orders["back"], (orders["phi"] - 0.15 * 0.2).remainder(2 * torch.pi))
    torch.testing.assert_close(orders["eta"], torch.tensor([2.0, 2.0]))
