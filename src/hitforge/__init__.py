"""hitforge turns the hits of a particle detector into particles, and measures honestly how well it did."""

__version__ = "0.1.0"
