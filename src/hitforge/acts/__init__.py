"""The one bridge to ACTS: its generic detector, Fatras, measurements in its event store, filters and fits.

Nothing else in hitforge imports ``acts``. Arguments are arrays, numbers, events and ACTS's own objects, so that
detectors, simulation, fits and baselines can all stand on it.
"""
