"""EDM4hep events from a ROOT file: calorimeter hits with their contributions, and Monte Carlo particles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import Detector
from hitforge.events import Collection, Events, FieldInfo
from hitforge.readers._root import Tree, particles
from hitforge.readers.files import HITS, FileConfig, FileReader, build, physical, require_point_cloud

_SIMULATED, _DIGITISED = "vector<edm4hep::SimCalorimeterHitData>", "vector<edm4hep::CalorimeterHitData>"
_MASK = np.uint64(0x7FFF_FFFF_FFFF_FFFF)


class Edm4hep(FileReader):
    """Hits of all simulated calorimeter collections, or of the ones that are named, at the places in the file.

    The detector is ``point_cloud``. A hit's ``cell`` is the file's cellID without its highest bit, its ``subsystem``
    the collection's place in the list, its ``layer`` is decoded from the cellID where the encoding is known. Energies
    are those of the file: what simulated hits left in the active medium, times ``energy_scale``. A simulated hit's time
    is the mean of its contributions, weighted by energy, and 0 where the file has none. Contributions become links.
    """

    class Config(FileConfig):
        """Files, split and collections."""

        collections: tuple[str, ...] = Field(
            (), description="collections of hits; none: all simulated ones, else all digitised ones"
        )
        particles: str = Field("MCParticles", description="collection of Monte Carlo particles; empty: none")
        encoding: str = Field(
            "", description="cellID's bits, such as 'system:5,side:-2,layer:9'; empty: what the file says of itself"
        )
        energy_scale: float = Field(1.0, gt=0, description="factor on energies, such as one over the sampling fraction")

    BLOCK = 32

    def __init__(self, config: Config, detector: Detector) -> None:
        require_point_cloud(detector, "edm4hep")
        if config.encoding:
            layer_bits(config.encoding)
        super().__init__(config, detector)

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        with Tree(path, "events") as tree:
            names = self._names(tree, path)
            if not sum(int(tree.flat(f"{name}/{name}.energy")[1].sum()) for name in names):
                raise DataError("the file must hold calorimeter hits", came=f"none in {', '.join(names)}", where=path)
            return len(tree)

    def _names(self, tree: Tree, path: Path) -> list[str]:
        types = tree.types()
        if self.config.collections:
            wrong = [name for name in self.config.collections if types.get(name) not in (_SIMULATED, _DIGITISED)]
            known = ", ".join(name for name, kind in types.items() if kind in (_SIMULATED, _DIGITISED))
            if wrong:
                must = f"'collections' must name calorimeter hits of the file: {known}"
                raise DataError(must, came=", ".join(wrong), where=path)
            return list(self.config.collections)
        for kind in (_SIMULATED, _DIGITISED):
            found = [name for name, of in types.items() if of == kind]
            if found:
                return found
        raise DataError("the tree 'events' must have EDM4hep calorimeter hits", came="none", where=path)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        encodings = _encodings(path)
        with Tree(path, "events", first, last) as tree:
            count, names = len(tree), self._names(tree, path)
            truth, true_fields = self._particles(tree, count, path)
            parts = []
            for number, name in enumerate(names):
                encoding = self.config.encoding or encodings.get(name, "")
                parts.append(self._collection(tree, name, number, encoding, truth))
        event = np.concatenate([part["event"] for part in parts])
        order = np.argsort(event, kind="stable")
        hits = {key: np.concatenate([part[key] for part in parts])[order] for key in HITS}
        event = event[order]
        physical({key: hits[key] for key in ("x", "y", "z", "time", "energy")}, event, path, first)
        counts = np.bincount(event, minlength=count)
        self.refuse_large(counts, path, first)
        hits["energy"] = hits["energy"] * self.config.energy_scale
        known = all(part["known"] for part in parts if len(part["event"]))
        fields = true_fields | {
            "layers_known": (np.full(count, known), FieldInfo("int8", "", "1 if each hit's layer is known, else 0")),
        }
        if truth is None:
            return build(counts, hits, fields)
        return build(counts, hits, fields, particles=truth, links=_links(parts, order, counts, event))

    def _collection(
        self, tree: Tree, name: str, number: int, encoding: str, truth: Collection | None
    ) -> dict[str, Any]:
        """Hits of one collection in the order of the events, and their shares of particles."""
        column = {key: tree.flat(f"{name}/{name}.{key}")[0] for key in ("cellID", "energy")}
        counts = tree.flat(f"{name}/{name}.energy")[1]
        place = {key: tree.flat(f"{name}/{name}.position.{key}")[0] for key in "xyz"}
        event, cell = np.repeat(np.arange(len(counts)), counts), column["cellID"].astype(np.uint64)
        bits = layer_bits(encoding)
        layer = np.zeros(len(cell)) if bits is None else _bits(cell, *bits)
        result: dict[str, Any] = {
            "event": event,
            **place,
            "time": np.zeros(len(cell)),
            "energy": column["energy"].astype(np.float64),
            "cell": (cell & _MASK).astype(np.int64),
            "layer": layer,
            "subsystem": np.full(len(cell), number),
            "known": bits is not None,
            "links": None,
        }
        if f"{name}/{name}.time" in tree:
            result["time"] = tree.flat(f"{name}/{name}.time")[0].astype(np.float64)
        given = f"{name}Contributions"
        if f"{name}/{name}.contributions_begin" in tree and given in tree:
            self._contributions(tree, name, given, event, counts, result, truth)
        return result

    def _contributions(
        self, tree: Tree, name: str, given: str, event: Array, counts: Array, hits: dict[str, Any], truth: Any
    ) -> None:
        """Fill in times and shares from the contributions of each hit."""
        begin, end = (tree.flat(f"{name}/{name}.contributions_{key}")[0].astype(np.int64) for key in ("begin", "end"))
        number = end - begin
        hit = np.repeat(np.arange(len(begin)), number)  # (contributions,)
        energy, size = tree.flat(f"{given}/{given}.energy")
        offset = np.concatenate([[0], np.cumsum(size)])
        inside = np.arange(len(hit)) - np.repeat(np.cumsum(number) - number, number)
        row = np.repeat(begin + offset[event], number) + inside
        index, of_index = _relation(tree, name, "contributions")
        if index is not None:  # a hit points to places in this list, and it to contributions
            start = np.concatenate([[0], np.cumsum(of_index)])
            row = index[np.repeat(begin + start[event], number) + inside] + offset[event[hit]]
        weight = energy[row].astype(np.float64)
        total = np.bincount(hit, weight, len(begin))
        time = np.bincount(hit, weight * tree.flat(f"{given}/{given}.time")[0][row], len(begin))
        hits["time"] = np.divide(time, total, out=np.zeros(len(begin)), where=total > 0)
        owner, _ = _relation(tree, given, "particle")
        if truth is None or owner is None:
            return
        particle = owner[row]
        good = (particle >= 0) & (hits["energy"][hit] > 0)
        share = weight[good] / hits["energy"][hit[good]]
        hits["links"] = hit[good], particle[good].astype(np.int64), share

    def _particles(self, tree: Tree, count: int, path: Path) -> tuple[Collection | None, dict[str, Any]]:
        name = self.config.particles
        if not name:
            return None, {}
        tree.need(f"{name}/{name}.PDG")
        column = {
            key: tree.flat(f"{name}/{name}.{key}")[0].astype(np.float64)
            for key in ("PDG", "charge", "time", "mass", "generatorStatus")
        }
        counts = tree.flat(f"{name}/{name}.PDG")[1]
        p = np.stack([tree.flat(f"{name}/{name}.momentum.{key}")[0].astype(np.float64) for key in "xyz"])  # (3, P)
        vertex = [tree.flat(f"{name}/{name}.vertex.{key}")[0] for key in "xyz"]
        energy = np.sqrt((p**2).sum(axis=0) + column["mass"] ** 2)
        begin, end = (tree.flat(f"{name}/{name}.parents_{key}")[0].astype(np.int64) for key in ("begin", "end"))
        index, of_index = _relation(tree, name, "parents")
        parent = np.full(len(begin), -1)
        if index is not None and len(index):
            event = np.repeat(np.arange(count), counts)
            start = np.concatenate([[0], np.cumsum(of_index)])
            some = end > begin
            parent[some] = index[(begin + start[event])[some]]
        keys = ("pdg", "charge", "px", "py", "pz", "energy", "vx", "vy", "vz", "time", "parent")
        values = (column["PDG"], column["charge"], *p, energy, *vertex, column["time"], parent)
        truth = particles(counts, dict(zip(keys, values, strict=True)))
        return truth, _primary(truth, column["generatorStatus"] == 1)


def layer_bits(encoding: str) -> tuple[int, int] | None:
    """Return the first bit and the number of bits of the layer, as DD4hep writes encodings: ``name[:start]:bits``.

    Raises:
        ConfigError: The text is no encoding.
    """
    start, found = 0, None
    for part in filter(None, encoding.split(",")):
        match = re.fullmatch(r"\s*(\w+):(?:(\d+):)?(-?\d+)\s*", part)
        if match is None:
            raise ConfigError("'encoding' must be a list of name:bits or name:start:bits", came=part.strip())
        start = int(match[2]) if match[2] else start
        width = abs(int(match[3]))
        if match[1].lower() == "layer":
            found = start, width
        start += width
    return found


def _bits(cell: Array, start: int, width: int) -> Array:
    return ((cell >> np.uint64(start)) & np.uint64((1 << width) - 1)).astype(np.int64)


def _relation(tree: Tree, name: str, kind: str) -> tuple[Array | None, Array]:
    """Index list of a relation under its name in new files, or its number, always the first, in old ones."""
    for branch in (f"_{name}_{kind}", f"{name}#0"):
        if branch in tree:
            index, counts = tree.flat(f"{branch}/{branch}.index")
            return index.astype(np.int64), counts
    return None, np.zeros(len(tree), np.int64)


def _primary(truth: Collection, stable: Array) -> dict[str, Any]:
    """Event fields of the most energetic particle that the generator gave to the simulation."""
    rank = np.where(stable, truth["energy"].astype(np.float64), -1.0)
    best = np.lexsort((rank, truth.event))  # the last of an event is its best
    some = truth.counts > 0
    row = best[truth.offsets[1:][some] - 1]
    values: dict[str, Array] = {}
    for key in ("pdg", "energy", "px", "py", "pz"):
        values[key] = np.zeros(len(truth))
        values[key][some] = truth[key][row]
    p = np.sqrt(values["px"] ** 2 + values["py"] ** 2 + values["pz"] ** 2)
    result: dict[str, Any] = {
        "primary_pdg": (values["pdg"], FieldInfo("int32", "", "most energetic stable particle of the generator")),
        "energy": (values["energy"], FieldInfo("float32", "GeV", "its energy")),
    }
    for key in "xyz":
        direction = np.divide(values[f"p{key}"], p, out=np.zeros(len(p)), where=p > 0)
        result[f"direction_{key}"] = direction, FieldInfo("float32", "", f"its direction, {key}")
    return result


def _links(parts: list[dict[str, Any]], order: Array, counts: Array, event: Array) -> Collection:
    """Shares of all collections, merged by hit and particle."""
    place = np.empty(len(order), np.int64)  # of a hit in the events, by its place in the parts
    place[order] = np.arange(len(order))
    first = np.concatenate([[0], np.cumsum([len(part["event"]) for part in parts])])
    found = [(part["links"], start) for part, start in zip(parts, first, strict=False) if part["links"] is not None]
    if not found:
        return Collection.from_counts(
            np.zeros(len(counts)), {key: np.empty(0) for key in ("hit", "particle", "weight")}
        )
    hit = place[np.concatenate([links[0] + start for links, start in found])]
    particle, share = (np.concatenate([links[i] for links, _ in found]) for i in (1, 2))
    order = np.lexsort((particle, hit))
    hit, particle, share = hit[order], particle[order], share[order]
    new = np.ones(len(hit), np.bool_)
    new[1:] = (np.diff(hit) != 0) | (np.diff(particle) != 0)
    weight = np.bincount(np.cumsum(new) - 1, share) if len(hit) else share
    hit, particle = hit[new], particle[new]
    total = np.bincount(hit, weight, len(place))
    weight = weight / np.maximum(total[hit], 1.0)  # rounding of the file's sums
    offset = np.concatenate([[0], np.cumsum(counts)])
    columns = {"hit": hit - offset[event[hit]], "particle": particle, "weight": weight}
    return Collection.from_counts(np.bincount(event[hit], minlength=len(counts)), columns)


def _encodings(path: Path) -> dict[str, str]:
    """Collection -> encoding of its cellIDs, where the file tells it in a form that can be read."""
    keys, texts = "PARAMETERS/_stringMap/_stringMap.first", "PARAMETERS/_stringMap/_stringMap.second"
    try:
        with Tree(path, "metadata") as tree:
            if keys not in tree or texts not in tree:
                return {}
            names, values = tree.scalar(keys)[0], tree.scalar(texts)[0]
            ending = "__CellIDEncoding"
            pairs = zip(names, values, strict=True)
            return {str(n).removesuffix(ending): str(v[0]) for n, v in pairs if str(n).endswith(ending) and len(v)}
    except Exception:  # an older podio writes this tree in a form that uproot cannot read: the layers stay unknown
        return {}
