"""EDM4hep events from a ROOT file: calorimeter hits with their contributions, and Monte Carlo particles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import require_point_cloud
from hitforge.events import Collection, Events, FieldInfo
from hitforge.readers._cell_ids import _bits, layer_bits
from hitforge.readers._event_fields import OTHER_CHARGES, wrong_charges
from hitforge.readers._root import ROUNDING, SCALED, Tree, particles, whole
from hitforge.readers.files import HITS, FileConfig, FileReader, build, physical, sums

_SIMULATED, _DIGITISED = "vector<edm4hep::SimCalorimeterHitData>", "vector<edm4hep::CalorimeterHitData>"
_CONTRIBUTIONS = "vector<edm4hep::CaloHitContributionData>"
_MASK = np.uint64(0x7FFF_FFFF_FFFF_FFFF)


class Edm4hep(FileReader):
    """Hits of all simulated calorimeter collections, or of the ones that are named, at the places in the file.

    The detector is ``point_cloud``. A hit's ``cell`` is the file's cellID without its highest bit, its ``subsystem``
    the collection's place in the list, its ``layer`` is decoded from the cellID where the encoding is known. Energies
    are those of the file: what simulated hits left in the active medium, times ``energy_scale``. A simulated hit's time
    is the mean of its contributions, weighted by energy, and 0 where the file has none. Contributions become links.
    They are those of the collection that the file names for the hits' relation, else of ``<hits>Contributions``, else
    of the only one there is. Hits without a link are counted.
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
            twice = [name for name in self.config.collections if self.config.collections.count(name) > 1]
            if twice:
                raise DataError("'collections' must name each once", came=f"{twice[0]} twice", where=path)
            return list(self.config.collections)
        for kind in (_SIMULATED, _DIGITISED):
            found = [name for name, of in types.items() if of == kind]
            if found:
                return found
        raise DataError("the tree 'events' must have EDM4hep calorimeter hits", came="none", where=path)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        encodings, ids = _encodings(path), _collections(path)
        with Tree(path, "events", first, last) as tree:
            count, names = len(tree), self._names(tree, path)
            truth, true_fields = self._particles(tree, count, path)
            parts = []
            for number, name in enumerate(names):
                bits = self._bits(encodings.get(name, ""), f"{path}, {name}")
                parts.append(self._collection(tree, name, number, bits, truth, ids))
        event = np.concatenate([part["event"] for part in parts])
        _refuse_copies(names, parts, path)
        order = np.argsort(event, kind="stable")
        hits = {key: np.concatenate([part[key] for part in parts])[order] for key in HITS}
        event = event[order]
        physical({key: hits[key] for key in ("x", "y", "z", "time", "energy")}, event, path, first)
        counts = np.bincount(event, minlength=count)
        self.refuse_large(counts, path, first)
        hits["energy"] = hits["energy"] * self.config.energy_scale
        known = all(part["known"] for part in parts if len(part["event"]))
        untimed = event[~np.concatenate([part["timed"] for part in parts])[order]]
        fields = true_fields | {
            "layers_known": (
                np.full(count, known),
                FieldInfo("int8", "", "1 if each hit's layer is known, else 0", "flag"),
            ),
            "untimed_hits": (sums(untimed, None, count), FieldInfo("int32", "", "hits kept without a time", "sum")),
        }
        if truth is None:
            return build(counts, hits, fields)
        links, scaled = _links(parts, order, counts, event)
        lost = np.concatenate([part["unlinked"] for part in parts])
        fields |= {
            "unlinked_deposits": (
                sums(lost, None, count),
                FieldInfo("int32", "", "contributions without a particle", "sum"),
            ),
            "scaled_hits": (sums(scaled, None, count), SCALED),
            "hits_without_truth": (
                counts - _linked(links),
                FieldInfo("int32", "", "hits kept without a link to a particle", "sum"),
            ),
            "other_charges": (
                sums(truth.event[wrong_charges(truth["charge"], truth["pdg"])], None, count),
                OTHER_CHARGES,
            ),
        }
        return build(counts, hits, fields, particles=truth, links=links)

    def _bits(self, said: str, where: str) -> tuple[int, int] | None:
        """Bits of the layer as the setting says, else as the file does."""
        if self.config.encoding:
            return layer_bits(self.config.encoding)
        return layer_bits(said, who="the encoding that the file tells of itself", where=where, error=DataError)

    def _collection(
        self, tree: Tree, name: str, number: int, bits: tuple[int, int] | None, truth: Any, ids: dict[int, str]
    ) -> dict[str, Any]:
        """Hits of one collection in the order of the events, and their shares of particles."""
        optional = ["time", "contributions_begin", "contributions_end"]
        keys = ["cellID", "energy", *(f"position.{key}" for key in "xyz")]
        keys += [key for key in optional if f"{name}/{name}.{key}" in tree]
        found, counts = tree.columns(*(f"{name}/{name}.{key}" for key in keys))
        column = {key: found[f"{name}/{name}.{key}"] for key in keys}
        if column["cellID"].dtype.kind not in "iu":
            came, where = column["cellID"].dtype, tree.path
            raise DataError(f"'{name}.cellID' must hold whole numbers of 64 bits", came=came, where=where)
        event, cell = np.repeat(np.arange(len(counts)), counts), column["cellID"].astype(np.uint64)
        result: dict[str, Any] = {
            "event": event,
            **{key: column[f"position.{key}"] for key in "xyz"},
            "time": column.get("time", np.zeros(len(cell))).astype(np.float64),
            "energy": column["energy"].astype(np.float64),
            "cell": (cell & _MASK).astype(np.int64),
            "layer": np.zeros(len(cell)) if bits is None else _bits(cell, *bits),
            "subsystem": np.full(len(cell), number),
            "known": bits is not None,
            "timed": np.full(len(cell), "time" in column),
            "links": None,
            "unlinked": np.empty(0, np.int64),
        }
        given = _contributions_of(tree, name, ids) if "contributions_begin" in column else None
        if given is not None:
            stretch = column["contributions_begin"], column["contributions_end"]
            self._contributions(tree, name, given, event, stretch, result, truth)
        return result

    def _contributions(
        self, tree: Tree, name: str, given: str, event: Array, stretch: tuple[Array, Array], hits: dict[str, Any],
        truth: Any,
    ) -> None:  # fmt: skip
        """Fill in times and shares from the contributions of each hit."""
        found, size = tree.columns(f"{given}/{given}.energy", f"{given}/{given}.time")
        energy, moment = (found[f"{given}/{given}.{key}"].astype(np.float64) for key in ("energy", "time"))
        bad = np.flatnonzero(~((energy >= 0) & np.isfinite(energy) & np.isfinite(moment)))
        if len(bad):
            came = f"{energy[bad[0]]} GeV at {moment[bad[0]]} ns, and {len(bad) - 1} more such"
            must = f"a contribution of '{given}' must have an energy >= 0 and a time"
            raise DataError(must, came=came, where=tree.at(np.repeat(np.arange(len(size)), size)[bad[0]]))
        offset = np.concatenate([[0], np.cumsum(size)])
        index = _relation(tree, name, "contributions")
        number, row = _rows(tree, f"{name}.contributions", stretch, event, size if index is None else index.counts)
        hit = np.repeat(np.arange(len(number)), number)  # (contributions,)
        if index is not None:  # a hit points to places in this list, and it to contributions
            index_in_event, of = index.values[row], event[hit]
            bad = np.flatnonzero((index_in_event < 0) | (index_in_event >= size[of]))
            if len(bad):
                came = f"{index_in_event[bad[0]]} of {size[of[bad[0]]]}, and {len(bad) - 1} more such"
                must = f"contributions of '{name}' must be in the list of their event"
                raise DataError(must, came=came, where=tree.at(of[bad[0]]))
            row = index_in_event + offset[of]
        weight, none = energy[row], np.zeros(len(number))
        total = np.bincount(hit, weight, len(number))
        time = np.bincount(hit, weight * moment[row], len(number))
        hits["time"] = np.divide(time, total, out=none, where=total > 0)
        hits["timed"] = total > 0
        owner = _relation(tree, given, "particle")
        if truth is None or owner is None:
            return
        tree.same({f"{given}.energy": size, f"{given}.particle": owner.counts})
        parents = _relation(tree, self.config.particles, "parents")  # they point into the particles themselves
        known = owner.points_to and parents is not None and parents.points_to
        if known and owner.points_to != known:
            must = f"contributions of '{given}' must come from particles of '{self.config.particles}'"
            raise DataError(must, came="an index into another collection", where=tree.path, do="set 'particles'")
        particle = owner.values[row]
        good = (particle >= 0) & (hits["energy"][hit] > 0)
        share = weight[good] / hits["energy"][hit[good]]
        hits["links"] = hit[good], particle[good], share
        hits["unlinked"] = event[hit[~good & (weight > 0)]]

    def _particles(self, tree: Tree, count: int, path: Path) -> tuple[Collection | None, dict[str, Any]]:
        name = self.config.particles
        if not name:
            return None, {}
        keys = ["PDG", "charge", "time", "mass", "generatorStatus", "parents_begin", "parents_end"]
        keys += [f"{of}.{key}" for of in ("momentum", "vertex") for key in "xyz"]
        found, counts = tree.columns(*(f"{name}/{name}.{key}" for key in keys))
        column = {key: found[f"{name}/{name}.{key}"].astype(np.float64) for key in keys}
        p = np.stack([column[f"momentum.{key}"] for key in "xyz"])  # (3, P)
        vertex = [column[f"vertex.{key}"] for key in "xyz"]
        energy = np.sqrt((p**2).sum(axis=0) + column["mass"] ** 2)
        index = _relation(tree, name, "parents")
        parent = np.full(len(energy), -1)
        if index is not None and len(index.values):
            event = np.repeat(np.arange(count), counts)
            stretch = column["parents_begin"], column["parents_end"]
            number, row = _rows(tree, f"{name}.parents", stretch, event, index.counts)
            some = number > 0
            parent[some] = index.values[row[(np.cumsum(number) - number)[some]]]
        names = ("pdg", "charge", "px", "py", "pz", "energy", "vx", "vy", "vz", "time", "parent")
        values = (column["PDG"], column["charge"], *p, energy, *vertex, column["time"], parent)
        truth = particles(counts, dict(zip(names, values, strict=True)))
        return truth, _primary(truth, column["generatorStatus"] == 1)


