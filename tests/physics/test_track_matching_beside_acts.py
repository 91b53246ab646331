"""Our counts of found particles, fakes and duplicates beside those of ACTS's own writer, on the same tracks."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the comparison needs pyacts")

import acts
import acts.examples as examples
from acts import fatras

from hitforge.acts.chain import Chain, track_tables
from hitforge.acts.kalman_filter import TRACKS, Asked, add_tracking
from hitforge.acts.measurements import measurements
from hitforge.acts.tracking_settings import TrackingSettings
from hitforge.detectors import acts_geometry
from hitforge.events import Collection, Events
from hitforge.metrics import METRICS, Predictions
from hitforge.objects.track.matching import match
from tests.helix_gun import TRACKER, gun
from tests.targets import target

MUONS, EVENTS = 60, 4


class Truth(examples.IAlgorithm):
    """Writes particles, and which measurement is whose, as ACTS wants them."""

    def __init__(self, owners):
        examples.IAlgorithm.__init__(self, "Truth", acts.logging.FATAL)
        self.owners, self.handles = owners, {}
        for name, kind in (
            ("particles", examples.SimParticleContainer), ("particle_map", examples.ParticleMeasurementsMap),
            ("measurement_map", examples.MeasurementParticlesMap),
        ):  # fmt: skip
            self.handles[name] = examples.WriteDataHandle(self, kind, name)
            self.handles[name].initialize(name)

    def execute(self, context):
        particles = examples.SimParticleContainer()
        forth, back = examples.MeasurementParticlesMap(), examples.ParticleMeasurementsMap()
        names = []
        for number in range(MUONS):
            name = fatras.Barcode()
            name.vertexPrimary, name.particle = 1, number + 1
            particle = examples.SimParticle(name, acts.PdgParticle.eMuon, -1.0, 0.105)
            particle.direction, particle.absoluteMomentum = acts.Vector3(1.0, 0.0, 0.0), 5.0
            particles.insert(particle)
            names.append(name)
        for row, owner in enumerate(self.owners[context.eventNumber]):
            if owner >= 0:
                forth.insert(row, names[owner])
                back.insert(names[owner], row)
        for name, what in (("particles", particles), ("particle_map", back), ("measurement_map", forth)):
            self.handles[name](context, what)
        return examples.ProcessCode.SUCCESS


def with_truth(events, members, case):
    """Links for the helices: as they are, or a part of the hits made noise or given to others, or joined in pairs."""
    random = np.random.default_rng(1)
    drawn, owner = random.uniform(size=members.rows), np.array(members["track"])
    if case == "mixed":
        owner = np.where(drawn < 0.4, random.integers(0, MUONS, len(owner)), owner)
    elif case == "joined":
        owner = owner // 2 * 2  # one particle with two tracks: half of its hits in each, or less in one
    keep = drawn >= 0.35 if case == "thinned" else np.ones(members.rows, bool)
    one = np.ones(members.rows)
    links = Collection(members.offsets, {"hit": members["hit"], "particle": owner, "weight": one}).select_rows(keep)
    zero = np.zeros(EVENTS * MUONS)
    columns = dict.fromkeys(("py", "pz", "vx", "vy", "vz", "time"), zero)
    columns |= {"pdg": zero + 13, "charge": zero - 1, "px": zero + 5, "energy": zero + 5, "parent": zero - 1}
    particles = Collection.from_counts(np.full(EVENTS, MUONS), columns)
    return Events({**events.collections, "links": links, "particles": particles})


@pytest.mark.parametrize("case", ["whole", "thinned", "mixed", "joined"])
def test_acts_counts_what_we_count(case):
    events, members, _ = gun(EVENTS, MUONS, 1, smear=True)
    events = with_truth(events, members, case)
    measured = measurements(events, TRACKER.modules)
    owners = []
    for event in range(EVENTS):
        links = events.links.take(np.array([event]))
        owner = np.full(events.hits.counts[event], -1)
        owner[links["hit"]] = links["particle"]
        owners.append(owner[measured.hit[measured.slice(event)]].tolist())
    surfaces, field = acts_geometry(TRACKER)
    chain = Chain(measured)
    pixels = TRACKER.pixel_volumes
    strips = sorted({*TRACKER.modules.volume.tolist()} - {*pixels})
    add_tracking(chain, TrackingSettings(), Asked(), surfaces, field, TRACKER.field, pixels, strips)
    truth = Truth(owners)
    chain.add(truth)
    silent = acts.logging.FATAL
    chain.add(
        examples.TrackTruthMatcher(
            level=silent, inputTracks=TRACKS, inputParticles="particles",
            inputMeasurementParticlesMap="measurement_map", outputTrackParticleMatching="track_to_particle",
            outputParticleTrackMatching="particle_to_track",
            matchingRatio=0.5, doubleMatching=True,
        )
    )  # fmt: skip
    writer = examples.PythonPatternRecognitionPerformanceWriter(
        level=silent, inputTracks=TRACKS, inputParticles="particles", inputTrackParticleMatching="track_to_particle",
        inputParticleTrackMatching="particle_to_track", inputParticleMeasurementsMap="particle_map",
    )  # fmt: skip
    chain._loop.addWriter(writer)
    found, _ = chain.run(TRACKS)
    truth.handles.clear()
    theirs = writer.stats()
    tables = match(events, *track_tables(found, measured))
    # ACTS's matching both ways, and no cut of any kind.
    cuts = {"min_pt": 0, "max_eta": 20, "min_seen_hits": 1, "min_hits": 1, "min_track_hits": 1, "charged": False}
    block = {"name": "tracking_efficiency", "definitions": ("atlas_two_way",), "pt_edges": (1, 100)}
    metric = METRICS.build(block, target("track", **cuts), where="test")
    ours = metric.compute(Predictions({}, tables=tables), 1).values
    count = {name.removesuffix("_atlas_two_way"): round(value.value * value.n) for name, value in ours.items()}
    assert theirs["nTotalTracks"] == len(found.sizes)
    assert count["efficiency"] == theirs["nTotalMatchedParticles"]
    assert count["fake_rate"] == theirs["nTotalFakeTracks"]
    assert count["duplicate_rate"] == theirs["nTotalDuplicateTracks"]
    lost = {"whole": 0, "thinned": count["fake_rate"], "mixed": count["fake_rate"], "joined": count["duplicate_rate"]}
    assert (lost[case] > 0) == (case != "whole")  # the case is one where there is something to be counted
