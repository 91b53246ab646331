"""hitforge turns the hits of a particle detector into particles, and measures honestly how well it did."""

import os

# The threads of PyTorch and XGBoost wait for each other at every step. By default they do so at full speed, and where
# another program holds one of their cores, all others wait for it, far longer than the work takes.
# It is read when the first of the two is imported, and worker processes inherit it (docs/install.md).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.2.0"
