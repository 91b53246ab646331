from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Collection
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics._objects import both_showers, replica_weights
from tests.shower_tables import Sample

NAMES = ["average_precision", "shower_efficiency", "shower_response"]


def changed(predictions: Predictions, table: str, **columns: object) -> Predictions:
    old = predictions.tables[table]
    new = Collection(old.offsets, old.columns | {name: np.array(values) for name, values in columns.items()})
    return replace(predictions, tables=predictions.tables | {table: new})


def test_replicas_draw_as_many_events_as_there_are() -> None:
    weights = replica_weights(30, 50, np.random.default_rng(0))
    assert (weights.sum(axis=1) == 30).all()
    assert weights.shape == (50, 30)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wrong_is_refused(metric, name: str) -> None:
    good = Sample().event().particle().shower(0.9, (0, 40.0)).predictions()
    metric(name).compute(good, 0)
    with pytest.raises(DataError, match="a match must name a particle of its event; got: 1; where: event 0"):
        metric(name).compute(changed(good, "matches", particle=[1]), 0)
    with pytest.raises(DataError, match="a match must name a shower of its event; got: -1"):
        metric(name).compute(changed(good, "matches", shower=[-1]), 0)
    with pytest.raises(DataError, match="'score' of a shower must be finite; got: nan"):
        metric(name).compute(changed(good, "showers", score=[np.nan]), 0)
    shown = good.tables["showers"]
    less = Collection(shown.offsets, {key: shown[key] for key in ("score", "energy", "raw")})
    with pytest.raises(DataError, match=r"'showers' of showers must have the columns.*no hadron"):
        metric(name).compute(replace(good, tables=good.tables | {"showers": less}), 0)
    with pytest.raises(DataError, match="at least one event"):
        metric(name).compute(Sample().predictions(), 0)
    with pytest.raises(ConfigError, match="rise"):
        metric(name, energy_edges=(10.0, 10.0))


def test_both_must_be_of_the_same_particles(metric) -> None:
    one = Sample().event().particle().shower(0.9, (0, 40.0)).predictions()
    rule = metric("average_precision")
    assert both_showers(rule, one, one)[1].events == 1
    with pytest.raises(DataError, match="of the same particles; got: 1 and 1"):
        both_showers(rule, one, changed(one, "particles", energy=[51.0]))
    with pytest.raises(DataError, match="same"):
        both_showers(rule, one, Sample().event().particle().event().predictions())


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_same_numbers_and_values_lie_in_their_intervals(metric, name: str) -> None:
    random, sample = np.random.default_rng(5), Sample()
    for _ in range(60):
        sample.event().particle(nearest=50.0).particle(nearest=50.0, kind=1)
        for score, shared, scale in random.random((3, 3)):
            sample.shower(float(score), (int(3 * score) % 2, 40.0 * float(shared)), energy=40.0 + 20.0 * float(scale))
    first, again = (metric(name).compute(sample.predictions(), 7) for _ in range(2))
    assert first.values == again.values
    for value in first.values.values():
        assert value.low <= value.value <= value.high
        assert value.definition.startswith(f"{name} v{METRICS.build({'name': name}, where='test').version}: ")
    for table in first.tables.values():
        assert len({len(column) for column in table.values()}) <= 1
        assert all(np.isfinite(column).all() for column in table.values())