@dataclass(frozen=True)
class _Index:
    """A relation of podio: indices, how many in each event, and the collections that they point into."""

    values: Array  # (rows,) int64
    counts: Array  # (n,) int64
    points_to: frozenset[int]


def _relation(tree: Tree, name: str, kind: str) -> _Index | None:
    """Index list of a relation under its name in new files, or its number, always the first, in old ones."""
    for branch in (f"_{name}_{kind}", f"{name}#0"):
        if branch in tree:
            keys = [f"{branch}/{branch}.{key}" for key in ("index", "collectionID")]
            found, counts = tree.columns(*(key for key in keys if key in tree))
            index = whole(found[keys[0]], keys[0], tree.path)
            owners = np.unique(found[keys[1]][index >= 0]).tolist() if keys[1] in found else []
            if len(owners) > 1:
                must = f"the relation '{branch}' must point into one collection"
                raise DataError(must, came=f"the collections {', '.join(map(str, owners[:5]))}", where=tree.path)
            return _Index(index, counts, frozenset(owners))
    return None


def _contributions_of(tree: Tree, name: str, ids: dict[int, str]) -> str | None:
    """Collection of the contributions of hits, None where the file has none that is surely theirs.

    Args:
        tree: The events.
        name: Collection of the hits.
        ids: Number -> name of each collection, as far as the file tells them.
    """
    index, own = _relation(tree, name, "contributions"), f"{name}Contributions"
    told = [ids[number] for number in (index.points_to if index else ()) if number in ids]
    if told or own in tree:
        given = told[0] if told else own
        return given if given in tree else None  # hits may have been stored without them
    types = tree.types()
    taken = {f"{other}Contributions" for other in types}
    free = [other for other, kind in types.items() if kind == _CONTRIBUTIONS and other not in taken]
    return free[0] if len(free) == 1 else None


