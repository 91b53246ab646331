"""The few numbers of a run that stand in a short table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hitforge.core.errors import HitforgeError
from hitforge.metrics import METRICS

_DEFINED = re.compile(r"(\w+) v\d+: ")  # how a definition begins: name and version of the metric


def headline(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the flat names of the main numbers, such as ``test.roc_auc``, those that each metric names first.

    Args:
        metrics: Of ``metrics.json``: flat name -> {value, low, high, definition, n}.
    """
    by_metric: dict[str, list[str]] = {}
    for name, value in metrics.items():
        found = _DEFINED.match(str(value.get("definition", "")))
        by_metric.setdefault(found[1] if found else "", []).append(name)
    rounds = [_chosen(metric, names) for metric, names in by_metric.items()]
    # the first of every metric goes before the second of any: a narrow terminal shows the beginning
    return [names[place] for place in range(max(map(len, rounds), default=0)) for names in rounds if place < len(names)]


def is_headline_difference(name: str, shown: Iterable[str]) -> bool:
    """True if a paired number of ``comparison.json`` is the difference of one of these numbers, or its p-value."""
    return name == "p_value" or any(name == f"{one.partition('.')[2]}_difference" for one in shown)


def _chosen(metric: str, names: list[str]) -> list[str]:
    try:
        wanted = METRICS.get(metric).headline
    except HitforgeError:  # of a package that is not installed here
        wanted = ()
    if not wanted:
        return names[:1]
    found = [next((n for n in names if n.partition(".")[2].startswith(prefix)), None) for prefix in wanted]
    return [name for name in found if name is not None]
