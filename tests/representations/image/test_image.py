from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.events import Collection, Events, FieldInfo
from hitforge.representations import REPRESENTATIONS
from hitforge.representations.image.image import Image

BARREL = CrystalBarrel(CrystalBarrel.Config())
ENERGY_ONLY = {"channels": ["energy"], "energy_scale": 1.0}


def make_events(
    cells: list[list[int]],
    energies: list[list[float]],
    times: list[list[float]] | None = None,
    seeds: list[int] | None = None,
) -> Events:
    cell = np.array([c for event in cells for c in event], np.int64)
    energy = np.array([e for event in energies for e in event], np.float32)
    time = np.zeros(len(cell)) if times is None else np.array([t for event in times for t in event])
    zero = np.zeros(len(cell))
    columns = {
        "x": zero,
        "y": zero,
        "z": zero,
        "time": time,
        "energy": energy,
        "cell": cell,
        "layer": zero,
        "subsystem": zero,
    }
    fields, info = {}, {}
    if seeds is not None:
        fields, info = {"seed_cell": np.array(seeds)}, {"seed_cell": FieldInfo("int64", "", "seed")}
    hits = Collection.from_counts(np.array([len(event) for event in cells]), columns)
    return Events({"hits": hits}, fields, info)


def build(**values: object) -> Image:
    return Image(Image.Config.read(values, where="test"), BARREL)


def images(representation: Image, events: Events, random: np.random.Generator | None = None) -> np.ndarray:
    return representation.batch(representation.prepare(events), np.arange(len(events)), random)["image"]


def at(row: int, column: int) -> int:
    return int(BARREL.cell_of(np.array([row]), np.array([column]))[0])


def test_is_registered_and_names_its_channels() -> None:
    representation = REPRESENTATIONS.build({"name": "image", "channels": ["time", "lit"]}, BARREL, where="test")
    assert representation.shapes() == {"image": (32, 32, 2)}
    assert representation.labels() == {"image": ["time", "lit"]}


def test_seed_is_the_hottest_hit_and_stands_in_the_middle() -> None:
    events = make_events([[at(80, 100), at(81, 102)]], [[1.0, 3.0]])
    image = images(build(**ENERGY_ONLY), events)
    assert image.dtype == np.float32
    assert image[0, 16, 16, 0] == 3.0
    assert image[0, 15, 14, 0] == 1.0
    assert image.sum() == 4.0


def test_seed_field_wins_and_minus_one_means_none() -> None:
    events = make_events([[at(80, 100), at(81, 102)]] * 2, [[1.0, 3.0]] * 2, seeds=[at(80, 100), -1])
    image = images(build(**ENERGY_ONLY), events)
    assert image[0, 16, 16, 0] == 1.0
    assert image[1, 16, 16, 0] == 3.0


def test_columns_wrap_around_the_barrel() -> None:
    events = make_events([[at(80, 0), at(80, 359), at(80, 1)]], [[5.0, 2.0, 1.0]])
    image = images(build(**ENERGY_ONLY), events)
    assert image[0, 16, 15:18, 0].tolist() == [2.0, 5.0, 1.0]


def test_hits_outside_the_window_are_left_out() -> None:
    events = make_events([[at(80, 100), at(80, 115), at(80, 116), at(80, 83), at(97, 100)]], [[9.0, 1, 2, 4, 8]])
    assert images(build(**ENERGY_ONLY), events).sum() == 10.0


def test_hits_of_one_cell_are_merged_before_the_channel_is_computed() -> None:
    cell = at(80, 100)
    events = make_events([[cell, cell, cell]], [[1.0, 5.0, 3.0]], [[7.0, 2.0, 8.0]])
    image = images(build(channels=["energy", "sqrt_energy", "time", "lit"], energy_scale=1.0), events)
    np.testing.assert_allclose(image[0, 16, 16], [9.0, 3.0, 2.0, 1.0])


def test_channels_are_what_their_formulas_say() -> None:
    events = make_events([[at(80, 100), at(80, 101)]], [[50.0, 1.0]], [[0.5, -2.0]])
    image = images(build(channels=["energy", "log_energy", "time", "gated_time", "sqrt_energy"]), events)
    np.testing.assert_allclose(image[0, 16, 16], [1, 1, 0.5, 0.5 * 2500 / 2501, 1], rtol=1e-6)
    np.testing.assert_allclose(
        image[0, 16, 17], [0.02, np.log1p(20) / np.log1p(1000), -2.0, -1.0, np.sqrt(0.02)], rtol=1e-6
    )
    assert not image[0, 0].any()


def test_time_can_be_counted_from_the_seed() -> None:
    events = make_events(
        [[at(80, 100), at(80, 101)], [at(80, 101)]], [[9.0, 1.0], [1.0]], [[4.5, 5.0], [3.0]], seeds=[-1, at(80, 100)]
    )
    image = images(build(channels=["time"], time_reference="seed"), events)
    assert image[0, 16, 16:18, 0].tolist() == [0.0, 0.5]
    assert image[1, 16, 17, 0] == 3.0  # the seed cell was not read out: nothing to subtract


