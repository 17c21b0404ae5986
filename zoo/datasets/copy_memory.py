"""The copy problem: repeat what was read long before, symbol by symbol."""

from __future__ import annotations

import hashlib

import numpy as np
import tensorflow as tf

from zoo.types import Dataset, Origin, Source, Spec, UsageError

LETTERS = 8
BLANK, RECALL = LETTERS, LETTERS + 1
SYMBOLS = (*"abcdefgh", "-", ">")  # letters to repeat, nothing, and the sign to repeat them
INPUT = Spec(
    name="symbols",
    kind="series",
    shape=(None, len(SYMBOLS)),
    dtype="float32",
    axes=("step", "symbol"),
    classes=SYMBOLS,
)
TARGET = Spec(name="copy", kind="label", shape=(None,), dtype="int32", axes=("step",), classes=SYMBOLS)


def generate(count: int, delay: int, letters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws sequences of the copy problem.

    Args:
      count: Number of sequences.
      delay: Steps T between what is to be repeated and the repetition, at least 1.
      letters: How many symbols are to be repeated, 10 in the paper.
      seed: Of the draws.

    Returns:
      Inputs uint8[count, delay + 2 * letters] and targets int32 of the same shape, both indices into `SYMBOLS`:
      letters, delay - 1 blanks, the sign to repeat, blanks; and blanks until the letters are asked for.

    Raises:
      UsageError: `delay` or `letters` is below 1.

    Source:
      Arjovsky, Shah and Bengio 2016, Unitary Evolution Recurrent Neural Networks, section 5.1; after Hochreiter and
      Schmidhuber 1997.
    """
    for name, given in (("length", delay), ("letters", letters)):
        if given < 1:
            raise UsageError(f"`{name}` must be at least 1, got {given}.")
    drawn = np.random.default_rng(seed).integers(0, LETTERS, (count, letters), np.uint8)
    inputs = np.full((count, delay + 2 * letters), BLANK, np.uint8)
    inputs[:, :letters] = drawn
    inputs[:, letters + delay - 1] = RECALL
    targets = np.full(inputs.shape, BLANK, np.int32)
    targets[:, -letters:] = drawn
    return inputs, targets


def load(
    source: Source,
    *,
    delay: int = 100,
    letters: int = 10,
    train: int = 10_000,
    test: int = 2_560,
    origin: Origin = "generated",
) -> Dataset:
    """Generates the three splits, each from draws of its own; inputs are float32[step, symbol] with a single 1 a step.

    Args:
      source: Its seed decides the draws of train and val; the test split is the same for every seed.
      delay: As of `generate`.
      letters: As of `generate`.
      train: Number of train sequences; val has a tenth of it.
      test: Number of test sequences.
      origin: "sample" for the small version.

    Raises:
      UsageError: `delay` or `letters` is below 1.
    """
    counts = {"train": train, "val": max(1, train // 10), "test": test}
    seeds = {"train": 3 * source.seed + 2_016_003, "val": 3 * source.seed + 2_016_004, "test": 2016}
    made = {split: generate(count, delay, letters, seeds[split]) for split, count in counts.items()}
    identity = f"copy {delay} {letters} {sorted(counts.items())} {sorted(seeds.items())}"
    return Dataset(
        name="copy problem",
        version="2016",
        origin=origin,
        input=INPUT,
        target=TARGET,
        splits={split: _examples(split, *rows) for split, rows in made.items()},
        sizes=counts,
        fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:16],
        citation="Arjovsky, M., Shah, A. and Bengio, Y. (2016). Unitary Evolution Recurrent Neural Networks. ICML.",
        licence="none needed, generated",
    )


def _examples(split: str, inputs: np.ndarray, targets: np.ndarray) -> tf.data.Dataset:
    ids = [f"{split}-{index}" for index in range(len(inputs))]

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {**row, "input": tf.one_hot(row["input"], len(SYMBOLS))}

    return tf.data.Dataset.from_tensor_slices({"id": ids, "input": inputs, "target": targets}).map(example)
