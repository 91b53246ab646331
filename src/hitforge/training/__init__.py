"""Training: from a recipe to a run."""

from hitforge.training.config import TrainingConfig
from hitforge.training.engine import Batches, Engine

__all__ = ["Batches", "Engine", "TrainingConfig"]
