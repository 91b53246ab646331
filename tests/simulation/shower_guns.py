"""Guns of single showers, small ones."""

from hitforge.simulation import SIMULATIONS
from tests.layered import HONEYCOMB

EXACT = {"noise": 0.0, "calibration": 0.0, "threshold": 1e-6}


SMALL_POOL = {"mu": 4.0, "pool": 5}


def gun(detector=HONEYCOMB, **settings):
    small = {"train": 40, "validation": 10, "test": 0, "shard_size": 16, "energy": (5, 30), "eta": (1.8, 2.6)}
    return SIMULATIONS.build({"name": "shower_gun"} | small | settings, detector, where="recipe: source")


def shard(split="train", index=0, /, **settings):
    return gun(**settings).shard(split, index).check()
