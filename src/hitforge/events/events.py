"""Events: the one container that every detector, reader and representation shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.tables import html_table
from hitforge.events.collection import Collection
from hitforge.events.schema import COLLECTIONS, FieldInfo

if TYPE_CHECKING:
    import awkward as ak


_NONE = 9e18
"""Larger numbers fill gaps: 1e20 (NumPy), 9.97e36 (netCDF), the largest float, or the largest integer of 64 bits."""


class Events:
    """A number of events: collections (particles, hits, links) and one value a field and event.

    Args:
        collections: Name -> collection; names and columns are those of ``COLLECTIONS``. A collection may be absent, a
            present one must have all its columns, which are converted to the schema's types.
        fields: Name -> (N,) array: generator truth and labels.
        info: Type, unit and description of each field.

    Raises:
        DataError: A collection, column or field is unknown, missing, not numbers, or has a wrong length.

    Example:
        >>> events = hf.open("sample").events("test")
        >>> events.hits["energy"], events.field("pt")  # (hits,) and (N,), GeV
        >>> few = events.take(events.field("pt") > 30)
    """

    __slots__ = ("collections", "fields", "info")

    def __init__(
        self,
        collections: Mapping[str, Collection],
        fields: Mapping[str, Array] | None = None,
        info: Mapping[str, FieldInfo] | None = None,
    ) -> None:
        fields, info = dict(fields or {}), dict(info or {})
        if set(fields) != set(info):
            raise DataError("each event field must have a description", came=sorted(set(fields) ^ set(info)))
        self.collections = {name: _conform(name, collection) for name, collection in collections.items()}
        self.fields = {name: _cast(values, info[name].dtype, f"field '{name}'") for name, values in fields.items()}
        self.info = info
        lengths = {name: len(collection) for name, collection in self.collections.items()}
        lengths |= {name: len(values) for name, values in self.fields.items()}
        if not lengths:
            raise DataError("events must have a collection or a field")
        if len(set(lengths.values())) > 1:
            raise DataError("all collections and fields must have one length", came=lengths)

    def __len__(self) -> int:
        if self.collections:
            return len(next(iter(self.collections.values())))
        return len(next(iter(self.fields.values())))

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}: {collection.rows}" for name, collection in self.collections.items())
        return f"Events({len(self)}; {parts}; fields: {', '.join(self.fields)})"

    def _repr_html_(self) -> str:
        return html_table(*self.contents(), title=f"{len(self)} events")

    def contents(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return what the events hold as a table: its head, and a row for each collection and field, with its unit."""
        rows: list[tuple[str, ...]] = []
        for name, collection in self.collections.items():
            units = {column: info.unit for column, info in COLLECTIONS[name].items()}
            told = ", ".join(f"{column} [{unit}]" if unit else column for column, unit in units.items())
            rows.append((name, f"{collection.rows / max(len(self), 1):.1f} an event", "", told))
        for name, values in self.fields.items():
            info = self.info[name]
            span = f"{values.min():.4g} to {values.max():.4g}" if len(values) else ""
            rows.append((name, span, info.unit, info.description))
        return ("name", "number or range", "unit", "columns or meaning"), rows

    @property
    def hits(self) -> Collection:
        """Hits of all events."""
        return self._collection("hits")

    @property
    def particles(self) -> Collection:
        """True particles of all events."""
        return self._collection("particles")

    @property
    def links(self) -> Collection:
        """Which particle gave which share of which hit."""
        return self._collection("links")

    @property
    def clusters(self) -> Collection:
        """What a tracker's sensors measured, one row a hit."""
        return self._collection("clusters")

    @property
    def jets(self) -> Collection:
        """Jets of all events."""
        return self._collection("jets")

    @property
    def constituents(self) -> Collection:
        """What the jets were clustered from."""
        return self._collection("constituents")

    @property
    def measured(self) -> Collection:
        """What a method answers from, one row a measurement: the hits, of jets without hits their constituents."""
        return self._collection("constituents" if self._only_jets else "hits")

    @property
    def _only_jets(self) -> bool:
        return "constituents" in self.collections and "hits" not in self.collections

    def _collection(self, name: str) -> Collection:
        if name not in self.collections:
            raise DataError(f"the events must have {name}", came=f"only {', '.join(self.collections) or 'fields'}")
        return self.collections[name]

    def field(self, name: str) -> Array:
        """Return an event field, (N,).

        Raises:
            DataError: There is no such field.
        """
        if name not in self.fields:
            raise DataError(
                f"the events must have the field '{name}'", came=f"fields {', '.join(self.fields) or 'none'}"
            )
        return self.fields[name]

    def take(self, index: Array) -> Events:
        """Return the events ``index``, (M,) int or (N,) bool, in that order."""
        index = np.flatnonzero(index) if np.asarray(index).dtype == bool else np.asarray(index, np.int64)
        collections = {name: collection.take(index) for name, collection in self.collections.items()}
        return Events(collections, {name: values[index] for name, values in self.fields.items()}, self.info)

    def with_fields(self, fields: Mapping[str, Array], info: Mapping[str, FieldInfo]) -> Events:
        """Return the same events with further fields, (N,) each; those of the same names are replaced."""
        return Events(self.collections, {**self.fields, **fields}, {**self.info, **info})

    def check(self, where: object = None) -> Events:
        """Return the events if their values are physical.

        Raises:
            DataError: A value is not finite or stands for none, an energy is negative, an index points outside its
                event, or the shares of a hit's energy exceed 1; with the first event and column that is wrong.
        """
        for name, collection in self.collections.items():
            for column, values in collection.columns.items():
                if values.dtype.kind == "f":
                    _refuse(~np.isfinite(values), collection, f"{name}.{column} must be finite", values, where)
                    must = f"{name}.{column} must be a measured number, not one that stands for none"
                    _refuse(np.abs(values) > _NONE, collection, must, values, where)
        for name in ("hits", "particles", "jets", "constituents"):
            if name in self.collections:
                energy = self.collections[name]["energy"]
                _refuse(energy < 0, self.collections[name], f"{name}.energy must be >= 0 GeV", energy, where)
        if "particles" in self.collections:
            parent = self.particles["parent"]
            outside = (parent < -1) | (parent >= self.particles.counts[self.particles.event])
            _refuse(outside, self.particles, "particles.parent must be -1 or point into its event", parent, where)
        if "constituents" in self.collections:
            jet, constituents = self.constituents["jet"], self.constituents
            for name in ("d0_error", "z0_error"):
                must = f"constituents.{name} must be >= 0 mm"
                _refuse(constituents[name] < 0, constituents, must, constituents[name], where)
            outside = (jet < 0) | (jet >= self.jets.counts[constituents.event])
            _refuse(outside, constituents, "constituents.jet must point into its event", jet, where)
        for name, values in self.fields.items():
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                raise DataError(f"field '{name}' must be finite", came=values[bad[0]], where=_place(where, int(bad[0])))
        if "links" in self.collections:
            self._check_links(where)
        if "clusters" in self.collections and not np.array_equal(self.clusters.offsets, self.hits.offsets):
            raise DataError(
                "there must be one cluster for each hit",
                came=f"{self.clusters.rows} clusters, {self.hits.rows} hits",
                where=where,
            )
        return self

    def _check_links(self, where: object) -> None:
        links, hits, particles = self.links, self.hits, self.particles
        for column, target in (("hit", hits), ("particle", particles)):
            index = links[column]
            outside = (index < 0) | (index >= target.counts[links.event])
            _refuse(outside, links, f"links.{column} must point into its event", index, where)
        _refuse(links["weight"] < 0, links, "links.weight must be >= 0", links["weight"], where)
        total = np.bincount(hits.offsets[links.event] + links["hit"], links["weight"], minlength=hits.rows)
        _refuse(total > 1 + 1e-4, hits, "the shares of a hit's energy must sum to at most 1", total, where)

    def to_awkward(self) -> ak.Array:
        """Return an Awkward record array: one record an event, with jagged collections, for analysis."""
        import awkward as ak  # half a second that only an analysis should pay

        record: dict[str, Any] = dict(self.fields)
        for name, collection in self.collections.items():
            table = ak.zip({key: ak.Array(value) for key, value in collection.columns.items()})
            record[name] = ak.unflatten(table, collection.counts)
        return ak.zip(record, depth_limit=1)

    @staticmethod
    def concatenate(parts: Sequence[Events]) -> Events:
        """Append samples that have the same collections and fields."""
        if not parts:
            raise DataError("at least one sample must be given")
        first = parts[0]
        for part in parts[1:]:
            if set(part.collections) != set(first.collections) or set(part.fields) != set(first.fields):
                raise DataError("samples must have the same collections and fields", came=f"{first!r} and {part!r}")
        return Events(
            {name: Collection.concatenate([part.collections[name] for part in parts]) for name in first.collections},
            {name: np.concatenate([part.fields[name] for part in parts]) for name in first.fields},
            first.info,
        )


