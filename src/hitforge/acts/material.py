"""Tracker geometry of ACTS with a material budget of our choice, written as a binned material map."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hitforge.acts.geometry import build_generic, tracking_geometry
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require
from hitforge.core.files import cache_folder, write_text

TrackerMaterial = Literal["none", "generic", "cms_like"]

_ETA = (0.0, 0.4, 0.8, 1.0, 1.2, 1.4, 1.7, 2.5)
_TOTAL = (0.40, 0.50, 0.85, 1.20, 1.55, 1.80, 1.75, 1.55)
# Pixels and beam pipe; inner strips and their supports; outer strips and services.
_ZONE_EDGES = (0.0, 195.0, 720.0, 1100.0)  # mm
_ZONE_SHARES = (0.14, 0.36, 0.50)
_MODULES = (0.032, 0.012)  # silicon modules keep their own material: at the centre, and more per unit of |eta| [X0]
_MODULE_SHARE = 0.16  # of the generic detector: modules over all the rest
_BINS = 120
_SILICON = (95.7, 465.2, 28.03, 14.0, 8.276845e-05)  # X0 [mm], L0 [mm], A, Z, mol/mm^3
_THIN = 8.276845e-08  # mol/mm^3: what ACTS's generic detector says of its silicon, a thousandth of it


def material_budget(eta: Array) -> Array:
    """Return the thickness of the CMS-like tracker.

    The values follow the material budget of the CMS silicon tracker (JINST 9 (2014) P10009, figure 3): 0.4 X0 at the
    centre, 1.8 X0 at the end of the barrel. Half of it lies in the outer strips and their services, which matters more
    than the total: what is radiated late is not separated by the field before it reaches the calorimeter.

    Args:
        eta: Pseudorapidity, (N,).

    Returns:
        Thickness along the line from the origin, (N,) in radiation lengths.
    """
    return np.interp(np.abs(eta), _ETA, _TOTAL)


@lru_cache(maxsize=4)
def geometry_with(material: TrackerMaterial, scale: float) -> tuple[Any, Any]:
    """Return ACTS's generic detector with a material, built once a process.

    Silicon has its own density here: ACTS's generic detector gives its silicon a thousandth of it beside the right
    radiation length, so that particles would scatter and radiate but lose next to nothing by ionisation.

    Args:
        material: 'generic' for the detector's own 0.23 to 0.41 X0, 'cms_like' for ``material_budget``.
        scale: Factor on every thickness.

    Returns:
        The detector, which must stay alive, and its tracking geometry.

    Raises:
        MissingExtraError: pyacts is not installed.
    """
    acts_json, acts = require("acts.json"), require("acts")
    path = _map_file(material, scale)
    decorator = acts_json.JsonMaterialDecorator(
        rConfig=acts_json.MaterialMapJsonConverter.Config(), jFileName=str(path), level=acts.logging.WARNING
    )
    return build_generic(materialDecorator=decorator)


def _map_file(material: TrackerMaterial, scale: float) -> Path:
    """Return the material map, written at first use and found again by its name."""
    version = require("acts").version
    release = f"{version.major}.{version.minor}.{version.patch}"
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]  # another way to write it is another map
    path = cache_folder() / f"tracker-{code}-{release}-{material}-{scale:g}.json"
    if not path.exists():
        table = _generic_map()
        if material == "cms_like":
            _set_budget(table, scale)
        else:
            factor = max(scale + (scale - 1.0) * _MODULE_SHARE, 0.0)
            for entry in table["Surfaces"]["entries"]:
                for slab in () if _is_module(entry) else entry["value"]["material"]["data"][0]:
                    slab["thickness"] *= factor
        for entry in table["Surfaces"]["entries"]:
            for slab in entry["value"]["material"]["data"][0]:
                if math.isclose(slab["material"][4], _THIN, rel_tol=1e-3):
                    slab["material"] = list(_SILICON)
            for name in ("bounds", "transform", "type"):  # of no use to who reads it, and most of the file
                entry["value"].pop(name, None)
        write_text(path, json.dumps(table, separators=(",", ":")))
    return path


@cache
def passive_silicon() -> dict[int, float]:
    """Return the thickness of the passive silicon that each layer of the generic detector has, volume -> [mm]."""
    table = json.loads(_map_file("generic", 1.0).read_text(encoding="utf-8"))
    layers = [entry for entry in table["Surfaces"]["entries"] if not _is_module(entry) and entry["layer"] % 2 == 0]
    slabs = {entry["volume"]: entry["value"]["material"]["data"][0][0] for entry in layers}
    return {volume: float(one["thickness"]) for volume, one in slabs.items() if one["material"] == list(_SILICON)}


def _is_module(entry: dict[str, Any]) -> bool:
    return bool(entry.get("sensitive"))


def _generic_map() -> dict[str, Any]:
    """Return the material map of the generic detector as ACTS writes it."""
    acts, acts_json, writers = require("acts"), require("acts.json"), require("acts.examples.json")
    _, geometry = tracking_geometry()
    config = acts_json.MaterialMapJsonConverter.Config(
        processSensitives=True, processApproaches=True, processRepresenting=True, processBoundaries=True,
        processVolumes=True, processNonMaterial=False, context=acts.GeometryContext.dangerouslyDefaultConstruct(),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "map")
        level = acts.logging.WARNING
        writer = writers.JsonMaterialWriter(
            level=level, converterCfg=config, fileName=name, writeFormat=writers.JsonFormat.Json
        )
        writer.write(geometry)
        table: dict[str, Any] = json.loads(Path(f"{name}.json").read_text(encoding="utf-8"))
    return table


def _set_budget(table: dict[str, Any], scale: float) -> None:
    """Share the budget of each zone among the cylinders and discs that a straight line meets there."""
    # Layers with odd numbers only help to navigate: particles do not meet their material.
    modules = [entry for entry in table["Surfaces"]["entries"] if _is_module(entry)]
    entries = [entry for entry in table["Surfaces"]["entries"] if not _is_module(entry) and entry["layer"] % 2 == 0]
    table["Surfaces"]["entries"] = entries + modules
    surfaces = [_Surface(entry["value"]) for entry in entries]
    if not surfaces:
        raise RunError("the material map of the generic detector must hold cylinders and discs", came="none")
    for surface in surfaces:
        eta = surface.eta
        radius = surface.radius  # (bins,)
        zone = np.clip(np.searchsorted(_ZONE_EDGES, radius) - 1, 0, len(_ZONE_SHARES) - 1)
        others = np.zeros(len(eta))
        for other in surfaces:
            crossed, at = other.crossed(eta)
            others += crossed & (np.searchsorted(_ZONE_EDGES, at) - 1 == zone)
        share = np.asarray(_ZONE_SHARES)[zone] / np.maximum(others, 1.0)
        passive = np.maximum(scale * material_budget(eta) - _MODULES[0] - _MODULES[1] * np.abs(eta), 0.0)
        depth = passive * share * surface.cosine(eta)  # X0 at normal incidence
        slabs = [{"material": list(_SILICON), "thickness": float(t)} for t in depth * _SILICON[0]]
        surface.value["material"] |= {
            "type": "binned",
            "data": [slabs],
            "binUtility": {
                "binningdata": [
                    {"bins": _BINS, "min": surface.low, "max": surface.high, "option": "open",
                     "type": "equidistant", "value": surface.axis}
                ]
            },
        }  # fmt: skip


class _Surface:
    """A cylinder or a disc of the map, and the bins along it."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.cylinder = value["type"] == "CylinderSurface"
        bounds = value["bounds"]["values"]
        centre = (value["transform"]["translation"] or [0.0, 0.0, 0.0])[2]
        if self.cylinder:
            self.place, self.low, self.high, self.axis = bounds[0], centre - bounds[1], centre + bounds[1], "binZ"
        else:
            self.place, self.low, self.high, self.axis = centre, bounds[0], bounds[1], "binR"
        middle = self.low + (np.arange(_BINS) + 0.5) * (self.high - self.low) / _BINS
        self.radius: Array = np.full(_BINS, self.place) if self.cylinder else middle
        self.eta: Array = np.arcsinh(middle / self.place) if self.cylinder else np.arcsinh(self.place / middle)

    def crossed(self, eta: Array) -> tuple[Array, Array]:
        """Whether the line from the origin at each eta meets this surface, and at which radius."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.cylinder:
                z = self.place * np.sinh(eta)
                return (z >= self.low) & (z <= self.high), np.full(len(eta), self.place)
            radius = self.place / np.sinh(eta)
        return (radius >= self.low) & (radius <= self.high), radius

    def cosine(self, eta: Array) -> Array:
        """Cosine between the line and the surface's normal."""
        return 1.0 / np.cosh(eta) if self.cylinder else np.abs(np.tanh(eta))
