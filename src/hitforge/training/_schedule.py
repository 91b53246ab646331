"""Learning rate and weight averaging as functions of the step, the same for every framework."""

from __future__ import annotations

from math import cos, pi

from hitforge.training.config import TrainingConfig

_START, _END = 1 / 25, 1e-4  # one_cycle: first and last rate over the highest


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """Return the learning rate of one step.

    ``one_cycle`` (Smith and Topin, arXiv 1708.07120) rises and falls as half cosines; ``cosine`` (Loshchilov and
    Hutter, arXiv 1608.03983) rises linearly and falls as a half cosine to 0; ``constant`` rises linearly and stays.

    Args:
        config: Highest rate, schedule and share of warm-up.
        step: Step of the training, from 0.
        total: Steps of the whole training.
    """
    warm = round(config.warmup * total)
    if config.schedule == "one_cycle":
        if step < warm:
            return config.lr * _half_cosine(_START, 1.0, step / warm)
        return config.lr * _half_cosine(1.0, _END, (step - warm) / max(total - 1 - warm, 1))
    if step < warm:
        return config.lr * (step + 1) / (warm + 1)
    if config.schedule == "cosine":
        return config.lr * _half_cosine(1.0, 0.0, (step - warm) / max(total - warm, 1))
    return config.lr


def average_decay(config: TrainingConfig, step: int) -> float:
    """Return the decay of the moving average of the weights at a step; it rises, so that the start is forgotten."""
    return min(config.average, (1 + step) / (10 + step))


def _half_cosine(start: float, end: float, share: float) -> float:
    """Go from ``start`` to ``end`` along half a cosine."""
    return end + (start - end) * (1 + cos(pi * min(share, 1.0))) / 2
