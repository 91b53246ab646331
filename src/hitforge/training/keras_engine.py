"""Training with Keras 3, on TensorFlow unless ``KERAS_BACKEND`` names another backend."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, RunError, require
from hitforge.core.progress import Progress, Step
from hitforge.core.random import integer_seed
from hitforge.models import Model
from hitforge.representations import Shapes
from hitforge.tasks import Better, Task
from hitforge.training._base import CHECK_STEPS, BaseEngine
from hitforge.training._hardware import cpu, cpu_with_bf16
from hitforge.training._schedule import average_decay
from hitforge.training._session import Clock, TrainingSession
from hitforge.training.config import TrainingConfig
from hitforge.training.engine import Batches, Outputs, Score, Whole


class KerasEngine(BaseEngine):
    """Trains a Keras network: see ``Engine``.

    Raises:
        MissingExtraError: Keras or its backend is not installed.
        ConfigError: The model has no Keras form.
    """

    framework = "keras"

    def __init__(self, model: Model, task: Task, config: TrainingConfig, inputs: Shapes, folder: Path) -> None:
        super().__init__(model, task, config, inputs, folder)
        if "keras" not in model.engines():
            raise ConfigError(
                f"the model '{model.name}' cannot be trained with Keras",
                came="training.engine: keras",
                do=f"set training.engine to {' or '.join(model.engines())}",
            )
        self.keras = _load(config)
        self.gpu = _gpu(config, self.keras.backend.backend())
        self.bf16 = _bf16(config, self.gpu, self.keras.backend.backend())
        with _isolated(self.keras, integer_seed(config.seed, "weights"), "mixed_bfloat16" if self.bf16 else "float32"):
            self.network = model.keras(inputs, task.outputs)

    @classmethod
    def require(cls, config: TrainingConfig) -> None:
        """Refuse a device or a precision that this machine does not have, or Keras; see ``Engine.require``."""
        backend = _load(config).backend.backend()
        _bf16(config, _gpu(config, backend), backend)

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(int(np.prod(variable.shape)) for variable in self.network.trainable_variables)

    @property
    def device(self) -> str:
        """Name of the device and precision."""
        return f"{self.gpu or cpu()[0]}, {'bf16' if self.bf16 else 'fp32'}"

    def fit(
        self,
        train: Batches,
        validation: Batches,
        score: Score,
        progress: Progress,
        better: Better = "max",
        whole: Whole | None = None,
    ) -> None:
        """Train to the end, from the last checkpoint where there is one; see ``Engine.fit``."""
        session = self._session(train, validation, better)
        if not session.finished:
            seen = len(train) * min(self.config.batch_size, train.events)  # an incomplete batch is left out
            with progress.step("training", self.config.epochs * seen, "events") as step:
                step.advance(session.epoch * seen)
                try:
                    _Training(self, session).run(train, validation, score, step, whole)
                finally:
                    session.close()
        self.load(session.best_path)

    def predict(self, batches: Batches) -> tuple[Array, Array]:
        """Return outputs (N, K) float32 and targets (N, ...) in the order of the batches."""
        outputs, targets = [], []
        for inputs, target in batches.epoch(0):
            outputs.append(np.asarray(self.network.predict_on_batch(inputs), np.float32))
            targets.append(target)
        if not outputs:
            return np.zeros((0, self.task.outputs), np.float32), np.zeros(0)
        return np.concatenate(outputs), np.concatenate(targets)

    def infer(self, inputs: dict[str, Array]) -> Outputs:
        """Return the outputs of one batch, (rows, K) float32."""
        return np.asarray(self.network.predict_on_batch(inputs), np.float32)

    def _slopes(
        self, inputs: dict[str, Array], output: int
    ) -> tuple[dict[str, Any], Callable[[float], dict[str, Any]]]:
        gradient = _gradient(self.keras, self.network, list(inputs), self._explained(output))
        ends = {name: np.asarray(value, np.float32) for name, value in inputs.items()}

        def slopes(share: float) -> dict[str, Any]:
            return dict(zip(ends, gradient([value * share for value in ends.values()]), strict=True))

        return ends, slopes

    def _explained(self, output: int) -> Any:
        """A function of the outputs (B, K): the explained one, minus the mean of the others; summed over the batch."""
        ops, count = self.keras.ops, self.task.outputs
        several = self.task.competing and count > 1

        def explained(outputs: Any) -> Any:
            chosen = ops.sum(outputs[:, output])
            return chosen - (ops.sum(outputs) - chosen) / (count - 1) if several else chosen

        return explained

    def _variables(self) -> dict[str, Any]:
        """Weights and running averages by path, without the model's own name."""
        return {variable.path: variable for variable in self.network.weights}

    def _weights(self) -> dict[str, Array]:
        return {name: _array(variable) for name, variable in self._variables().items()}

    def _set_weights(self, tensors: dict[str, Array]) -> None:
        variables = self._variables()
        for name, value in tensors.items():
            variables[name].assign(value)


