"""Tell what jets from collisions look like: a table on standard output, and the figure docs/images/jets.png.

Example: python docs/plots/jets.py 500
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from _pictures import save
from numpy.typing import NDArray

from hitforge.detectors import DETECTORS
from hitforge.report.style import look, new_figure
from hitforge.representations import REPRESENTATIONS
from hitforge.simulation import SIMULATIONS
from hitforge.simulation.generators.jets import ORIGINS

Array = NDArray[np.float64]
_SETTINGS = {"pt": (500, 700), "eta_max": 1.6, "spectrum": "log", "radius": 0.8, "validation": 0, "test": 0, "seed": 1}
_SHOWN = {
    "constituents": ("constituents", np.linspace(0, 160, 41)),
    "soft_drop_mass": ("soft-drop mass [GeV]", np.linspace(0, 220, 56)),
    "tau_ratio_2": ("$\\tau_2 / \\tau_1$", np.linspace(0, 1, 41)),
    "tau_ratio_3": ("$\\tau_3 / \\tau_2$", np.linspace(0, 1, 41)),
}


def shapes(kind: str, number: int) -> dict[str, Array]:
    """Return the jet shapes of jets of a kind by name."""
    cloud = DETECTORS.build("point_cloud", where="here")
    block = {"name": "pythia_jets", "kinds": (kind,), "train": number, "shard_size": number, **_SETTINGS}
    events = SIMULATIONS.build(block, cloud, where="here").shard("train", 0)
    representation = REPRESENTATIONS.build("jet_features", cloud, where="here")
    table = representation.batch(representation.prepare(events), np.arange(number))["features"]
    return dict(zip(representation.labels()["features"], table.T, strict=True))


def told(values: Array, digits: int) -> str:
    """Format a median with the error of its bootstrap."""
    rng = np.random.default_rng(1)
    spread = np.std([np.median(rng.choice(values, len(values))) for _ in range(200)])
    return f"{np.median(values):.{digits}f} ± {spread:.{digits}f}"


def main() -> None:
    """Print the table and write the figure."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    found = {kind: shapes(kind, number) for kind in ORIGINS}
    print("| medians | constituents | width | mass [GeV] | soft-drop mass [GeV] | τ₂ / τ₁ | τ₃ / τ₂ |")
    print("|---|---|---|---|---|---|---|")
    for kind, jets in found.items():
        row = [("constituents", 1), ("width", 4), ("mass", 1), ("soft_drop_mass", 1)]
        row += [("tau_ratio_2", 3), ("tau_ratio_3", 3)]
        print(f"| {kind} | " + " | ".join(told(jets[name], digits) for name, digits in row) + " |")
    with look():
        figure = new_figure(8, 6)
        panels = figure.subplots(2, 2).ravel()
        for axis, (name, (text, bins)) in zip(panels, _SHOWN.items(), strict=True):
            for kind, jets in found.items():
                axis.hist(jets[name], bins, histtype="step", density=True, label=kind)
            axis.set_xlabel(text)
            axis.set_ylabel("density")
        panels[0].legend()
        save(figure, Path(__file__).parents[1] / "images" / "jets.png", 100)


if __name__ == "__main__":
    main()
