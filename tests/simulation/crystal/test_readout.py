import numpy as np
import pytest

from hitforge.simulation.crystal.readout import TOWER, Choice, ReadoutSettings, select

ROWS, COLUMNS = 40, 60
STANDARD = Choice(True, 0.09, 17, 2, 0.1, 0.35, 2.0, ROWS, COLUMNS, ROWS // 2, 0.0174)


def _select(energies, seed, choice=STANDARD):
    """Which (row, column) of a dictionary of energies are kept."""
    signal = np.zeros(ROWS * COLUMNS)
    active = np.array([row * COLUMNS + column for row, column in energies])
    signal[active] = list(energies.values())
    kept = np.full(len(signal), 7, np.uint8)
    towers = np.zeros((ROWS // TOWER, COLUMNS // TOWER))
    select(choice, signal, active, len(active), seed[0] * COLUMNS + seed[1], kept, towers)
    assert (towers == 0).all()
    assert (kept[np.setdiff1d(np.arange(len(kept)), active)] == 7).all()
    return {place for place, cell in zip(energies, active, strict=True) if kept[cell]}


def test_zero_suppression_is_a_threshold():
    energies = {(10, 10): 5.0, (10, 11): 0.0901, (10, 12): 0.09, (30, 50): 0.2, (11, 10): -0.3}
    assert _select(energies, (10, 10), STANDARD._replace(supercluster=False)) == {(10, 10), (10, 11), (30, 50)}


def test_a_supercluster_keeps_all_positive_crystals_of_its_columns():
    energies = {(20, 30): 20.0, (18, 30): 0.001, (22, 30): 0.02, (19, 30): -0.05, (20, 31): 0.2, (21, 31): 0.004}
    assert _select(energies, (20, 30)) == {(20, 30), (18, 30), (22, 30), (20, 31), (21, 31)}


@pytest.mark.parametrize(("peak", "counts"), [(0.4, True), (0.3, False)])
def test_a_separate_group_of_columns_needs_a_peak(peak, counts):
    energies = {(20, 30): 20.0, (20, 42): 0.12, (20, 43): peak, (21, 43): 0.01}
    kept = _select(energies, (20, 30))
    assert ((21, 43) in kept) is counts


def test_a_column_below_the_threshold_parts_two_groups():
    energies = {(20, 30): 20.0, (20, 31): 0.05, (20, 32): 0.2, (21, 32): 0.01}
    assert (21, 32) not in _select(energies, (20, 30))
    assert (20, 31) not in _select(energies, (20, 30))


def test_the_last_group_on_the_road_counts_and_nothing_beyond_it():
    energies = {(20, 30): 20.0, (20, 47): 1.0, (21, 47): 0.01, (20, 48): 1.0, (21, 48): 0.01}
    kept = _select(energies, (20, 30))
    assert (21, 47) in kept
    assert (21, 48) not in kept


def test_columns_wrap_and_rows_do_not():
    energies = {(0, 59): 20.0, (1, 0): 0.5, (2, 0): 0.01, (39, 59): 0.01}
    assert _select(energies, (0, 59)) == {(0, 59), (1, 0), (2, 0)}


def test_towers_of_interest_keep_what_passes_zero_suppression():
    energies = {(22, 32): 20.0, (29, 34): 0.1, (29, 33): 0.08, (30, 34): 0.1, (15, 25): 0.1, (14, 25): 0.1}
    energies |= {(29, 39): 0.1, (29, 40): 0.1}
    # The seed's tower holds rows 20 to 24 and columns 30 to 34; its neighbours reach five crystals further.
    assert _select(energies, (22, 32)) == {(22, 32), (29, 34), (15, 25), (29, 39)}


def test_nothing_is_interesting_without_a_hot_tower():
    energies = {(22, 32): 1.5, (29, 34): 0.1}
    assert _select(energies, (22, 32)) == {(22, 32)}


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="kind"):
        ReadoutSettings(kind="dead time")
    with pytest.raises(ValueError, match="noise"):
        ReadoutSettings(noise=-0.1)