def _rows(tree: Tree, what: str, stretch: tuple[Array, Array], event: Array, size: Array) -> tuple[Array, Array]:
    """Number of items that each object points to, (objects,), and their rows in the flat list of all events, (rows,).

    Args:
        tree: For errors.
        what: Collection and relation, for errors.
        stretch: First item and one behind the last, counted in the event, two (objects,) arrays.
        event: Event of each object, (objects,).
        size: Items in each event, (n,).

    Raises:
        DataError: A stretch leaves its event.
    """
    begin, end = (whole(of, what, tree.path) for of in stretch)
    bad = np.flatnonzero((end > begin) & ((begin < 0) | (end > size[event])) | (end < begin))
    if len(bad):
        came = f"{begin[bad[0]]} to {end[bad[0]]} of {size[event[bad[0]]]}, and {len(bad) - 1} more such"
        must = f"'{what}' must stay inside the list of its event"
        raise DataError(must, came=came, where=tree.at(event[bad[0]]))
    number = end - begin
    start = np.cumsum(size) - size
    inside = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    return number, np.repeat(begin + start[event], number) + inside


def _primary(truth: Collection, stable: Array) -> dict[str, Any]:
    """Event fields of the most energetic particle that the generator gave to the simulation; 0 where there is none."""
    rank = np.where(stable, truth["energy"].astype(np.float64), -1.0)
    best = np.lexsort((rank, truth.event))  # the last of an event is its best
    some = truth.sum(stable) > 0
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


