"""Every registered plug-in, found by itself: it has a text, typed settings, and does what its room promises."""

from __future__ import annotations

import ast
import sys

import numpy as np
import pytest

from hitforge.baselines import BASELINES
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Events, FieldInfo
from hitforge.metrics import METRICS
from hitforge.models import MODELS
from hitforge.recipe.catalogue import REGISTRIES
from hitforge.report.sections import SECTIONS
from hitforge.representations import REPRESENTATIONS
from hitforge.representations._showers import ShowerRepresentation
from hitforge.representations._tracks import TrackRepresentation
from hitforge.representations.points.graphs import GRAPHS
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import TASKS
from hitforge.testing import check_described, conforms
from hitforge.testing._samples import sample, toy_jets
from tests.layered import HONEYCOMB, showers
from tests.many_showers import many_showers
from tests.toy_tracker import ToyTracker, helices

CLOUD = DETECTORS.build("point_cloud", where="test")

ALL = [(room, name) for room, registry in REGISTRIES.items() for name in registry.names()]


@pytest.mark.parametrize(("room", "name"), ALL)
def test_plugin_is_described_and_typed_and_refuses_an_unknown_setting(room: str, name: str) -> None:
    check_described(REGISTRIES[room], name)


@pytest.mark.parametrize(("room", "name"), ALL)
def test_plugin_file_holds_one_plugin(room: str, name: str) -> None:
    file = REGISTRIES[room].file(name)
    assert file is not None
    tree = ast.parse(file.read_text(encoding="utf-8"))
    public = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    base = REGISTRIES[room].base
    module = sys.modules[REGISTRIES[room].get(name).__module__]
    assert sum(issubclass(getattr(module, item), base) for item in public) == 1


def test_every_plugin_name_is_unique_among_sources() -> None:
    assert not set(REGISTRIES["simulation"].names()) & set(REGISTRIES["readers"].names())


def test_unknown_plugin_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'residual'"):
        MODELS.get("residal")


@pytest.mark.parametrize("name", MODELS.names())
def test_model_runs_forward_and_backward_and_keeps_events_apart(name: str) -> None:
    conforms("models", name, detector=HONEYCOMB, events=many_showers([3, 2], spots=100))


@pytest.mark.parametrize("name", GRAPHS.names())
def test_graph_builder_gives_what_it_promises(name: str) -> None:
    conforms("representations.points.graphs", name)


def jets_of_masses() -> Events:
    """Jets with a mass to be found."""
    jets = toy_jets(60)
    jets.jets.columns["soft_drop_mass"][:] = np.linspace(20, 150, 60)
    return jets.with_fields(
        {"true_mass": np.linspace(30, 160, 60)}, {"true_mass": FieldInfo("float32", "GeV", "a mass")}
    )


@pytest.mark.parametrize("name", TASKS.names())
def test_task_asks_punishes_and_decodes(name: str) -> None:
    given = {"detector": CLOUD, "events": jets_of_masses()} if name == "regress" else {}
    conforms("tasks", name, **given)


@pytest.mark.parametrize("name", [name for name in BASELINES.names() if BASELINES.get(name).kind is None])
def test_classical_algorithm_answers_and_is_saved(name: str) -> None:
    given = {"detector": CLOUD, "events": jets_of_masses(), "task": "regress"} if name == "jet_mass" else {}
    conforms("baselines", name, **given)


@pytest.mark.parametrize("name", METRICS.names())
def test_metric_measures_the_same_twice_and_says_what(name: str) -> None:
    conforms("metrics", name)


@pytest.mark.parametrize("name", SIMULATIONS.names())
def test_simulation_gives_the_same_events_everywhere(name: str) -> None:
    if name in ("pythia_jets", "barrel_jets"):
        pytest.importorskip("fastjet", reason="needs the extra 'gen'")
    more = {"tracker_material": "none"} if name == "particle_gun" else {"window": 110} if "shower" in name else {}
    conforms("simulation", name, {"train": 3, "validation": 0, "test": 1, "shard_size": 2, **more})


@pytest.mark.parametrize("name", SECTIONS.names())
def test_section_draws_a_metric(name: str) -> None:
    conforms("report.sections", name)


OF_TRACKS = [name for name in REPRESENTATIONS.names() if issubclass(REPRESENTATIONS.get(name), TrackRepresentation)]


@pytest.mark.parametrize("name", OF_TRACKS)
def test_representation_of_tracks_gives_flat_rows(name: str) -> None:
    events = helices([12, 5, 9, 7])
    conforms("representations", name, detector=ToyTracker(), events=events)
    representation = REPRESENTATIONS.build(name, ToyTracker(), where="test")
    representation.fit(lambda: [events], Progress())
    prepared, index = representation.prepare(events), np.array([3, 0])
    batch = representation.batch(prepared, index)
    hits = len(batch["nodes"])
    assert hits == events.hits.counts[index].sum()  # none is left out
    assert representation.truth(prepared, index, "hit").shape == (hits, 9)
    if "source" in batch:
        truth = representation.truth(prepared, index, "edge")
        assert truth.shape == (len(batch["source"]), 2)
        assert 0 < truth[:, 0].mean() <= 1


OF_SHOWERS = [name for name in REPRESENTATIONS.names() if issubclass(REPRESENTATIONS.get(name), ShowerRepresentation)]


@pytest.mark.parametrize("name", OF_SHOWERS)
def test_representation_of_showers_gives_flat_rows_and_truth_by_name(name: str) -> None:
    representation, events = REPRESENTATIONS.build(name, HONEYCOMB, where="test"), many_showers([2, 4, 0, 3])
    conforms("representations", name, detector=HONEYCOMB, events=events)
    prepared, index = representation.prepare(events), np.array([3, 0])
    batch = representation.batch(prepared, index)
    for per in ("hit", "object"):
        truth = representation.truth(prepared, index, per)
        assert truth["fraction"].shape == (len(batch["nodes"]), 3)
        assert truth["objects"].shape == (2, 3, 14)
        for key in ("energy", "event", "place"):
            np.testing.assert_array_equal(truth[key], batch[key])


@pytest.mark.parametrize("name", [name for name in REPRESENTATIONS.names() if name not in OF_TRACKS + OF_SHOWERS])
def test_representation_gives_the_shapes_it_promises(name: str, gun_events: Events, barrel: Detector) -> None:
    if "jets" in REPRESENTATIONS.get(name).reads:
        detector, events = sample("jets")
        conforms("representations", name, detector=detector, events=events)
        return
    try:
        REPRESENTATIONS.build(name, barrel, where="test")
        detector, events = barrel, gun_events
    except ConfigError:  # it needs a calorimeter of layers
        detector, events = HONEYCOMB, showers(8)
    conforms("representations", name, detector=detector, events=events)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_detector_finds_every_cell_again(name: str) -> None:
    conforms("detectors", name)
