"""Numbers about the shower of an event, for boosted trees and dense networks."""

from __future__ import annotations

from pydantic import Field

from hitforge.core import config
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.representations import Prepared
from hitforge.representations.features._table import TableRepresentation
from hitforge.representations.region import RegionSettings, find_regions
from hitforge.representations.region.summary import SUMMARY, summarise


class ShowerFeatures(TableRepresentation):
    """The summary of an event's region as one vector: the same numbers that networks get beside points or voxels.

    ``hitforge.representations.region.summary`` defines each of them.
    """

    class Config(config.Config):
        """Where the shower is looked for."""

        region: RegionSettings = Field(RegionSettings(), description="how the region is found")

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        detector.plane  # noqa: B018 - refuses detectors without showers

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the summary."""
        return SUMMARY

    def prepare(self, events: Events) -> Prepared:
        """Return ``features``, (N, S) float32; zeros for an event without a region.

        Raises:
            DataError: The events have no hits, or a hit is not finite.
        """
        regions = find_regions(events, self.config.region, self.detector)
        return Prepared(None, {"features": summarise(events, regions, self.config.region, self.detector)})
