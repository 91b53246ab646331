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
)
CATALOGUE: dict[str, PublicSet] = {entry.name: entry for entry in _SETS}
"""Data sets by name."""
