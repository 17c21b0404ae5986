"""The adding problem: sum two marked numbers that stand far apart in a long sequence of distractors."""

from __future__ import annotations

import hashlib

import numpy as np
import tensorflow as tf

from zoo.types import Dataset, Origin, Source, Spec, UsageError

INPUT = Spec(name="pairs", kind="series", shape=(None, 2), dtype="float32", axes=("step", "column"))
TARGET = Spec(name="sum", kind="value", shape=(), dtype="float32", axes=())


def generate(count: int, length: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Draws sequences of the adding problem.

    Args:
      count: Number of sequences.
      length: Shortest sequence in steps, at least 20; each is drawn from length to 1.1 length.
      seed: Of the draws.

    Returns:
      One float32[step, 2] per sequence (number in [-1, 1], marker in {-1, 0, 1}), and the targets float32[count],
      0.5 + (first marked number + second marked number) / 4.

    Raises:
      UsageError: `length` is below 20, too short to place the first mark among ten steps and the second in the half.

    Source:
      Hochreiter and Schmidhuber 1997, Long Short-Term Memory, section 5.4 (experiment 4): the first and last markers
      are -1, one of the first ten pairs and one of the first length / 2 - 1 unmarked pairs are marked 1, and where the
      first pair is marked its number counts as 0.
    """
    if length < 20:
        raise UsageError(f"`length` must be at least 20 steps, got {length}. Give a longer sequence.")
    draws = np.random.default_rng(seed)
    sequences, targets = [], np.empty(count, np.float32)
    for index in range(count):
        steps = int(draws.integers(length, length + length // 10 + 1))
        pairs = np.zeros((steps, 2), np.float32)
        pairs[:, 0] = draws.uniform(-1, 1, steps)
        first = int(draws.integers(0, 10))
        second = int(draws.choice([step for step in range(length // 2 - 1) if step != first]))
        numbers = [0.0 if step == 0 else float(pairs[step, 0]) for step in (first, second)]
        pairs[[0, -1], 1] = -1.0
        pairs[[first, second], 1] = 1.0
        sequences.append(pairs)
        targets[index] = 0.5 + sum(numbers) / 4
    return sequences, targets


def load(
    source: Source, *, length: int = 100, train: int = 10_000, test: int = 2_560, origin: Origin = "generated"
) -> Dataset:
    """Generates the three splits, each from draws of its own.

    Args:
      source: Its seed decides the draws of train and val; the test split is the same for every seed.
      length: Shortest sequence in steps.
      train: Number of train sequences; val has a tenth of it.
      test: Number of test sequences; 2,560 in the paper.
      origin: "sample" for the small version.

    Raises:
      UsageError: `length` is below 20.
    """
    counts = {"train": train, "val": max(1, train // 10), "test": test}
    seeds = {"train": 3 * source.seed + 1_000_003, "val": 3 * source.seed + 1_000_004, "test": 1997}
    splits = {name: _split(name, *generate(count, length, seeds[name])) for name, count in counts.items()}
    identity = f"adding {length} {sorted(counts.items())} {sorted(seeds.items())}"
    return Dataset(
        name="adding problem",
        version="1997",
        origin=origin,
        input=INPUT,
        target=TARGET,
        splits=splits,
        sizes=counts,
        fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:16],
        citation="Hochreiter, S. and Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation 9(8).",
        licence="none needed, generated",
    )


def _split(name: str, sequences: list[np.ndarray], targets: np.ndarray) -> tf.data.Dataset:
    lengths = [len(sequence) for sequence in sequences]
    rows = tf.RaggedTensor.from_row_lengths(np.concatenate(sequences), lengths)  # float32[sequence, (step), 2]
    ids = [f"{name}-{index}" for index in range(len(sequences))]
    slices = tf.data.Dataset.from_tensor_slices({"id": ids, "input": rows, "target": targets})
    return slices.map(lambda example: {**example, "input": tf.ensure_shape(example["input"], (None, 2))})