@pytest.mark.parametrize("size", [31, 32])
def test_mirrors_keep_the_seed_and_lose_nothing(size: int) -> None:
    """A cell at +half, which an even window does not show, appears at -half in the mirror."""
    cells = [at(80, 100), at(80, 100 + size // 2), at(80 - 3, 100 - 5)]
    representation = build(rows=size, columns=size, mirror_columns=True, **ENERGY_ONLY)
    prepared = representation.prepare(make_events([cells], [[9.0, 1.0, 2.0]]))
    middle = size // 2
    seen = set()
    for trial in range(40):
        image = representation.batch(prepared, np.array([0]), np.random.default_rng(trial))["image"][0, :, :, 0]
        assert image[middle, middle] == 9.0
        row = next(r for r in (middle - 3, middle + 3) if image[r].any())
        column = next(c for c in (middle - 5, middle + 5) if image[row, c] == 2.0)
        edge = image[middle, 0] if column == middle + 5 else image[middle, 2 * middle] if size % 2 else 1.0
        assert edge == 1.0
        seen.add((row, column))
    assert len(seen) == 4


def test_default_augmentation_is_the_true_symmetry_of_the_barrel_only() -> None:
    """An event and its mirror at -z give images that are mirrors; columns stay where they are."""
    cells, mirrored = [(120, 7), (122, 9), (119, 3)], [(169 - 120, 7), (169 - 122, 9), (169 - 119, 3)]
    events = make_events([[at(*c) for c in cells], [at(*c) for c in mirrored]], [[9.0, 1.0, 2.0]] * 2)
    representation = build(rows=33, columns=33, **ENERGY_ONLY)
    plain = images(representation, events)
    np.testing.assert_array_equal(plain[0, ::-1], plain[1])
    outcomes = {images(representation, events, np.random.default_rng(i))[0].tobytes() for i in range(30)}
    assert outcomes == {plain[0].tobytes(), plain[1].tobytes()}


def test_augmentation_follows_its_generator() -> None:
    cells = [[at(80, 100), at(83, 104)]] * 64
    events = make_events(cells, [[9.0, 1.0]] * 64)
    first = images(build(**ENERGY_ONLY), events, np.random.default_rng(1))
    np.testing.assert_array_equal(first, images(build(**ENERGY_ONLY), events, np.random.default_rng(1)))
    assert (first != images(build(**ENERGY_ONLY), events, np.random.default_rng(2))).any()


def test_events_without_hits_give_empty_images() -> None:
    image = images(build(), make_events([[], [at(80, 1)], []], [[], [2.0], []]))
    assert image.shape == (3, 32, 32, 2)
    assert not image[0].any()
    assert image[1].any()
    assert not image[2].any()


def test_batch_takes_events_in_the_order_asked_for() -> None:
    representation = build(**ENERGY_ONLY)
    prepared = representation.prepare(make_events([[at(80, 1)], [at(80, 1)], [at(80, 1)]], [[1.0], [2.0], [3.0]]))
    image = representation.batch(prepared, np.array([2, 0, 2]))["image"]
    assert image[:, 16, 16, 0].tolist() == [3.0, 1.0, 3.0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(70, 100), st.integers(0, 359), st.floats(0.125, 100, width=32)), max_size=20),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 41),
    st.integers(1, 41),
)
def test_energy_inside_the_window_is_conserved(
    hits: list[list[tuple[int, int, float]]], rows: int, columns: int
) -> None:
    cells = [[at(r, c) for r, c, _ in event] for event in hits]
    events = make_events(cells, [[e for *_, e in event] for event in hits])
    image = images(build(rows=rows, columns=columns, **ENERGY_ONLY), events)
    for number, event in enumerate(hits):
        expected = 0.0
        if event:
            seed = max(event, key=lambda hit: hit[2])  # the first of equal ones
            for row, column, energy in event:
                i, j = row - seed[0] + rows // 2, (column - seed[1] + 180) % 360 - 180 + columns // 2
                expected += energy if 0 <= i < rows and 0 <= j < columns else 0.0
        assert image[number].sum(dtype=np.float64) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_a_cell_of_another_detector_is_refused() -> None:
    with pytest.raises(DataError, match=r"cell must be one of the 61200 .*got: 61200; where: event 1"):
        build().prepare(make_events([[1], [61200]], [[1.0], [1.0]]))
    with pytest.raises(DataError, match="seed_cell"):
        build().prepare(make_events([[1]], [[1.0]], seeds=[61200]))


def test_events_without_hit_collection_are_refused() -> None:
    with pytest.raises(DataError, match="must have hits"):
        build().prepare(Events({}, {"a": np.zeros(2)}, {"a": FieldInfo("int64", "", "")}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 0},
        {"columns": 256},
        {"gate": 0},
        {"row": 3},
        {"channels": []},
        {"channels": ["energy", "energy"]},
        {"channels": ["energyy"]},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        build(**wrong)


def test_configuration_is_frozen() -> None:
    with pytest.raises(ValidationError):
        build().config.rows = 3
