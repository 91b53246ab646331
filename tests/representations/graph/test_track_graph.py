"""Graphs of hits: edges, labels, batches, what is saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.progress import Progress
from hitforge.events import Events
from hitforge.representations import Prepared
from hitforge.representations.graph.track_graph import TrackGraph
from hitforge.representations.hits.track_hits import TrackHits
from tests.targets import target
from tests.toy_tracker import ToyTracker, helices, hits_of, shuffled, true_set

DETECTOR = ToyTracker()
SAMPLE = helices([40] * 20, seed=11)


def _made(**settings: object) -> TrackGraph:
    graph = TrackGraph(TrackGraph.Config(**settings), DETECTOR)
    graph.fit(lambda: [SAMPLE], Progress())
    return graph


@pytest.fixture(scope="module")
def graph() -> TrackGraph:
    return _made()


@pytest.fixture(scope="module")
def prepared(graph: TrackGraph) -> Prepared:
    return graph.prepare(helices([30, 0, 50]))


def test_batch_has_the_promised_shapes(graph: TrackGraph, prepared: Prepared) -> None:
    batch, shapes = graph.batch(prepared, np.array([2, 0])), graph.shapes()
    assert batch.keys() == shapes.keys() == graph.labels().keys()
    edges = len(batch["source"])
    assert edges > 100
    for name in ("edges", "source", "destination"):
        assert batch[name].shape == (edges, *shapes[name])
    assert batch["edges"].dtype == np.float32
    assert batch["source"].dtype == batch["destination"].dtype == np.int32
    assert np.isfinite(batch["edges"]).all()
    assert np.abs(batch["edges"]).max() <= 8
    assert shapes["edges"] == (15,)
    assert _made(triplets=False).shapes()["edges"] == (9,)
    assert (batch["event"][batch["source"]] == batch["event"][batch["destination"]]).all()
    assert (batch["layer"][batch["source"]] != batch["layer"][batch["destination"]]).all()


def test_edges_are_true_where_hits_follow_each_other(graph: TrackGraph, prepared: Prepared) -> None:
    batch, truth = graph.batch(prepared, np.array([2])), graph.truth(prepared, np.array([2]), "edge")
    hits = hits_of(helices([30, 0, 50]))[2]
    assert hits.truth is not None
    true = true_set(hits.truth)
    pairs = zip(batch["source"].tolist(), batch["destination"].tolist(), strict=True)
    np.testing.assert_array_equal(truth[:, 0], [pair in true for pair in pairs])
    assert 0.2 < truth[:, 0].mean() < 1


def test_soft_particles_weigh_less(graph: TrackGraph) -> None:
    graph = _made(soft_pt=1.0, soft_weight=0.1)
    events = helices([60], overlap=0)
    prepared = graph.prepare(events)
    edges, hits = graph.truth(prepared, np.array([0]), "edge"), graph.truth(prepared, np.array([0]), "hit")
    source = graph.batch(prepared, np.array([0]))["source"]
    soft = (edges[:, 0] == 1) & (hits[source, 2] < 1.0)
    np.testing.assert_allclose(edges[:, 1], np.where(soft, 0.1, 1))
    assert soft.any()


def test_two_events_in_a_batch_are_each_by_itself(graph: TrackGraph, prepared: Prepared) -> None:
    together = graph.batch(prepared, np.array([2, 1, 0]))
    parts = [graph.batch(prepared, np.array([i])) for i in (2, 1, 0)]
    shift = np.cumsum([0, *(len(part["nodes"]) for part in parts)])
    for name in ("nodes", "layer", "kind", "edges"):
        np.testing.assert_array_equal(together[name], np.concatenate([part[name] for part in parts]))
    for name in ("source", "destination"):
        expected = np.concatenate([part[name] + first for part, first in zip(parts, shift[:-1], strict=True)])
        np.testing.assert_array_equal(together[name], expected)
    for per in ("edge", "hit"):
        truth = graph.truth(prepared, np.array([2, 1, 0]), per)
        alone = [graph.truth(prepared, np.array([i]), per) for i in (2, 1, 0)]
        first = np.s_[1:-1] if per == "hit" else np.s_[:]  # numbers of particles and events run through the batch
        np.testing.assert_array_equal(truth[:, first], np.concatenate(alone)[:, first])
        if per == "hit":
            assert truth[:, -1].tolist() == np.repeat([0, 1, 2], [len(part) for part in alone]).tolist()
    split = Prepared.concatenate([graph.prepare(helices([30, 0, 50]).take(np.array([i]))) for i in range(3)])
    np.testing.assert_array_equal(graph.batch(split, np.array([2, 1, 0]))["edges"], together["edges"])


def test_order_of_hits_does_not_matter(graph: TrackGraph) -> None:
    events = helices([40], seed=7)
    other, order = shuffled(events)
    found = []
    for sample, name in ((events, np.arange(events.hits.rows)), (other, order)):
        prepared = graph.prepare(sample)
        batch, truth = graph.batch(prepared, np.array([0])), graph.truth(prepared, np.array([0]), "edge")
        ends = np.stack([name[batch["source"]], name[batch["destination"]]], axis=1)
        sort = np.lexsort(ends.T)
        found.append((ends[sort], batch["edges"][sort], truth[sort]))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_what_is_saved_gives_the_same_graph(graph: TrackGraph, prepared: Prepared, tmp_path: Path) -> None:
    graph.save(tmp_path)
    other = TrackGraph(TrackGraph.Config(), DETECTOR)
    with pytest.raises(RunError, match="must be fitted"):
        other.prepare(helices([3]))
    with pytest.raises(RunError, match="must be fitted"):
        other.save(tmp_path)
    other.load(tmp_path)
    again = other.prepare(helices([30, 0, 50]))
    for name, values in prepared.tables["edges"].columns.items():
        np.testing.assert_array_equal(values, again.tables["edges"][name])
    (tmp_path / "representation.npz").write_bytes(b"nonsense")
    with pytest.raises(RunError, match="must be readable"):
        other.load(tmp_path)


def test_augmentation_mirrors_and_takes_wedges_and_truth_follows(prepared: Prepared) -> None:
    graph = _made(wedges=3)
    index = np.array([0, 2])
    whole = graph.batch(prepared, index)
    shares = []
    for seed in range(8):
        part = graph.batch(prepared, index, np.random.default_rng(seed))
        truth = graph.truth(prepared, index, "edge", np.random.default_rng(seed))
        hits = graph.truth(prepared, index, "hit", np.random.default_rng(seed))
        assert len(truth) == len(part["edges"])
        assert len(hits) == len(part["nodes"])
        assert part["source"].max() < len(part["nodes"])
        joined = (hits[part["source"], 0] == hits[part["destination"], 0]) & (hits[part["source"], 0] >= 0)
        assert joined[truth[:, 0] == 1].all()  # no hit is shared here
        shares.append(len(part["nodes"]) / len(whole["nodes"]))
    assert 0.25 < np.mean(shares) < 0.5
    mirrored = _made().batch(prepared, index, np.random.default_rng(0))
    signs = mirrored["edges"] / np.where(whole["edges"] == 0, 1, whole["edges"])
    turned = np.isclose(signs[:, 0], -1)
    assert np.isclose(np.abs(signs[whole["edges"] != 0]), 1).all()
    np.testing.assert_array_equal(turned, np.isclose(signs[:, 7], -1))
    assert (signs[:, [2, 3, 4, 5, 6, 8]] >= 0).all()


def test_events_without_hits_edges_or_truth(graph: TrackGraph) -> None:
    prepared = graph.prepare(helices([0, 0, 3], noise=0).take(np.array([0, 1])))
    batch = graph.batch(prepared, np.array([0, 1]))
    assert batch["nodes"].shape == (0, 3)
    assert batch["edges"].shape == (0, 15)
    assert graph.truth(prepared, np.array([1]), "edge").shape == (0, 2)
    assert graph.quality(prepared)["efficiency"] is None
    lonely = graph.prepare(helices([0], noise=1))
    assert graph.batch(lonely, np.array([0]))["edges"].shape == (0, 15)
    bare = graph.prepare(Events({"hits": helices([9]).hits}))
    assert len(graph.batch(bare, np.array([0]))["edges"])
    with pytest.raises(DataError, match="truth must come"):
        graph.truth(bare, np.array([0]), "edge")
    with pytest.raises(DataError, match="links and particles"):
        graph.fit(lambda: [Events({"hits": helices([9]).hits})], Progress())


def test_features_do_not_change_when_an_event_is_turned(graph: TrackGraph) -> None:
    events = helices([40], seed=3)
    angle = 2 * np.pi * 0.37
    x, y = events.hits["x"].copy(), events.hits["y"].copy()
    first = graph.prepare(events)
    events.hits.columns["x"], events.hits.columns["y"] = (
        x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle),
    )  # fmt: skip
    second = graph.prepare(events)
    features = [graph.batch(made, np.array([0]))["edges"] for made in (first, second)]
    common = 0
    there = {key: row for row, key in enumerate(zip(*_ends(second), strict=True))}
    for row, key in enumerate(zip(*_ends(first), strict=True)):
        if key in there:
            common += 1
            np.testing.assert_allclose(features[0][row, :9], features[1][there[key], :9], atol=0.02)
    assert common > 0.99 * first.tables["edges"].rows


def _ends(prepared: Prepared) -> tuple[list[int], list[int]]:
    edges = prepared.tables["edges"]
    return edges["source"].tolist(), edges["destination"].tolist()


def test_hits_are_those_of_the_other_representation(graph: TrackGraph, prepared: Prepared) -> None:
    plain = TrackHits(TrackHits.Config(azimuth=False), DETECTOR)
    events = helices([30, 0, 50])
    batch = plain.batch(plain.prepare(events), np.array([0, 2]))
    for name, values in batch.items():
        np.testing.assert_array_equal(values, graph.batch(prepared, np.array([0, 2]))[name])
    np.testing.assert_array_equal(graph.hit_index(prepared, np.array([2])), np.arange(events.hits.counts[2]))


def test_windows_learned_with_missed_hits_reach_over_a_layer() -> None:
    events = helices([60], noise=0, overlap=0)
    gone = events.hits["layer"] == 3
    kept = np.cumsum(~gone) - 1
    links = events.links.select_rows(~gone[events.links["hit"]])
    links.columns["hit"] = kept[links["hit"]]
    parts = {"hits": events.hits.select_rows(~gone), "particles": events.particles, "links": links}
    found = []
    for miss in (0.0, 0.1):
        graph = _made(miss=miss, max_chi=None)
        found.append(graph.quality(graph.prepare(Events(parts)))["efficiency"])
    assert found[0] < 0.9
    assert found[1] > 0.97


@pytest.fixture(scope="module")
def several() -> TrackGraph:
    return _made(also=("module_map", "geometric"))


def test_further_sets_of_edges_stand_beside_the_first(several: TrackGraph, graph: TrackGraph) -> None:
    events, index = helices([30, 0, 50]), np.array([2, 0])
    prepared, alone = several.prepare(events), graph.prepare(events)
    batch, shapes = several.batch(prepared, index), several.shapes()
    assert batch.keys() == shapes.keys() == several.labels().keys()
    for name, values in graph.batch(alone, index).items():  # the first set knows nothing of the others
        np.testing.assert_array_equal(batch[name], values)
    truth = several.truth(prepared, index, "edge")
    np.testing.assert_array_equal(truth, graph.truth(alone, index, "edge"))
    assert several.quality(prepared)["efficiency"] == graph.quality(alone)["efficiency"]
    for i in ("_1", "_2"):
        assert shapes[f"edges{i}"] == (9,) == (len(several.labels()[f"edges{i}"]),)
        assert prepared.tables[f"edges{i}"].columns.keys() == {"source", "destination", "features"}
        assert batch[f"edges{i}"].dtype == np.float32
        assert batch[f"source{i}"].dtype == batch[f"destination{i}"].dtype == np.int32
        assert len(batch[f"edges{i}"]) == len(batch[f"source{i}"]) == len(batch[f"destination{i}"]) > 100
    assert len(batch["edges_1"]) != len(batch["edges_2"])


@pytest.mark.parametrize("wedges", [1, 3])
def test_further_sets_are_what_their_builder_gives_alone(wedges: int) -> None:
    events, index = helices([30, 0, 50]), np.array([2, 1, 0])
    made = _made(also=("module_map", "geometric"), wedges=wedges)
    prepared = made.prepare(events)
    for number, name in ((1, "module_map"), (2, "geometric")):
        alone = _made(edges=name, triplets=False, max_chi=None, wedges=wedges)
        other = alone.prepare(events)
        for seed in (None, 0, 1, 2):  # mirrored and cut as the first set is
            one, two = (None if seed is None else np.random.default_rng(seed) for _ in range(2))
            batch, expected = made.batch(prepared, index, one), alone.batch(other, index, two)
            np.testing.assert_array_equal(batch["nodes"], expected["nodes"])
            for part in ("edges", "source", "destination"):
                np.testing.assert_array_equal(batch[f"{part}_{number}"], expected[part])


def test_further_sets_are_saved(several: TrackGraph, tmp_path: Path) -> None:
    several.save(tmp_path)
    other = TrackGraph(several.config, DETECTOR)
    other.load(tmp_path)
    events = helices([30, 50])
    first, second = several.prepare(events).tables, other.prepare(events).tables
    assert first.keys() == second.keys() >= {"edges", "edges_1", "edges_2"}
    for name, table in first.items():
        for column, values in table.columns.items():
            np.testing.assert_array_equal(values, second[name][column])


def test_all_builders_learn_from_one_pass() -> None:
    passes = []
    graph = TrackGraph(TrackGraph.Config(also=("module_map", {"name": "geometric", "quantile": 0.1})), DETECTOR)

    def train() -> list[Events]:
        passes.append(1)
        return [SAMPLE.take(np.array([i])) for i in range(len(SAMPLE))]

    graph.fit(train, Progress())
    assert len(passes) == 1
    for builder, name in zip(graph.builders, ("geometric", "module_map", None), strict=True):
        alone = _made(edges=name or {"name": "geometric", "quantile": 0.1}).builder.state()
        assert builder.state().keys() == alone.keys() != set()
        for key, values in builder.state().items():
            np.testing.assert_array_equal(values, alone[key])


def test_a_sample_or_builder_that_fails_stops_the_fit_of_all(several: TrackGraph) -> None:
    bare = Events({"hits": helices([9]).hits})
    graph = TrackGraph(several.config, DETECTOR)
    with pytest.raises(DataError, match="links and particles"):
        graph.fit(lambda: [SAMPLE, bare], Progress())
    strict = TrackGraph(TrackGraph.Config(also=("geometric",)), DETECTOR, target("track", min_pt=50.0))
    with pytest.raises(DataError, match="true pairs"):
        strict.fit(lambda: [SAMPLE], Progress())


def test_networks_reach_the_builder_that_needs_them() -> None:
    block = {"name": "embedding", "radius": 0.05, "max_neighbours": 1000}
    graph = TrackGraph(
        TrackGraph.Config(edges=block, also=("geometric", block), triplets=False, max_chi=None), DETECTOR
    )
    assert graph.depends_on == ("embedding", "embedding_2")
    asked, hits = [], TrackHits(TrackHits.Config(), DETECTOR)

    def network(name: str, columns: list[int]) -> None:
        def answer(batch: dict[str, np.ndarray]) -> np.ndarray:
            asked.append(name)
            return batch["nodes"][:, columns]

        graph.provide(name, answer, hits)

    network("embedding", [2, 3, 4])
    network("embedding_2", [3, 4])  # without eta: more are near
    with pytest.raises(ConfigError, match="embedding_1"):
        graph.provide("embedding_1", lambda batch: batch["nodes"], hits)
    graph.fit(lambda: [SAMPLE], Progress())
    tables = graph.prepare(helices([20])).tables
    assert asked == ["embedding", "embedding_2"]
    assert tables["edges_2"].rows > 1.5 * tables["edges"].rows > 0
    assert TrackGraph(TrackGraph.Config(also=("embedding",)), DETECTOR).depends_on == ("embedding_1",)


def test_no_edges_in_a_further_set(several: TrackGraph) -> None:
    prepared = several.prepare(helices([0, 0], noise=1).take(np.array([0])))
    batch = several.batch(prepared, np.array([0]))
    assert batch["edges_1"].shape == (0, 9)
    assert batch["source_1"].shape == (0,)


def test_a_network_over_several_sets_runs_and_learns(several: TrackGraph) -> None:
    torch = pytest.importorskip("torch")
    from hitforge.models import MODELS

    prepared, random = several.prepare(helices([30, 50])), [np.random.default_rng(3) for _ in range(2)]
    both = several.batch(prepared, np.array([0, 1])), several.truth(prepared, np.array([0, 1]), "edge")
    parts = Prepared.concatenate([prepared.take(np.array([i])) for i in (0, 1)])
    batch, truth = several.batch(parts, np.array([0, 1])), several.truth(parts, np.array([0, 1]), "edge")
    np.testing.assert_array_equal(truth, both[1])
    for name, values in both[0].items():
        np.testing.assert_array_equal(batch[name], values)
    model = MODELS.build({"name": "multi_topology_network", "width": 8, "iterations": 2, "layers": 8}, where="test")
    model.check(several.shapes())
    torch.manual_seed(0)
    module = model.torch(several.shapes(), 1)
    augmented = several.batch(prepared, np.array([0, 1]), random[0])
    target = several.truth(prepared, np.array([0, 1]), "edge", random[1])
    for inputs, wanted in ((batch, truth), (augmented, target)):
        module.zero_grad()
        outputs = module(**{name: torch.from_numpy(values) for name, values in inputs.items()})
        assert outputs.shape == (len(wanted), 1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], torch.from_numpy(wanted[:, 0]))
        loss.backward()
        for encoder in module.edge:  # every set of edges has its say
            assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in encoder.parameters())
            assert any(p.grad.abs().max() > 0 for p in encoder.parameters())
