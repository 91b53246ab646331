"""The contract of a source: what it must answer, and what it answers by itself."""

from __future__ import annotations

import pytest

from hitforge.core.config import Config
from hitforge.events import Events, Source
from hitforge.events.source import SPLITS


class Half(Source):
    """Says nothing of its shards."""

    def shard(self, split: str, index: int) -> Events:
        raise NotImplementedError


class Whole(Half):
    """Empty."""

    def splits(self) -> dict[str, int]:
        return dict.fromkeys(SPLITS, 0)


def test_half_a_source_is_none() -> None:
    with pytest.raises(TypeError, match="splits"):
        Half(Config(), None)  # type: ignore[abstract]


def test_a_source_reads_no_file_unless_it_says_so() -> None:
    source = Whole(Config(), "detector")
    assert source.inputs() == source.files() == []
    assert source.detector == "detector"
    assert list(source.splits()) == ["train", "validation", "test"]