class _Training:
    """The loop over the epochs that are left."""

    def __init__(self, engine: KerasEngine, session: TrainingSession) -> None:
        self.engine, self.session = engine, session
        config, keras, network = engine.config, engine.keras, engine.network
        clip = config.clip or None
        if config.optimizer == "adamw":
            self.optimizer = keras.optimizers.AdamW(
                config.lr, weight_decay=config.weight_decay, epsilon=1e-8, global_clipnorm=clip
            )
        else:
            self.optimizer = keras.optimizers.SGD(
                config.lr, momentum=0.9, nesterov=True, weight_decay=config.weight_decay or None, global_clipnorm=clip
            )
        flat = [variable for variable in network.trainable_variables if len(variable.shape) <= 1]
        if flat:  # biases and the parameters of normalisations do not decay
            self.optimizer.exclude_from_weight_decay(var_list=flat)
        network.compile(optimizer=self.optimizer, loss=engine.task.keras_loss(), jit_compile=config.compile)
        self.optimizer.build(network.trainable_variables)
        self.average = engine._weights() if config.average else {}
        if session.tensors is not None:
            self._restore(session.tensors)
            session.tensors = None

    def run(self, train: Batches, validation: Batches, score: Score, step: Step, whole: Whole | None) -> None:
        """Train epoch by epoch until the session is finished."""
        engine, session = self.engine, self.session
        while not session.finished:
            clock = Clock()
            self._reseed(session.epoch)
            losses, sizes = self._epoch(train, clock, step)
            with self._averaged():
                outputs, target = engine.predict(validation)
                told = whole() if whole is not None else {}
                weights = engine._weights()
            loss = float(np.mean(_array(engine.task.keras_loss()(target, outputs))))
            session.end_epoch(
                (session.mean_loss(np.array(losses), sizes), loss),
                score(outputs, target) | told,
                (clock.seconds, clock.waited),
                partial(dict, weights),
                self._state,
            )

    def _epoch(self, train: Batches, clock: Clock, step: Step) -> tuple[list[float], list[int]]:
        network, session = self.engine.network, self.session
        losses: list[float] = []
        sizes: list[int] = []
        source, note = train.epoch(session.epoch), ""
        while True:
            waiting = Clock()
            batch = next(source, None)
            clock.waited += waiting.seconds
            if batch is None:
                return losses, sizes
            inputs, target = batch
            number = session.epoch * session.steps + len(sizes)
            self.optimizer.learning_rate = session.rate(number)
            network.reset_metrics()  # else Keras returns the mean of the epoch so far
            losses.append(float(network.train_on_batch(inputs, target)))
            sizes.append(len(target))
            session.check_finite(np.array(losses[-1:]), len(sizes) - 1)
            if self.average:
                share = 1 - average_decay(self.engine.config, number)
                for name, variable in self.engine._variables().items():
                    self.average[name] += share * (_array(variable) - self.average[name])
            if len(sizes) % CHECK_STEPS == 0:
                note = session.note(float(np.mean(losses[-CHECK_STEPS:])))
            step.advance(len(target), note)

    def _reseed(self, epoch: int) -> None:
        """Give each random layer its numbers of the epoch, whatever ran before."""
        states = (value for value in self.engine.network.variables if value.path.endswith("seed_generator_state"))
        for i, state in enumerate(states):
            state.assign(np.array([integer_seed(self.engine.config.seed, "epoch", epoch, i), 0], np.uint32))

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Put the averaged weights in place, and take them out again."""
        if not self.average:
            yield
            return
        own = self.engine._weights()
        self.engine._set_weights(self.average)
        try:
            yield
        finally:
            self.engine._set_weights(own)

    def _state(self) -> dict[str, Array]:
        """All that a continuation needs."""
        found = {f"weights/{name}": value for name, value in self.engine._weights().items()}
        found |= {f"average/{name}": value for name, value in self.average.items()}
        return found | {f"optimizer/{i}": _array(value) for i, value in enumerate(self.optimizer.variables)}

    def _restore(self, tensors: dict[str, Array]) -> None:
        def part(kind: str) -> dict[str, Array]:
            return {name.removeprefix(kind): value for name, value in tensors.items() if name.startswith(kind)}

        self.engine._set_weights(part("weights/"))
        self.average = part("average/")
        for i, value in part("optimizer/").items():
            self.optimizer.variables[int(i)].assign(value)


def _array(variable: Any) -> Array:
    """A copy in NumPy."""
    import keras

    value = variable.value if isinstance(variable, keras.Variable) else variable
    # Keras's own conversion makes TensorFlow and PyTorch warn under NumPy 2
    if keras.backend.backend() == "tensorflow":
        return np.array(value.numpy())
    if keras.backend.backend() == "torch":
        return np.array(value.detach().float().cpu().numpy() if value.is_floating_point() else value.cpu().numpy())
    return np.array(keras.ops.convert_to_numpy(value))


def _load(config: TrainingConfig) -> Any:
    """Import Keras and its backend without their start-up messages."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if config.device == "cpu":
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    with _no_stderr():  # the backends write there from C++, before any level is obeyed
        backend = os.environ["KERAS_BACKEND"]
        framework = require(backend, "keras")
        keras = require("keras", "keras")
    if backend == "tensorflow":
        _set_up_tensorflow(framework, config)
    return keras


