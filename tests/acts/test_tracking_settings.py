"""Settings of a search for tracks: what cannot be is refused."""

from __future__ import annotations

import pytest

from hitforge.acts.tracking_settings import TrackingSettings
from hitforge.core.errors import ConfigError


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"min_middle": 300.0, "max_middle": 200.0}, "min_middle must be below max_middle"),
        ({"min_radius": 1100.0}, "min_radius must be below max_radius"),
        ({"min_delta_r_top": 200.0, "max_delta_r_top": 100.0}, "min_delta_r_top must be below max_delta_r_top"),
        ({"z_edges": (0.0, 5.0, 5.0)}, "z_edges must rise"),
        ({"z_edges": (-9.0, 0.0, 9.0), "z_order": (1, 1)}, "each of the 2 bins along z once"),
        ({"z_edges": (-9.0, 0.0, 9.0), "z_neighbours_top": ((0, 0),)}, "a pair for each of the 2 bins"),
        ({"seed_volumes": (8,), "seed_layers": ((9, 2),)}, "seed_layers must lie in seed_volumes"),
        ({"max_holes": -1}, "max_holes"),
        ({"chi2_measurement": 0.0}, "chi2_measurement"),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    with pytest.raises(ConfigError, match=match):
        TrackingSettings.read(wrong, "test")


def test_bins_along_z_may_be_searched_in_another_order():
    settings = TrackingSettings.read(
        {"z_edges": (-9.0, 0.0, 9.0), "z_order": (2, 1), "z_neighbours_top": ((0, 1), (-1, 0))}, "test"
    )
    assert settings.z_order == (2, 1)
