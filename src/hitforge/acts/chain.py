"""A sequence of ACTS's algorithms on measurements in its event store, and its tracks back as arrays."""

from __future__ import annotations

import time
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hitforge.acts.measurements import Measurements
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require
from hitforge.events import Collection

MEASUREMENTS, SUBSET, PROTO_TRACKS = "measurements", "measurement_subset", "proto_tracks"
"""Names in the event store of what ``Chain`` puts there."""


class ActsTracks(NamedTuple):
    """Tracks of a number of events, flat.

    Attributes:
        counts: Tracks of each event, (N,) int64.
        sizes: Measurements of each track, (T,) int64.
        rows: Rows of these in ``Measurements``, flat, from the innermost outwards, (S,) int64.
        parameters: ACTS's bound parameters at the beam line: loc0, loc1, phi, theta, q / p, time; (T, 6).
        errors: Roots of the diagonal of their covariance, (T, 6).
        chi2: (T,).
        ndf: (T,).
    """

    counts: Array
    sizes: Array
    rows: Array
    parameters: Array
    errors: Array
    chi2: Array
    ndf: Array

    def columns(self) -> dict[str, Array]:
        """Return the parameters by name, each (T,) float32; lengths in mm, momenta in GeV."""
        names = ("loc0", "z0", "phi", "theta", "q_over_p")
        columns = {name: self.parameters[:, i].astype(np.float32) for i, name in enumerate(names)}
        columns |= {f"sigma_{name}": self.errors[:, i].astype(np.float32) for i, name in enumerate(names)}
        # ACTS counts the measured coordinates and forgets the five parameters.
        return columns | {"chi2": self.chi2.astype(np.float32), "ndf": (self.ndf - 5.0).astype(np.float32)}


class Chain:
    """A sequence of ACTS's algorithms on measurements, run event by event in this process.

    Args:
        measured: What it works on.
        proto: Groups of rows of ``measured`` to be fitted: one list of groups an event. None for none.
    """

    def __init__(self, measured: Measurements, proto: list[list[list[int]]] | None = None) -> None:
        acts, examples = require("acts"), require("acts.examples")
        self._parts = _algorithms()
        self._measured, self._held, self._clocks = measured, [], [("start", [])]  # type: ignore[var-annotated]
        self._loop = examples.Sequencer(
            events=len(measured), numThreads=1, logLevel=acts.logging.FATAL, trackFpes=False
        )  # fmt: skip
        self._add_ours(self._parts.clock(self._clocks[0][1]))
        self._add_ours(self._parts.write(measured))
        self._add_ours(self._parts.subset())
        if proto is not None:
            self._add_ours(self._parts.proto(measured, proto))
        self.mark("handover")

    def add(self, algorithm: Any) -> None:
        """Append one of ACTS's algorithms."""
        self._loop.addAlgorithm(algorithm)

    def mark(self, stage: str) -> None:
        """Say that what was appended since the last mark is one stage, whose time is taken."""
        self._clocks.append((stage, []))
        self._add_ours(self._parts.clock(self._clocks[-1][1]))

    def run(self, tracks: str) -> tuple[ActsTracks, dict[str, Array]]:
        """Run over all events.

        Args:
            tracks: Name in the event store of the tracks to read back.

        Returns:
            The tracks, and the time of each stage, name -> (N,) [s].

        Raises:
            RunError: ACTS refused.
        """
        reader = self._parts.read(tracks, self._measured)
        try:
            self._add_ours(reader)
            if len(self._measured):
                self._loop.run()
        except RuntimeError as error:
            raise RunError("ACTS must accept the events", came=str(error).splitlines()[0]) from None
        finally:
            for algorithm in self._held:  # it and its handle hold each other, which the garbage collector cannot see
                algorithm.handles.clear()
        times = [np.array(clock) for _, clock in self._clocks]
        names = [name for name, _ in self._clocks[1:]]
        return reader.found(), {name: times[i + 1] - times[i] for i, name in enumerate(names)}

    def _add_ours(self, algorithm: Any) -> None:
        self._held.append(algorithm)
        self._loop.addAlgorithm(algorithm)


def track_tables(found: ActsTracks, measured: Measurements) -> tuple[Collection, Collection]:
    """Return which hit belongs to which track, columns ``track`` and ``hit``, and the tracks' parameters."""
    ends = np.concatenate([[0], np.cumsum(found.counts)])
    first = np.repeat(ends[:-1], found.counts)  # (T,)
    number = np.arange(len(found.sizes)) - first  # of a track in its event
    event = np.repeat(np.arange(len(found.counts)), found.counts)
    sizes = np.bincount(event, found.sizes, minlength=len(found.counts)).astype(np.int64)
    columns = {"track": np.repeat(number, found.sizes).astype(np.int32), "hit": measured.hit[found.rows]}
    columns["hit"] = columns["hit"].astype(np.int32)
    return Collection.from_counts(sizes, columns), Collection(ends, found.columns())


