"""Training: from batches to weights. It knows no recipe and no report."""

from hitforge.training.config import TrainingConfig
from hitforge.training.engine import Batches, Engine

__all__ = ["Batches", "Engine", "TrainingConfig"]
