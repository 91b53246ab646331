import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.detectors.stack import MATERIALS, build_layers, most_probable_loss


def one(stretch, length, thickness=0.3):
    return build_layers([stretch], [length], 0.0, [0], "silicon", thickness)


def test_radiation_lengths_of_pure_materials_are_those_of_tables():
    for name, depth in [("tungsten", 3.504), ("lead", 5.612), ("copper", 14.36), ("silicon", 93.7)]:  # [mm], PDG
        assert MATERIALS[name].radiation_length / MATERIALS[name].density * 10 == pytest.approx(depth, rel=0.01)


def test_tungsten_alone_has_the_moliere_radius_and_critical_energy_of_tungsten():
    layers = one({"tungsten": 3.504, "silicon": 1e-6}, 3.504)
    assert layers.radiation_lengths[0] == pytest.approx(1, rel=0.01)
    assert layers.moliere_radius[0] == pytest.approx(9.3, rel=0.05)  # PDG 9.327 mm
    assert layers.critical_energy[0] == pytest.approx(7.97e-3, rel=0.05)  # PDG 7.97 MeV
    assert layers.effective_z[0] == pytest.approx(74)
    assert layers.absorber_z[0] == pytest.approx(74)
    assert layers.sampling_frequency[0] == pytest.approx(1, rel=0.01)


def test_a_minimum_ionising_particle_leaves_84_kev_in_300_um_and_more_than_its_share_in_more():
    assert most_probable_loss(0.3) == pytest.approx(84e-6, rel=0.02)
    assert most_probable_loss(0.5) / 0.5 > most_probable_loss(0.3) / 0.3


def test_weight_is_the_inverse_of_the_sampling_fraction_times_the_response_to_electrons():
    layers = one({"tungsten": 2.1, "silicon": 0.5}, 5.0, thickness=0.5)
    tungsten, silicon = 0.21 * 19.3 * 1.145, 0.05 * 2.329 * 1.664  # [MeV]
    assert layers.weight[0] == pytest.approx((tungsten + silicon) / silicon * (1 + 0.007 * 60), rel=1e-6)


@given(st.floats(0.5, 20.0), st.floats(0.0, 50.0))
def test_empty_space_widens_a_shower_and_changes_nothing_else(tungsten, gap):
    stretch = {"tungsten": tungsten, "silicon": 0.3}
    full, loose = one(stretch, tungsten + 0.3), one(stretch, tungsten + 0.3 + gap)
    assert loose.moliere_radius[0] == pytest.approx(full.moliere_radius[0] * (1 + gap / (tungsten + 0.3)))
    for name in ("radiation_lengths", "interaction_lengths", "critical_energy", "weight", "mip"):
        assert getattr(loose, name)[0] == getattr(full, name)[0]


def test_wide_and_narrow_gaps_share_one_moliere_radius():
    layers = build_layers(
        [{"lead": 2.0, "silicon": 0.3}] * 4, [3.0, 13.0, 16.0, 26.0], 0.0, np.zeros(4), "silicon", 0.3
    )
    assert layers.moliere_radius[1:] == pytest.approx(np.full(3, layers.moliere_radius[1]))
    assert len(layers) == 4
