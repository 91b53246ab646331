"""Public data sets that hitforge can fetch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicFile:
    """One file.

    Attributes:
        path: Where it lies below the data folder.
        url: Its public home.
        sha256: Its content, or None where nobody has published it.
        size: Bytes, or None where it is not known.
    """

    path: str
    url: str
    sha256: str | None
    size: int | None


@dataclass(frozen=True)
class PublicSet:
    """One data set."""

    name: str
    description: str
    licence: str
    files: tuple[PublicFile, ...]


def _cernbox(share: str, file: str) -> PublicFile:
    url = f"https://cernbox.cern.ch/remote.php/dav/public-files/{share}/{file}"
    return PublicFile(f"electron_photon/{file}", url, None, None)


def _github(path: str, repository: str, commit: str, inside: str, sha256: str, size: int) -> PublicFile:
    return PublicFile(path, f"https://raw.githubusercontent.com/{repository}/{commit}/{inside}", sha256, size)


_SETS = (
    PublicSet(
        "electron_photon_sample",
        "100 + 100 electron and photon images of ML4SCI (32 x 32 crystals, energy only), training and test half",
        "as ML4SCI/ML4SCI_GSoC publishes it; a copy in ericardomuten/qml-hep-gsoc-2021 is under the MIT licence",
        (
            PublicFile(
                "electron_photon/electron-photon.npz",
                "https://raw.githubusercontent.com/ML4SCI/ML4SCI_GSoC/ab0a7e1d3dbfc77f41213845728a14506dd43cca"
                "/QMLHEP/qcnn/electron-photon.npz",
                "210f0744a5f8ab629358c2c8cc577aef1d1b9121ea634f2f5a7f8d86a2cfe8c8",
                821_002,
            ),
        ),
    ),
    PublicSet(
        "electron_photon",
        "249,000 electron and 249,000 photon images of ML4SCI (32 x 32 crystals, energy and time), one file a class",
        "no licence is stated; public link of ML4SCI on CERNBox",
        (
            _cernbox("FbXw3V4XNyYB3oA", "SingleElectronPt50_IMGCROPS_n249k_RHv1.hdf5"),
            _cernbox("AtBT8y4MiQYFcgc", "SinglePhotonPt50_IMGCROPS_n249k_RHv1.hdf5"),
        ),
    ),
    PublicSet(
        "hgcal_muons",
        "2 events of 2 muons of 35 GeV in the CMS high-granularity calorimeter, about 31,000 hits each, with truth",
        "BSD 3-clause, lgray/hgcal_ldrd",
        (
            _github(
                "hgcal/partGun_PDGid13_x2_E35.0To35.0_NTUP_1.root",
                "lgray/hgcal_ldrd",
                "fef03056e85a0acc28bf494a44533d93214585a6",
                "samples/partGun_PDGid13_x2_E35.0To35.0_NTUP_1.root",
                "7673162ba5571198d28b419dd9cb96d6e7654eba5e4410c1c0a0a618212e18fa",
                1_295_738,
            ),
        ),
    ),
    PublicSet(
        "ild_photons",
        "Geant4 photons in the silicon-tungsten calorimeter of ILD: one EDM4hep event, and histograms of many showers",
        "Apache 2.0, FLC-QU-hep/CaloClouds-3",
        (
            _github(
                "ild_showers/single_event_example.edm4hep.root",
                "FLC-QU-hep/CaloClouds-3",
                "3ceb85417a4bbe39eda9e1529dd4a6e83fc3359f",
                "test/single_event_example.edm4hep.root",
                "f8169da611b94c21f1b657a084bc897e5615e2431f8aa5e94887a3f54ecf3552",
                896_636,
            ),
            _github(
                "ild_showers/Geant_4_Accumulator.npz",
                "FLC-QU-hep/CaloClouds-3",
                "59b2560de053e25b30e1cc2eaf19266ec6e8d07f",
                "scripts/plotting/standard_metrics_ref/Geant_4_Accumulator.npz",
                "8a1f9b611e961768c1d41125b9bfa367bc312e0768def59fbde60c53063e05ce",
                40_490,
            ),
        ),
    ),
)
CATALOGUE: dict[str, PublicSet] = {entry.name: entry for entry in _SETS}
"""Data sets by name."""
