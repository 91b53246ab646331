"""How a network is trained: the ``training`` block of a recipe."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from hitforge.core.config import Config


class TrainingConfig(Config):
    """The ``training`` block."""

    renamed: ClassVar[dict[str, str]] = {"mode": "monitor"}

    engine: Literal["torch", "keras"] = Field("torch", description="framework that trains the network")
    epochs: int = Field(12, ge=1, description="passes over the training sample")
    batch_size: int = Field(256, ge=1, description="events in a step")
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="optimiser; sgd has Nesterov momentum 0.9")
    lr: float = Field(2e-3, gt=0, description="highest learning rate")
    schedule: Literal["one_cycle", "cosine", "constant"] = Field(
        "one_cycle", description="learning rate over the steps"
    )
    warmup: float = Field(0.2, ge=0, lt=1, description="share of the steps in which the rate rises")
    weight_decay: float = Field(0.02, ge=0, description="decoupled weight decay")
    clip: float = Field(1.0, ge=0, description="largest gradient norm, 0 for no limit")
    average: float = Field(0.0, ge=0, lt=1, description="decay of the moving average of the weights, 0 for none")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 on a GPU and on a CPU with bf16 matrix units, else fp32"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where to train")
    devices: int = Field(1, ge=1, description="PyTorch: GPUs or CPU processes of a machine that share each batch")
    nodes: int = Field(1, ge=1, description="PyTorch: machines that share each batch; torchrun starts the processes")
    strategy: Literal["auto", "ddp"] = Field(
        "auto", description="PyTorch: auto is ddp (each device has a copy of the network) where there are several"
    )
    compile: bool = Field(False, description="PyTorch: compile the network first, which pays for long trainings")
    threads: int = Field(0, ge=0, description="CPU threads of the framework, 0 for its own choice")
    monitor: str = Field(
        "roc_auc",
        description="validation number that chooses the checkpoint: 'loss', a score of the task, 'metric.value' of any "
        "metric, or the value alone where one metric has it",
    )
    patience: int = Field(0, ge=0, description="epochs without improvement until training stops, 0 for never")
    augment: bool = Field(True, description="apply the detector's true symmetries at random")
    window: int = Field(1_000_000, ge=1, description="events held in memory and shuffled at a time")
    seed: int = Field(1, ge=0, description="initial weights, order of events, augmentation, dropout")
    start_from: str | None = Field(None, description="recipe or run folder whose weights are the initial ones")

    @model_validator(mode="after")
    def _shared_by_pytorch_alone(self) -> Self:
        size = self.devices * self.nodes
        if self.engine == "keras" and (size > 1 or self.strategy != "auto"):
            raise ValueError("'devices', 'nodes' and 'strategy' are PyTorch's: with engine 'keras' leave them out")
        if size > self.batch_size:
            raise ValueError(f"each device must have an event of each batch: 'batch_size' must be at least {size}")
        return self
