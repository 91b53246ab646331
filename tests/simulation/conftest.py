"""Kernels compile at their first call: no deadline may count that as a test's own time."""

from hypothesis import settings

settings.register_profile("kernels", deadline=None)
settings.load_profile("kernels")
