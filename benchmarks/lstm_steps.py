"""Training steps and inferences of one LSTM network in Keras, in PyTorch and in the zoo, for the benchmarks to time."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
import torch

from zoo.layers.lstm import LSTM

Step = Callable[[], object]


@dataclass(frozen=True)
class Shape:
    """What is timed: LSTM layers over a batch, and the mean of all their last outputs squared as the loss.

    Args:
      batch: Sequences.
      steps: Of the longest sequence.
      inputs: Features of a step.
      units: Memory cells of a layer and direction.
      layers: Stacked ones.
      both: Whether each layer reads in both directions, over right-padded sequences of half to all steps.
    """

    batch: int
    steps: int
    inputs: int
    units: int
    layers: int = 1
    both: bool = False

    def __str__(self) -> str:
        more = f" x{self.layers}, both directions, padded" if self.both else ""
        return f"{self.batch} x {self.steps} x {self.inputs} -> {self.units}{more}"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """x: float32[batch, step, input], and the lengths int32[batch]."""
        draws = np.random.default_rng(0)
        x = draws.normal(size=(self.batch, self.steps, self.inputs)).astype(np.float32)
        lengths = draws.integers(self.steps // 2, self.steps + 1, self.batch)
        return x, np.where(self.both, lengths, self.steps).astype(np.int32)


SHAPES = (
    Shape(32, 100, 40, 128),
    Shape(64, 256, 64, 256),
    Shape(64, 100, 128, 512),
    Shape(1, 100, 40, 128),
    Shape(32, 200, 80, 128, layers=2, both=True),
)


def network(shape: Shape, cell: type, *, fixed: bool = False, policy: str = "float32") -> keras.Model:
    """A Keras network from (x, mask) to the last outputs; `fixed` for batch and steps known when it is traced."""
    batch, steps = (shape.batch, shape.steps) if fixed else (None, None)
    x = keras.Input((steps, shape.inputs), batch_size=batch, name="x")
    mask = keras.Input((steps,), batch_size=batch, dtype="bool", name="mask")
    values, keeps = x, {"mask": mask} if shape.both else {}
    for number in range(shape.layers):
        made = cell(shape.units, return_sequences=number < shape.layers - 1, dtype=policy)
        values = (keras.layers.Bidirectional(made, dtype=policy) if shape.both else made)(values, **keeps)
    return keras.Model([x, mask], values)


def keras_training(shape: Shape, cell: type, *, jit: bool = False, policy: str = "float32") -> Step:
    """A training step of `network` with Adam, compiled by XLA with `jit`."""
    model, optimizer = network(shape, cell, fixed=True, policy=policy), keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    x, lengths = shape.data()
    inputs = [tf.constant(x), tf.sequence_mask(lengths, shape.steps)]

    @tf.function(autograph=False, jit_compile=jit)
    def step(x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.cast(model([x, mask], training=True), tf.float32)))
        optimizer.apply(tape.gradient(loss, [weight.value for weight in model.trainable_variables]))
        return loss

    return lambda: step(*inputs).numpy()


def exported(shape: Shape, cell: type) -> Callable[[np.ndarray, np.ndarray], tf.Tensor]:
    """`network` through a SavedModel for any batch and length, as it is served."""
    model = network(shape, cell)
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        loaded = tf.saved_model.load(folder)
    return lambda x, mask: loaded.serve([tf.constant(x), tf.constant(mask)])


def keras_inference(shape: Shape, cell: type) -> Step:
    """An answer of the export to the whole batch."""
    answer, (x, lengths) = exported(shape, cell), shape.data()
    mask = np.arange(shape.steps) < lengths[:, None]
    return lambda: answer(x, mask).numpy()


def jitted_inference(shape: Shape, cell: type) -> Step:
    """An answer compiled by XLA for this one batch and length."""
    model, (x, lengths) = network(shape, cell, fixed=True), shape.data()
    inputs = [tf.constant(x), tf.sequence_mask(lengths, shape.steps)]
    answer = tf.function(lambda x, mask: model([x, mask], training=False), autograph=False, jit_compile=True)
    return lambda: answer(*inputs).numpy()


def torch_steps(shape: Shape, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Step, Step]:
    """A training step and an answer of the same network in PyTorch."""
    model = torch.nn.LSTM(
        shape.inputs, shape.units, shape.layers, batch_first=True, bidirectional=shape.both, device=device
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, lengths = shape.data()
    values, counts = torch.tensor(x, device=device), torch.tensor(lengths, dtype=torch.int64)
    half = torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32)

    def last() -> torch.Tensor:
        sequences = values
        if shape.both:
            sequences = torch.nn.utils.rnn.pack_padded_sequence(values, counts, True, enforce_sorted=False)
        with half:
            _, (h, _) = model(sequences)
        return h[-2:].float() if shape.both else h[-1].float()

    def training() -> float:
        optimizer.zero_grad()
        loss = last().square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    def inference() -> np.ndarray:
        with torch.no_grad():
            return last().cpu().numpy()

    return training, inference


def interleaved(steps: Mapping[str, Step], runs: int) -> dict[str, float]:
    """Median milliseconds of each step, one of each in turn, so that all see the machine in the same states."""
    for step in steps.values():
        for _ in range(2):
            step()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(runs):
        for name, step in steps.items():
            time.sleep(0.02)  # lets the threads of the one before go to sleep
            step()
            begun = time.perf_counter()
            step()
            taken[name].append((time.perf_counter() - begun) * 1e3)
    return {name: statistics.median(values) for name, values in taken.items()}


CELLS = {"keras": keras.layers.LSTM, "zoo": LSTM}
