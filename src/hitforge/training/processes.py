"""The processes that train one network together: the one that was asked leads, the others follow.

On one machine the leader starts its followers itself. On several, torchrun starts all processes of a run; those of
rank 0 lead, and the command line lets the others follow. A follower is sent, for each training, what the leader trains.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from hitforge.core.errors import ConfigError, RunError
from hitforge.training._session import TrainingSession
from hitforge.training.config import TrainingConfig
from hitforge.training.engine import Batches

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from hitforge.training._fabric import TrainedNetwork

_PATIENCE = timedelta(days=2)  # followers wait while the leader validates


@dataclass(frozen=True)
class Place:
    """One process among all of a team.

    Attributes:
        rank: Of this process among all; 0 leads.
        size: Number of processes.
        local: Rank on this machine.
        here: Number of processes on this machine.
        address: Machine of the leader.
        port: Its port.
    """

    rank: int
    size: int
    local: int
    here: int
    address: str
    port: int

    @classmethod
    def of_environment(cls) -> Self | None:
        """The place that torchrun, or a leader on this machine, gave the process; None if it is alone."""
        try:
            rank, size, local, here, port = (
                int(os.environ[name])
                for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT")
            )
            return cls(rank, size, local, here, os.environ["MASTER_ADDR"], port)
        except (KeyError, ValueError):
            return None

    def environment(self) -> dict[str, str]:
        """The variables that ``of_environment`` reads."""
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.size),
            "LOCAL_RANK": str(self.local),
            "LOCAL_WORLD_SIZE": str(self.here),
            "MASTER_ADDR": self.address,
            "MASTER_PORT": str(self.port),
        }


def follows() -> bool:
    """True in a process that torchrun started to follow another one."""
    place = Place.of_environment()
    return place is not None and place.rank > 0


def on_cuda(device: str) -> bool:
    """True if ``training.device`` means a GPU on this machine."""
    import torch

    return bool(torch.cuda.is_available()) and device != "cpu"


def release(device: str) -> None:
    """Let the followers that torchrun started go; to be called once, by the leader, when all is trained.

    Args:
        device: ``training.device`` of the recipe.
    """
    place = Place.of_environment()
    if place is None or place.rank:
        return
    import torch

    if not torch.distributed.is_initialized():  # nothing was trained: they wait all the same
        join("cuda" if on_cuda(device) else "cpu", place, False)
    torch.distributed.broadcast_object_list([None], 0)
    torch.distributed.destroy_process_group()


def require_started(config: TrainingConfig) -> None:
    """Refuse a training on several machines of which no launcher started the processes.

    Raises:
        ConfigError: ``training.nodes`` is above 1, and torchrun started nothing.
    """
    if config.nodes > 1 and Place.of_environment() is None:
        raise ConfigError(
            "a training on several machines must be started by torchrun",
            came=f"training.nodes: {config.nodes}",
            do=f"torchrun --nnodes {config.nodes} --nproc-per-node {config.devices} -m hitforge run RECIPE",
        )


@contextmanager
def team(engine: TrainedNetwork, session: TrainingSession, train: Batches) -> Iterator[tuple[Fabric, Batches]]:
    """Give the leader of a training its Fabric and its share of the batches, with all followers at work.

    Raises:
        ConfigError: ``training.devices`` and ``training.nodes`` are not the number of processes that there are.
        RunError: A follower stopped.
    """
    config = engine.config
    size = config.devices * config.nodes
    if size == 1 and config.strategy == "auto":
        yield _alone(engine), train
        return
    if min(config.batch_size, train.events) < size:
        raise ConfigError("each device must have an event of each batch", came=f"{size} devices", where="training")
    place, started = Place.of_environment(), True
    if place is None:
        require_started(config)
        place, started = Place(0, size, 0, size, "127.0.0.1", _free_port()), False
    if (place.size, place.here) != (size, config.devices):
        raise ConfigError(
            "training.devices and training.nodes must be the processes that torchrun started",
            came=f"{place.here} on this machine of {place.size}",
            where="training",
        )
    followers = [] if started else [_start(place, rank, config) for rank in range(1, size)]
    import torch

    from hitforge.training._norms import shared_norms

    threads, done = torch.get_num_threads(), False
    try:
        if not config.threads and engine.where.type == "cpu":
            torch.set_num_threads(max(1, threads // config.devices))
        fabric = join(engine.where.type, place, engine.bf16)
        fabric.broadcast(
            {
                "model": engine.model,
                "task": engine.task,
                "config": config,
                "inputs": engine.inputs,
                "weights": engine._weights(),
                "train": train,
                "epoch": session.epoch,
                "tensors": session.tensors,
            }
        )
        with shared_norms(engine.network):
            yield fabric, train.share(place.rank, place.size)
        if not started:
            fabric.broadcast(None)
        done = True
    except RuntimeError as error:
        ended = [one for one in followers if _ended(one)]
        if not ended:
            raise
        raise RunError(
            "all processes of a training must go to its end",
            came=f"{len(ended)} stopped: {_last_line(ended[0])}",
            do="continue the run with --resume",
        ) from error
    finally:
        torch.set_num_threads(threads)
        if not started:
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
            for one in followers:
                _end(one, 10.0 if done else 0.0)


def _alone(engine: TrainedNetwork) -> Fabric:
    from lightning_fabric import Fabric

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)  # it tells of precision at every start
    devices = [engine.where.index] if engine.where.type == "cuda" else 1
    return Fabric(accelerator=engine.where.type, devices=devices, precision="bf16-mixed" if engine.bf16 else "32-true")


def join(accelerator: str, place: Place, bf16: bool) -> Fabric:
    """Join the team, which waits until all are there."""
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import ClusterEnvironment
    from lightning_fabric.strategies import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)  # it tells of each process that joins

    class Environment(ClusterEnvironment):  # type: ignore[misc]
        """Tells Fabric where the process stands; Fabric starts none itself, and what it would set is known."""

        creates_processes_externally = True
        main_address, main_port = place.address, place.port

        @staticmethod
        def detect() -> bool:
            return True

        def world_size(self) -> int:
            return place.size

        def set_world_size(self, size: int) -> None:
            pass

        def global_rank(self) -> int:
            return place.rank

        def set_global_rank(self, rank: int) -> None:
            pass

        def local_rank(self) -> int:
            return place.local

        def node_rank(self) -> int:
            return place.rank // place.here

    fabric = Fabric(
        accelerator=accelerator,
        devices=place.here,
        num_nodes=place.size // place.here,
        strategy=DDPStrategy(timeout=_PATIENCE),
        plugins=[Environment()],
        precision="bf16-mixed" if bf16 else "32-true",
    )
    fabric.launch()
    return fabric


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _start(leader: Place, rank: int, config: TrainingConfig) -> subprocess.Popen[bytes]:
    """Start a follower on this machine, which imports what this process can import."""
    place = Place(rank, leader.size, rank, leader.here, leader.address, leader.port)
    environment = {**os.environ, **place.environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    if config.device == "cpu" or not config.threads:
        environment.setdefault("OMP_NUM_THREADS", "1")
    command = [sys.executable, "-c", f"from hitforge.training.follower import follow; follow({config.device!r})"]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        return process.wait(timeout=5.0) != 0
    except subprocess.TimeoutExpired:
        return False


def _last_line(process: subprocess.Popen[bytes]) -> str:
    text = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
    return text.rpartition("\n")[2] or f"exit status {process.returncode}"


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Wait for a follower that was let go, and end one that was not."""
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr:
        process.stderr.close()
