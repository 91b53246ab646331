"""hitforge turns the hits of a particle detector into particles, and measures honestly how well it did.

In a notebook ``import hitforge as hf``: every public name is listed by ``dir(hf)`` and loaded when it is first used.
``docs/library.md`` is a tour.
"""

import os

# The threads of PyTorch and XGBoost wait for each other at every step. By default they do so at full speed, and where
# another program holds one of their cores, all others wait for it, far longer than the work takes.
# It is read when the first of the two is imported, and worker processes inherit it (docs/install.md).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.3.0"

# Public name -> its module, with the name there where it is another; types are in __init__.pyi
_PLACES = {
    "simulate": "library.data",
    "open": "library.data:open_dataset",
    "read": "library.data",
    "convert": "library.data",
    "write": "library.data",
    "Dataset": "events",
    "Events": "events",
    "Collection": "events",
    "plugins": "library.plugins",
    "settings": "library.plugins",
    "recipe_blocks": "library.plugins",
    "detector": "library.plugins",
    "source": "library.plugins",
    "target": "library.plugins",
    "representation": "library.plugins",
    "task": "library.plugins",
    "model": "library.plugins",
    "baseline": "library.plugins",
    "metric": "library.plugins",
    "batches": "library.batches",
    "run": "library.runs",
    "load": "library.runs",
    "Run": "library.runs",
    "measure": "library.numbers",
    "compare": "library.numbers",
    "Numbers": "library.numbers",
    "Predictions": "metrics",
    "Value": "metrics",
    "plot": "library.figures",
    "display": "library.figures",
    "Drawing": "library.drawing",
    "HitforgeError": "core.errors",
    "ConfigError": "core.errors",
    "DataError": "core.errors",
    "RunError": "core.errors",
    "MissingExtraError": "core.errors",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _PLACES:
        if name.startswith("_"):  # what Python and tools look for
            raise AttributeError(f"module 'hitforge' has no attribute '{name}'")
        from hitforge.core.errors import did_you_mean

        raise AttributeError(f"module 'hitforge' has no attribute '{name}': {did_you_mean(name, _PLACES)}")
    import importlib

    module, _, inner = _PLACES[name].partition(":")
    value = getattr(importlib.import_module(f"hitforge.{module}"), inner or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
