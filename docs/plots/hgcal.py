"""Draw the events of the page about calorimeter jobs.

Usage: ``python docs/plots/hgcal.py [--images docs/images]``. The CMS event is found through ``HITFORGE_DATA``; without
it only the simulated ones are drawn.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from _pictures import write
from PIL import Image

from hitforge.detectors import DETECTORS
from hitforge.readers import READERS
from hitforge.report.events import pictures_for
from hitforge.simulation import SIMULATIONS

CMS = Path("hgcal") / "hgcalml_np_feat.parquet"
WIDTH = 1100  # pixels


def draw(events, detector, path):
    """Draw the first event, then make the picture small enough for a page."""
    pictures_for(detector).event_picture(events, 0, detector, path)
    with Image.open(path) as whole:
        small = whole.convert("RGB").resize((WIDTH, round(whole.height * WIDTH / whole.width)), Image.LANCZOS)
    write(small, path)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, {events.hits.counts[0]:,} hits")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=Path(__file__).parent.parent / "images")
    images = parser.parse_args().images
    detector = DETECTORS.build("hgcal", where="docs")
    for name, pdg, window in (("electron", 11, 110), ("pion", 211, 180)):
        block = {"name": "shower_gun", "pdg": [pdg], "energy": [100, 100], "window": window, "train": 1, "seed": 1}
        events = SIMULATIONS.build(block, detector, where="docs").shard("train", 0)
        draw(events, detector, images / f"hgcal_{name}.png")
    if (Path(os.environ.get("HITFORGE_DATA", "")) / CMS).is_file():
        block = {"name": "cms_hgcal", "path": str(CMS), "limit": 1}
        events = READERS.build(block, detector, where="docs").shard("test", 0)
        draw(events, detector, images / "hgcal_cms.png")


if __name__ == "__main__":
    main()
