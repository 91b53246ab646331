"""A search on ladders finds the best values, tells all that it tried, and where a ladder was too short."""

from __future__ import annotations

import pytest

from hitforge.baselines._scan import Ladder, Trial, search, tell_edges
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress

NUMBERS = Ladder((1, 2, 3, 4, 5, 6, 7))


def hill(settings):
    a, b = settings["a"] - 5, settings["b"] - 3
    return Trial(settings, -(a**2) - b**2 - 0.5 * a * b)


def test_the_top_of_a_hill_is_found_and_its_neighbours_are_tried() -> None:
    scan = search({"a": NUMBERS, "b": NUMBERS}, {"a": 1, "b": 7}, hill, rounds=20)
    assert scan.best.settings == {"a": 5, "b": 3}
    assert scan.settled
    assert scan.edges == ()
    tried = [trial.settings for trial in scan.trials]
    assert all({"a": 5, "b": 3} | near in tried for near in ({"a": 4}, {"a": 6}, {"b": 2}, {"b": 4}))
    assert len({tuple(one.items()) for one in tried}) == len(tried)  # none twice


def test_a_value_on_the_edge_is_told_unless_the_setting_ends_there() -> None:
    def rising(settings):
        return Trial(settings, settings["a"])

    assert search({"a": NUMBERS}, {"a": 4}, rising).edges == ("a",)
    assert search({"a": Ladder(NUMBERS.values, high_is_end=True)}, {"a": 4}, rising).edges == ()
    assert search({"a": Ladder(NUMBERS.values, low_is_end=True)}, {"a": 4}, rising).edges == ("a",)


def test_a_bound_goes_before_the_value() -> None:
    scan = search({"a": NUMBERS}, {"a": 7}, lambda s: Trial(s, s["a"], excess=max(0, s["a"] - 3)))
    assert scan.best.settings == {"a": 3}


def test_equal_trials_keep_the_start() -> None:
    assert search({"a": NUMBERS}, {"a": 4}, lambda s: Trial(s, 1.0)).best.settings == {"a": 4}


def test_what_has_no_order_is_tried_in_full() -> None:
    worth = {"flat": 1, "odd": 0, "gaussian": 2}
    scan = search({"k": Ladder(tuple(worth), ordered=False)}, {"k": "flat"}, lambda s: Trial(s, worth[s["k"]]))
    assert scan.best.settings == {"k": "gaussian"}
    assert len(scan.trials) == 3
    assert scan.edges == ()


def test_a_start_beside_the_ladder_is_put_on_it() -> None:
    scan = search({"a": NUMBERS}, {"a": 4.5}, lambda s: Trial(s, -abs(s["a"] - 4.4)))
    assert scan.best.settings == {"a": 4.5}
    assert [trial.settings["a"] for trial in scan.trials] == [4.5, 4, 5]
    with pytest.raises(ConfigError, match="'a' must start from one of its values"):
        search({"a": NUMBERS}, {"a": "wide"}, hill)
    with pytest.raises(ConfigError, match="'a' must have a value to start from"):
        search({"a": NUMBERS}, {}, hill)


def test_too_few_rounds_are_told() -> None:
    assert not search({"a": NUMBERS, "b": NUMBERS}, {"a": 1, "b": 7}, hill, rounds=1).settled


def test_the_record_holds_all_trials() -> None:
    scan = search({"a": NUMBERS}, {"a": 4}, lambda s: Trial(s, s["a"], more={"fake_rate": 0.1}))
    record = scan.record("height", 20)
    assert record["best"] == {"a": 7}
    assert record["edges"] == ["a"]
    assert record["events"] == 20
    assert {"settings": {"a": 5}, "value": 5, "excess": 0.0, "fake_rate": 0.1} in record["tried"]


def test_edges_and_searches_that_ended_early_are_said() -> None:
    class Heard(Progress):
        def __init__(self) -> None:
            self.lines: list[str] = []

        def say(self, message: str) -> None:
            self.lines.append(message)

    heard = Heard()
    tell_edges("clue", search({"a": NUMBERS}, {"a": 4}, lambda s: Trial(s, -abs(s["a"] - 3))), heard)
    assert heard.lines == []
    tell_edges("clue", search({"a": NUMBERS}, {"a": 4}, lambda s: Trial(s, s["a"])), heard)
    assert heard.lines[0].startswith("clue: chosen on the edge of what was tried")
    assert heard.lines[0].endswith("a 7")
    tell_edges("clue", search({"a": NUMBERS}, {"a": 4}, lambda s: Trial(s, -abs(s["a"] - 2)), rounds=1), heard)
    assert heard.lines[1:] == ["clue: the scan ended before it had settled"]
    for start in (2, 6):  # within the bound, and beyond it
        tell_edges(
            "clue", search({"a": NUMBERS}, {"a": start}, lambda s: Trial(s, s["a"] % 5, max(s["a"] - 5, 0))), heard
        )
    assert heard.lines[2:] == ["clue: the scan began beyond its bound: begin within it, or widen it"]


def test_a_gain_below_the_least_is_no_step() -> None:
    def slope(settings):
        return Trial(settings, 0.001 * settings["a"])

    assert search({"a": NUMBERS}, {"a": 4}, slope, min_gain=0.01).best.settings == {"a": 4}
    assert search({"a": NUMBERS}, {"a": 4}, slope, min_gain=0.0005).best.settings == {"a": 7}


def test_settings_that_contradict_each_other_are_not_told() -> None:
    def measure(settings):
        return Trial(settings, settings["a"], float("inf") if settings["a"] > 4 else 0.0)

    scan = search({"a": NUMBERS}, {"a": 4}, measure)
    assert scan.best.settings == {"a": 4}
    assert [one["settings"]["a"] for one in scan.record("height", 1)["tried"]] == [4, 3]
