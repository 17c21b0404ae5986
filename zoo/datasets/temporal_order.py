"""The temporal order problem: which of two symbols came first, second, third, among many that say nothing."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
import tensorflow as tf

from zoo.datasets.clips import target_spec
from zoo.types import Dataset, Origin, Source, Spec, UsageError

SYMBOLS = ("E", "B", "a", "b", "c", "d", "X", "Y")  # begin, end, four that say nothing, the two that count
BEGIN, END, X = 0, 1, 6
INPUT = Spec(
    name="symbols",
    kind="series",
    shape=(None, len(SYMBOLS)),
    dtype="float32",
    axes=("step", "symbol"),
    classes=SYMBOLS,
)
PLACES = {4: ((10, 20), (50, 60)), 8: ((10, 20), (33, 43), (66, 76))}  # of X or Y in 100 steps, by number of classes
SHORTEST = 20


def generate(count: int, classes: Literal[4, 8], length: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Draws sequences of the temporal order problem.

    Args:
      count: Number of sequences.
      classes: 4 for two symbols that count, 8 for three.
      length: Shortest sequence in steps, 100 in the paper; each is drawn from length to 1.1 length, and the places of X
        and Y are in proportion to it.
      seed: Of the draws.

    Returns:
      One uint8[step] of indices into `SYMBOLS` per sequence, and labels int64[count] that read X and Y as the digits
      0 and 1 of a binary number, the first symbol in front: the order in which the paper names its classes.

    Raises:
      UsageError: `length` is below 20, where the places would run into each other, or `classes` is neither 4 nor 8.

    Source:
      Hochreiter and Schmidhuber 1997, Long Short-Term Memory, section 5.6 (experiments 6a and 6b): E first, B last, the
      rest drawn from a, b, c, d but for X or Y at t1 of 10 to 20 and t2 of 50 to 60, or at three places, 10 to 20, 33
      to 43 and 66 to 76.
    """
    if length < SHORTEST:
        raise UsageError(f"`length` must be at least {SHORTEST} steps, got {length}. Give a longer sequence.")
    if classes not in PLACES:
        raise UsageError(f"`classes` must be 4 or 8, got {classes}.")
    draws = np.random.default_rng(seed)
    sequences, labels = [], np.zeros(count, np.int64)
    for index in range(count):
        symbols = draws.integers(2, X, int(draws.integers(length, length + length // 10 + 1)), np.uint8)
        symbols[[0, -1]] = BEGIN, END
        for low, high in PLACES[classes]:
            second = int(draws.integers(0, 2))  # Y rather than X
            symbols[int(draws.integers(low * length // 100, high * length // 100 + 1))] = X + second
            labels[index] = 2 * labels[index] + second
        sequences.append(symbols)
    return sequences, labels


def load(
    source: Source,
    *,
    classes: Literal[4, 8] = 4,
    length: int = 100,
    train: int = 10_000,
    test: int = 2_560,
    origin: Origin = "generated",
) -> Dataset:
    """Generates the three splits, each from draws of its own; inputs are float32[step, symbol] with a single 1 a step.

    Args:
      source: Its seed decides the draws of train and val; the test split is the same for every seed.
      classes: As of `generate`.
      length: As of `generate`.
      train: Number of train sequences; val has a tenth of it.
      test: Number of test sequences; 2,560 in the paper.
      origin: "sample" for the small version.

    Raises:
      UsageError: `length` or `classes` cannot be.
    """
    counts = {"train": train, "val": max(1, train // 10), "test": test}
    seeds = {"train": 3 * source.seed + 6_000_003, "val": 3 * source.seed + 6_000_004, "test": 1997}
    made = {split: generate(count, classes, length, seeds[split]) for split, count in counts.items()}
    identity = f"temporal order {classes} {length} {sorted(counts.items())} {sorted(seeds.items())}"
    return Dataset(
        name="temporal order problem",
        version="1997",
        origin=origin,
        input=INPUT,
        target=target_spec(["".join(names) for names in _orders(len(PLACES[classes]))]),
        splits={split: _examples(split, *rows) for split, rows in made.items()},
        sizes=counts,
        fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:16],
        citation="Hochreiter, S. and Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation 9(8).",
        licence="none needed, generated",
    )


def _orders(count: int) -> list[tuple[str, ...]]:
    return [tuple("XY"[number >> place & 1] for place in reversed(range(count))) for number in range(2**count)]


def _examples(split: str, sequences: list[np.ndarray], labels: np.ndarray) -> tf.data.Dataset:
    rows = tf.RaggedTensor.from_row_lengths(np.concatenate(sequences), [len(symbols) for symbols in sequences])
    ids = [f"{split}-{index}" for index in range(len(sequences))]

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {**row, "input": tf.ensure_shape(tf.one_hot(row["input"], len(SYMBOLS)), INPUT.shape)}

    return tf.data.Dataset.from_tensor_slices({"id": ids, "input": rows, "target": labels}).map(example)
