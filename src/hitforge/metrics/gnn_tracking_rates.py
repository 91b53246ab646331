"""Rates of tracks as the library gnn_tracking counts them: double majority, perfect and LHC, and fakes of each."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import clustered_share, clustered_text
from hitforge.metrics._sample import definition
from hitforge.objects.track.rules import tracks_of
from hitforge.tasks import Better

_OF_PARTICLES = {
    "perfect": "more than 99 % of the cluster's hits are the particle's, and all of the particle's are in it",
    "double_majority": "more than half of the cluster's hits are the particle's, and more than half of the particle's"
    " are in it",
}
_CUTS = "particles with pT >= 0.9 GeV, |eta| < 4, hits on >= 3 layers"
_LHC = "more than 75 % of the cluster's hits are the particle's"


class GnnTrackingRates(Metric):
    """The rates that papers with gnn_tracking print, for comparison with them alone.

    Written after ``tracking_metrics`` in ``gnn_tracking.metrics.cluster_metrics`` (K. Lieret and G. DeZoort, arXiv
    2309.16754). A cluster is a track with 3 hits or more; its majority particle is the one with most
    of its hits, and noise counts as a particle there. Particles of interest are those with hits on 3
    layers or more (gnn_tracking's "reconstructable"), pT of 0.9 GeV or more and abs(eta) below 4, charged or not, from
    anywhere. Clusters whose majority particle is none of them count nowhere.

    - ``gnn_tracking_double_majority``, ``gnn_tracking_perfect``: clusters that meet the rule, over particles of
      interest.
    - ``gnn_tracking_lhc``: clusters that meet the rule over clusters (not over particles, unlike ``lhc`` of
      ``tracking_efficiency``).
    - ``gnn_tracking_fake_<rule>``: clusters that do not meet the rule over clusters. A cluster of noise is no fake
      here, nor one of a particle below 0.9 GeV.

    Its cuts are those of the definition, not of the recipe's ``target``. gnn_tracking means over events; here all
    events are counted together. It counts layers by TrackML's ``layer_id``, which repeats between volumes; here each
    layer of a volume is one. Of clusters that share hits several may meet a rule with one particle: it counts once.
    """

    kind: ClassVar[str | None] = "track"
    headline: ClassVar[tuple[str, ...]] = ("gnn_tracking_double_majority", "gnn_tracking_fake_double_majority")
    version: ClassVar[int] = 1
    better: ClassVar[dict[str, Better]] = {
        "gnn_tracking_double_majority": "max",
        "gnn_tracking_perfect": "max",
        "gnn_tracking_lhc": "max",
        "gnn_tracking_fake_double_majority": "min",
        "gnn_tracking_fake_perfect": "min",
        "gnn_tracking_fake_lhc": "min",
    }

    class Config(config.Config):
        """No settings: the cuts are those of the definition."""

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the rates; those over clusters are left out where none counts.

        Raises:
            DataError: The predictions are not of tracks, do not tell the layers of particles, or no particle is of
                interest.
        """
        sample = tracks_of(predictions.tables, self.name, predictions.columns)
        if "layers" not in sample.particles:
            raise DataError(f"'{self.name}' needs the column 'layers' of particles", came=", ".join(sample.particles))
        particles = sample.particles
        asked = (particles["pt"] >= 0.9) & (np.abs(particles["eta"]) < 4.0) & (particles["layers"] >= 3)
        if not asked.any():
            raise DataError(f"'{self.name}' needs {_CUTS}", came=f"none of {len(asked)} particles")
        size, shared, whole = sample.tracks["hits"], sample.shared, sample.of_leading("hits")
        counted = (sample.leading >= 0) & (size >= 3) & (sample.noise <= shared)
        counted[counted] = asked[sample.leading[counted]]
        met = {
            "perfect": (shared == whole) & (100 * shared > 99 * size),
            "double_majority": (2 * shared > size) & (2 * shared > whole),
            "lhc": 4 * shared > 3 * size,
        }
        clusters = f"clusters of >= 3 hits whose majority particle is one of {_CUTS}"
        values: dict[str, Value] = {}
        for rule, text in _OF_PARTICLES.items():
            is_found = np.zeros(len(asked), bool)
            is_found[sample.leading[counted & met[rule]]] = True
            values[f"gnn_tracking_{rule}"] = self._share(
                is_found & asked, asked, sample.event, sample.events,
                f"share of {_CUTS} that are the majority particle of a cluster of >= 3 hits:"
                f" {text}",
            )  # fmt: skip
        if counted.any():
            asking = (counted, sample.track_event, sample.events)
            values["gnn_tracking_lhc"] = self._share(counted & met["lhc"], *asking, f"share of {clusters}: {_LHC}")
            for rule, text in {**_OF_PARTICLES, "lhc": _LHC}.items():
                failed = counted & ~met[rule]
                values[f"gnn_tracking_fake_{rule}"] = self._share(
                    failed, *asking, f"share of {clusters}, but not: {text}"
                )
        return Result(values)

    def _share(self, passed: Array, counted: Array, event: Array, events: int, text: str) -> Value:
        good, tried = (np.bincount(event[kept], minlength=events) for kept in (passed, counted))
        low, high = clustered_share(good, tried)
        total = int(tried.sum())
        text = definition(self, f"{text} (as gnn_tracking); {clustered_text(tried)}")
        return Value(int(good.sum()) / total, float(low), float(high), text, total)
