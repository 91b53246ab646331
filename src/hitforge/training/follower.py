"""What a process does that follows another one in its trainings."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from hitforge.core.errors import RunError
from hitforge.training._fabric import Training
from hitforge.training._norms import shared_norms
from hitforge.training._session import TrainingSession
from hitforge.training.processes import Place, join, on_cuda
from hitforge.training.torch_engine import TorchEngine


def follow(device: str) -> None:
    """Take part in the leader's trainings until it says that there are no more.

    Args:
        device: ``training.device`` of the recipe.
    """
    place = Place.of_environment()
    if place is None:
        raise RunError("a follower must be started by torchrun or by its leader", came="no RANK in the environment")
    cuda = on_cuda(device)
    if cuda:
        torch.cuda.set_device(place.local)
    fabric = join("cuda" if cuda else "cpu", place, False)
    while True:
        job = fabric.broadcast(None)
        if job is None:
            return
        engine = TorchEngine(job["model"], job["task"], job["config"], job["inputs"], Path(os.devnull))
        engine._set_weights(job["weights"])
        train = job["train"].share(place.rank, place.size)
        session = TrainingSession(job["config"], {}, {"train_batches": len(train)}, Path(os.devnull))
        session.rows, session.tensors = [{} for _ in range(job["epoch"])], job["tensors"]
        with shared_norms(engine.network):
            Training(engine, session, join("cuda" if cuda else "cpu", place, engine.bf16)).follow(train)
