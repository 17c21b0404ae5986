"""Few examples of a data set, to try something quickly."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from zoo.types import Dataset


def limited(dataset: Dataset, limit: int) -> Dataset:
    """A data set with at most so many examples of each split, evenly apart: the first may all be of one class."""
    return dataclasses.replace(
        dataset,
        splits={split: _spread(examples, dataset.sizes[split], limit) for split, examples in dataset.splits.items()},
        sizes={split: min(limit, size) for split, size in dataset.sizes.items()},
        references={
            split: {name: values[_chosen(len(values), limit)] for name, values in references.items()}
            for split, references in dataset.references.items()
        },
        fingerprint=f"{dataset.fingerprint}-{limit}",
    )


def _spread(examples: tf.data.Dataset, size: int, limit: int) -> tf.data.Dataset:
    chosen = examples.enumerate().filter(lambda index, _: index * limit % size < limit)
    return chosen.map(lambda _, example: example).apply(tf.data.experimental.assert_cardinality(min(limit, size)))


def _chosen(size: int, limit: int) -> np.ndarray:
    return np.flatnonzero(np.arange(size) * limit % size < limit)