def _conform(name: str, collection: Collection) -> Collection:
    schema = COLLECTIONS.get(name)
    if schema is None:
        raise DataError(f"a collection must be one of {', '.join(COLLECTIONS)}", came=name)
    if set(collection.columns) != set(schema):
        wrong = sorted(set(collection.columns) ^ set(schema))
        raise DataError(
            f"{name} must have the columns {', '.join(schema)}", came=f"missing or unknown: {', '.join(wrong)}"
        )
    columns = {key: _cast(collection[key], info.dtype, f"{name}.{key}") for key, info in schema.items()}
    return Collection(collection.offsets, columns)


def _cast(values: Array, dtype: str, what: str) -> Array:
    """One number an entry, in the schema's type; none may become another number, beyond the digits of a float."""
    values, type_ = np.asarray(values), np.dtype(dtype)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise DataError(f"{what} must be a list of numbers", came=f"{values.dtype} {values.shape}")
    if np.can_cast(values.dtype, type_) or not len(values):
        return np.ascontiguousarray(values, type_)
    if type_.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            result = np.ascontiguousarray(values, type_)
            suspicious = not np.isfinite(result.sum())
        if suspicious and (wrong := np.isinf(result) & np.isfinite(values)).any():
            raise _does_not_fit(values, wrong, f"{what} must fit {dtype}")
        return result
    low, high = np.iinfo(type_).min, np.iinfo(type_).max
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise _does_not_fit(values, ~np.isfinite(values), f"{what} must be finite")
        if (values != np.trunc(values)).any():
            raise _does_not_fit(values, values != np.trunc(values), f"{what} must hold whole numbers")
        wrong = (values < float(low)) | (values >= float(high + 1))
    elif values.min() >= low and values.max() <= high:
        return np.ascontiguousarray(values, type_)
    else:
        wrong = (values < low) | (values > high)
    if wrong.any():
        raise _does_not_fit(values, wrong, f"{what} must fit {dtype}, {low} to {high}")
    return np.ascontiguousarray(values, type_)


def _does_not_fit(values: Array, wrong: Array, must: str) -> DataError:
    rows = np.flatnonzero(wrong)
    return DataError(must, came=f"{values[rows[0]]} in row {rows[0]}, and {len(rows) - 1} more such values")


def _refuse(bad: Array, collection: Collection, must: str, values: Array, where: object) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        event = int(np.searchsorted(collection.offsets, rows[0], side="right") - 1)
        raise DataError(
            must, came=f"{values[rows[0]]} and {len(rows) - 1} more such values", where=_place(where, event)
        )


def _place(where: object, event: int) -> str:
    return f"{where}, event {event}" if where is not None else f"event {event}"
