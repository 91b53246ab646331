"""Real and Geant4 events of other calorimeters go all the way through a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.detectors import DETECTORS
from hitforge.models import MODELS
from hitforge.readers import READERS
from hitforge.representations import REPRESENTATIONS

CLIC = "system:5,side:-2,module:8,stave:4,layer:9,submodule:4,x:32:-16,y:-16"
FILES = {
    "edm4hep": (
        "edm4hep/clic_gamma_10GeV.root", {"name": "point_cloud", "plane": 2500}, {"name": "edm4hep", "encoding": CLIC},
    ),
    "hgcal muons": (
        "hgcal/partGun_PDGid13_x2_E35.0To35.0_NTUP_1.root", "hgcal", {"name": "cms_hgcal", "endcaps": "split"},
    ),
    "hgcal Parquet": ("hgcal/hgcalml_np_feat.parquet", "hgcal", {"name": "cms_hgcal", "limit": 2}),
    "ild_points": ("ild_showers/mini_data_sample_50GeV.hdf5", "ild_ecal", {"name": "ild_points"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_fresh_network_answers_with_finite_numbers(public_data: Path, name: str) -> None:
    file, geometry, reader = FILES[name]
    path = public_data / file
    if not path.exists():
        pytest.skip(f"{file} is not below HITFORGE_DATA")
    detector = DETECTORS.build(geometry, where="test")
    events = READERS.build({**reader, "path": str(path)}, detector, where="test").shard("test", 0).check()
    seed = "energy" if geometry == "ild_ecal" else "transverse"  # a shower on the z axis has no transverse energy
    block: dict[str, Any] = {"name": "points", "region": {"seed": seed}}
    representation = REPRESENTATIONS.build(block, detector, where="test")
    inputs = representation.batch(representation.prepare(events), np.arange(len(events)))
    assert all(np.isfinite(values).all() for values in inputs.values())
    assert inputs["mask"].sum(axis=(1, 2)).max() > 5  # a muon's track has few hits, a shower many
    torch.manual_seed(0)
    network = MODELS.build("edge_conv", where="test").torch(representation.shapes(), 3).eval()
    with torch.no_grad():
        outputs = network(**{key: torch.from_numpy(values) for key, values in inputs.items()})
    assert outputs.shape == (len(events), 3)
    assert outputs.isfinite().all()
