"""Rates as gnn_tracking counts them, beside a plain reading hit by hit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.metrics import Predictions
from tests.track_tables import Sample


def rates(metric, predictions: Predictions) -> dict[str, tuple[float, int]]:
    values = metric("gnn_tracking_rates").compute(predictions, 0).values
    return {name.removeprefix("gnn_tracking_"): (value.value, value.n) for name, value in values.items()}


def test_numbers_of_the_example(metric) -> None:
    sample = Sample().event()
    sample.particle(10).particle(12).particle(9, charge=0).particle(8, pt=0.9)  # 0 to 3: of interest
    sample.particle(6, pt=0.89).particle(9, eta=4.0).particle(9, layers=2)  # 4 to 6: not
    sample.track(10, (0, 10))  # perfect
    sample.track(9, (1, 7), (4, 2))  # 7/9 of the cluster: LHC and double majority
    sample.track(5, (1, 3), (2, 2))  # a piece: a fake of each rule
    sample.track(3, (2, 3))  # pure, but less than half: LHC only
    sample.track(2, (3, 2))  # too short
    sample.track(6, (4, 6)).track(9, (5, 9)).track(9, (6, 9))  # of others: neither found nor fake
    sample.track(7, (3, 3)).track(5)  # four hits of noise, and noise alone: noise has the majority
    assert rates(metric, sample.predictions()) == {
        "double_majority": (2 / 4, 4), "perfect": (1 / 4, 4), "lhc": (3 / 4, 4),
        "fake_double_majority": (2 / 4, 4), "fake_perfect": (3 / 4, 4), "fake_lhc": (1 / 4, 4),
    }  # fmt: skip


def test_it_is_a_plain_reading_hit_by_hit(metric) -> None:
    random, sample = np.random.default_rng(11), Sample()
    found, wanted, fakes, clusters, ties = 0, 0, 0, 0, 0
    for _ in range(15):
        sample.event()
        owner = random.integers(-1, 8, 80)  # -1: noise
        cluster = np.where(random.random(80) < 0.75, owner, random.integers(-1, 8, 80))
        pt = random.uniform(0.5, 2.0, 8)
        size = np.bincount(owner[owner >= 0], minlength=8)
        for particle in range(8):
            sample.particle(int(size[particle]), pt=float(pt[particle]))
        asked = (pt >= 0.9) & (size >= 3)
        wanted += int(asked.sum())
        for number in range(8):
            mine = owner[cluster == number]
            count = np.bincount(mine + 1, minlength=9)
            shared = [(p, int(count[p + 1])) for p in range(8) if count[p + 1]]
            sample.track(len(mine), *shared)
            most = int(count.max())
            if len(mine) < 3 or count[0] == most:  # noise has most hits; with ties it is skipped below
                continue
            if (count == most).sum() > 1:
                ties += 1
                continue
            major = int(count.argmax()) - 1
            if asked[major]:
                good = 2 * most > len(mine) and 2 * most > size[major]
                clusters, found, fakes = clusters + 1, found + good, fakes + (not good)
    told = rates(metric, sample.predictions())
    assert told["double_majority"] == (pytest.approx(found / wanted), wanted)
    assert 0 < fakes < clusters
    assert abs(told["fake_double_majority"][1] - clusters) <= ties
    assert told["fake_double_majority"][0] == pytest.approx(fakes / clusters, abs=ties / clusters)


def test_definitions_tell_what_is_counted(metric) -> None:
    sample = Sample().event().particle(10).track(10, (0, 10)).event().particle(10)
    values = metric("gnn_tracking_rates").compute(sample.predictions(), 0).values
    text = values["gnn_tracking_fake_lhc"].definition
    for part in ("gnn_tracking_rates v1", "pT >= 0.9 GeV", "|eta| < 4", ">= 3 layers", ">= 3 hits", "75 %"):
        assert part in text
    assert "Korn-Graubard over events" in values["gnn_tracking_perfect"].definition


def test_nothing_of_interest_and_unknown_layers(metric) -> None:
    with pytest.raises(DataError, match=r"needs particles with pT >= 0\.9 GeV.*none of 1"):
        rates(metric, Sample().event().particle(10, pt=0.5).predictions())
    known = Sample().event().particle(10).predictions()
    table = known.tables["particles"]
    blind = Collection(table.offsets, {name: values for name, values in table.columns.items() if name != "layers"})
    with pytest.raises(DataError, match="needs the column 'layers'"):
        rates(metric, replace(known, tables=known.tables | {"particles": blind}))