def _links(parts: list[dict[str, Any]], order: Array, counts: Array, event: Array) -> tuple[Collection, Array]:
    """Shares of all collections, merged by hit and particle; events of the hits whose shares were scaled."""
    place = np.empty(len(order), np.int64)  # of a hit in the events, by its place in the parts
    place[order] = np.arange(len(order))
    first = np.concatenate([[0], np.cumsum([len(part["event"]) for part in parts])])
    found = [(part["links"], start) for part, start in zip(parts, first, strict=False) if part["links"] is not None]
    if not found:
        none = {key: np.empty(0) for key in ("hit", "particle", "weight")}
        return Collection.from_counts(np.zeros(len(counts)), none), np.empty(0, np.int64)
    hit = place[np.concatenate([links[0] + start for links, start in found])]
    particle, share = (np.concatenate([links[i] for links, _ in found]) for i in (1, 2))
    order = np.lexsort((particle, hit))
    hit, particle, share = hit[order], particle[order], share[order]
    new = np.ones(len(hit), np.bool_)
    new[1:] = (np.diff(hit) != 0) | (np.diff(particle) != 0)
    weight = np.bincount(np.cumsum(new) - 1, share) if len(hit) else share
    hit, particle = hit[new], particle[new]
    total = np.bincount(hit, weight, len(place))
    weight = weight / np.maximum(total[hit], 1.0)
    offset = np.concatenate([[0], np.cumsum(counts)])
    columns = {"hit": hit - offset[event[hit]], "particle": particle, "weight": weight}
    links = Collection.from_counts(np.bincount(event[hit], minlength=len(counts)), columns)
    return links, event[total > ROUNDING]


def _linked(links: Collection) -> Array:
    """Number of hits of each event that have a link, (n,) int64."""
    event, hit = links.event, links["hit"].astype(np.int64)
    return np.bincount(np.unique(np.stack([event, hit]), axis=1)[0], minlength=len(links))


def _refuse_copies(names: list[str], parts: list[dict[str, Any]], path: Path) -> None:
    """Refuse collections that hold the same hits, as the steps of a digitisation do: energies would count twice.

    Raises:
        DataError: Half of the hits of a collection or more are in another, too: same event, cell and place.
    """
    seen: list[Array] = []
    for number, part in enumerate(parts):
        key = part["event"].astype(np.uint64)  # (hits,), mixed by multiplication modulo 2^64
        for values in (part["cell"], *(part[name].astype(np.float64).view(np.int64) for name in "xyz")):
            key = key * np.uint64(0x9E37_79B9_7F4A_7C15) + values.astype(np.uint64)
        key = np.unique(key)
        for other, name in zip(seen, names, strict=False):
            same, few = len(np.intersect1d(key, other, assume_unique=True)), min(len(key), len(other))
            if few and 2 * same >= few:
                raise DataError(
                    "each hit must be in one collection",
                    came=f"{same} hits in '{name}' and in '{names[number]}'",
                    where=path,
                    do="name those that are to be read in 'collections'",
                )
        seen.append(key)


def _encodings(path: Path) -> dict[str, str]:
    """Collection -> encoding of its cellIDs, where the file tells it in a form that can be read.

    Raises:
        DataError: Files with different ones were merged.
    """
    told: dict[str, str] = {}
    for name, said in _told(path):
        if told.setdefault(name, said) != said:
            must = f"the cellIDs of '{name}' must have one encoding in all files that were merged"
            raise DataError(must, came=f"'{told[name]}' and '{said}'", where=path, do="read the files apart")
    return told


def _collections(path: Path) -> dict[int, str]:
    """Number -> name of each collection, where the file tells them in a form that can be read, and tells one name."""
    names: dict[int, set[str]] = {}
    for tree_name, table in (("podio_metadata", "events___idTable"), ("metadata", "CollectionIDs")):  # podio's, and old
        try:
            with Tree(path, tree_name) as tree:
                for entry in zip(tree.texts(f"{table}/m_collectionIDs"), tree.texts(f"{table}/m_names"), strict=True):
                    for number, name in zip(*entry, strict=True):
                        names.setdefault(int(number), set()).add(str(name))
        except Exception:  # another podio wrote the file, or one that uproot cannot read
            continue
    return {number: next(iter(each)) for number, each in names.items() if len(each) == 1}


def _told(path: Path) -> list[tuple[str, str]]:
    """Collections and encodings of each file that was merged into one."""
    strings = "PARAMETERS/_stringMap/_stringMap"
    ending = "__CellIDEncoding"
    try:
        with Tree(path, "metadata") as tree:
            for keys, texts in ((f"{strings}.first", f"{strings}.second"), ("GPStringKeys", "GPStringValues")):
                if keys in tree and texts in tree:  # podio before and from 1.0
                    return [
                        (str(name).removesuffix(ending), str(value[0]))
                        for entry in zip(tree.texts(keys), tree.texts(texts), strict=True)
                        for name, value in zip(*entry, strict=True)
                        if str(name).endswith(ending) and len(value)
                    ]
    except Exception:  # an older podio writes this tree in a form that uproot cannot read: the layers stay unknown
        return []
    return []
