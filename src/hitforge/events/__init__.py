"""The event model: events with collections of particles, hits and links, and their storage."""

from hitforge.events.collection import Collection
from hitforge.events.dataset import Dataset, build_dataset
from hitforge.events.events import Events
from hitforge.events.schema import COLLECTIONS, FieldInfo
from hitforge.events.source import Source

__all__ = ["COLLECTIONS", "Collection", "Dataset", "Events", "FieldInfo", "Source", "build_dataset"]