def _set_up_tensorflow(tensorflow: Any, config: TrainingConfig) -> None:
    try:
        if config.threads:
            tensorflow.config.threading.set_intra_op_parallelism_threads(config.threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        if config.device == "cpu":
            tensorflow.config.set_visible_devices([], "GPU")
        for gpu in tensorflow.config.get_visible_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:  # TensorFlow runs already: its settings are those of the first engine of the process
        pass
    tensorflow.get_logger().setLevel("ERROR")  # it warns of each new batch size
    tensorflow.config.experimental.enable_op_determinism()


def _gpu(config: TrainingConfig, backend: str) -> str | None:
    """Name of the GPU that will be used, None on a CPU."""
    name = None
    if config.device != "cpu":
        framework = require(backend, "keras")
        if backend == "tensorflow":
            found = framework.config.get_visible_devices("GPU")
            details = framework.config.experimental.get_device_details
            name = details(found[0]).get("device_name", "GPU") if found else None
        elif backend == "torch":
            name = framework.cuda.get_device_name() if framework.cuda.is_available() else None
        else:
            name = framework.devices()[0].device_kind if framework.default_backend() == "gpu" else None
    if config.device == "cuda" and name is None:
        raise RunError(
            "training.device is cuda, but Keras sees no GPU",
            came=f"backend {backend}",
            do="set training.device to auto, or install a backend with CUDA",
        )
    return name


def _bf16(config: TrainingConfig, gpu: str | None, backend: str) -> bool:
    """Whether to compute in bf16; on a CPU only where it was measured to be faster, which is TensorFlow."""
    if config.precision != "auto":
        return config.precision == "bf16" and (gpu is not None or cpu_with_bf16())
    return gpu is not None or (backend == "tensorflow" and cpu()[1])


def _gradient(keras: Any, network: Any, names: list[str], explained: Any) -> Any:
    """Return a function from inputs to the gradients of the explained output, arrays in and out."""
    backend = keras.backend.backend()

    def value(points: list[Any]) -> Any:
        return explained(network(dict(zip(names, points, strict=True)), training=False))

    def gradient(points: list[Array]) -> list[Array]:
        framework = require(backend, "keras")
        if backend == "jax":
            found = framework.grad(value)([keras.ops.convert_to_tensor(point) for point in points])
        elif backend == "torch":
            tensors = [keras.ops.convert_to_tensor(point).requires_grad_() for point in points]
            found = framework.autograd.grad(value(tensors), tensors)
        else:
            tensors = [framework.convert_to_tensor(point) for point in points]
            with framework.GradientTape() as tape:
                tape.watch(tensors)
                result = value(tensors)
            found = tape.gradient(result, tensors)
        return [_array(tensor) for tensor in found]

    return gradient


@contextmanager
def _isolated(keras: Any, seed: int, policy: str) -> Iterator[None]:
    """Build a network from a seed and in a precision; then the process has its random state and precision again."""
    before = keras.config.dtype_policy(), random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before[0])
        random.setstate(before[1])
        np.random.set_state(before[2])


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Send what libraries write to the standard error's file descriptor to nowhere."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