class _Algorithms(NamedTuple):
    clock: Any
    write: Any
    subset: Any
    proto: Any
    read: Any


@cache
def _algorithms() -> _Algorithms:
    """Our parts of ACTS's event loop, defined once: a class made anew at each call would keep its data alive."""
    acts, examples = require("acts"), require("acts.examples")
    done, silent = examples.ProcessCode.SUCCESS, acts.logging.FATAL

    class Part(examples.IAlgorithm):  # type: ignore[misc, name-defined]
        def __init__(self, name: str) -> None:
            examples.IAlgorithm.__init__(self, name, silent)
            self.handles: dict[str, Any] = {}

        def handle(self, kind: Any, what: Any, name: str) -> None:
            self.handles[name] = kind(self, what, name)
            self.handles[name].initialize(name)

    class Clock(Part):
        """Notes the time."""

        def __init__(self, times: list[float]) -> None:
            super().__init__("Clock")
            self.times = times

        def execute(self, context: Any) -> Any:
            self.times.append(time.perf_counter())
            return done

    class Write(Part):
        """Writes the measurements of an event."""

        def __init__(self, measured: Measurements) -> None:
            super().__init__("Write")
            self.measured = measured
            self.handle(examples.WriteDataHandle, examples.MeasurementContainer, MEASUREMENTS)

        def execute(self, context: Any) -> Any:
            rows = self.measured.slice(context.eventNumber)
            container = examples.MeasurementContainer()
            container.reserve(rows.stop - rows.start)
            axes, last, sensor = [0, 1], -1, None
            columns = (self.measured.module, self.measured.place, self.measured.variance)
            for number, place, variance in zip(*(column[rows].tolist() for column in columns), strict=True):
                if number != last:
                    last, sensor = number, acts.GeometryIdentifier(number)
                container.emplaceMeasurement(sensor, axes, place, variance)
            self.handles[MEASUREMENTS](context, container)
            return done

    class Subset(Part):
        """Writes the view of all measurements that ACTS's algorithms ask for."""

        def __init__(self) -> None:
            super().__init__("Subset")
            self.handle(examples.ReadDataHandle, examples.MeasurementContainer, MEASUREMENTS)
            self.handle(examples.WriteDataHandle, examples.MeasurementSubset, SUBSET)

        def execute(self, context: Any) -> Any:
            container = self.handles[MEASUREMENTS](context.eventStore)
            self.handles[SUBSET](context, examples.MeasurementSubset(container, range(len(container))))
            return done

    class Proto(Part):
        """Writes groups of measurements."""

        def __init__(self, measured: Measurements, groups: list[list[list[int]]]) -> None:
            super().__init__("Proto")
            self.measured, self.groups = measured, groups
            self.handle(examples.WriteDataHandle, examples.ProtoTrackContainer, PROTO_TRACKS)

        def execute(self, context: Any) -> Any:
            first = self.measured.slice(context.eventNumber).start
            container = examples.ProtoTrackContainer()
            for group in self.groups[context.eventNumber]:
                track = examples.ProtoTrack()
                for row in group:
                    track.append(row - first)
                container.append(track)
            self.handles[PROTO_TRACKS](context, container)
            return done

    class Read(Part):
        """Reads tracks."""

        def __init__(self, name: str, measured: Measurements) -> None:
            super().__init__("Read")
            self.tracks, self.measured = name, measured
            self.counts: list[int] = []
            self.sizes: list[int] = []
            self.rows: list[int] = []
            self.numbers: list[tuple[Array, ...]] = []
            self.handle(examples.ReadDataHandle, examples.ConstTrackContainer, name)

        def execute(self, context: Any) -> Any:
            first = self.measured.slice(context.eventNumber).start
            container = self.handles[self.tracks](context.eventStore)
            self.counts.append(len(container))
            if not len(container):  # NumPy refuses an empty buffer
                return done
            link = examples.IndexSourceLink.fromSourceLink
            for track in container:
                inwards = [
                    first + link(state.uncalibratedSourceLink).index()
                    for state in track.trackStatesReversed
                    if state.typeFlags.isMeasurement
                ]
                self.sizes.append(len(inwards))
                self.rows.extend(reversed(inwards))
            errors = np.sqrt(np.diagonal(container.covariance, axis1=1, axis2=2))  # (T, 6)
            numbers = (container.parameters, errors, container.chi2, container.ndf)
            self.numbers.append(tuple(np.array(column, np.float64) for column in numbers))
            return done

        def found(self) -> ActsTracks:
            empty = (np.zeros((0, 6)), np.zeros((0, 6)), np.zeros(0), np.zeros(0))
            columns = [np.concatenate(parts) for parts in zip(empty, *self.numbers, strict=True)]
            lists = (np.array(values, np.int64) for values in (self.counts, self.sizes, self.rows))
            return ActsTracks(*lists, *columns)

    return _Algorithms(Clock, Write, Subset, Proto, Read)
