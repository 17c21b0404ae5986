"""Labelled sentences held in memory, and the `tf.data` that reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.types import Spec

if TYPE_CHECKING:
    import tensorflow as tf

INPUT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())


@dataclass(frozen=True)
class Sentence:
    """One labelled text.

    Args:
      id: Names it within its data set.
      text: As it is read, UTF-8 in the tensors.
      label: Index of its class.
    """

    id: str
    text: str
    label: int


def as_dataset(sentences: Sequence[Sentence]) -> tf.data.Dataset:
    """Sentences as `{"id": string[], "input": string[], "target": int64[]}`, in the order given."""
    import tensorflow as tf

    columns = {
        "id": [sentence.id for sentence in sentences],
        "input": [sentence.text for sentence in sentences],
        "target": np.array([sentence.label for sentence in sentences], np.int64),
    }
    return tf.data.Dataset.from_tensor_slices(columns)


def fingerprint(sentences: Sequence[Sentence]) -> str:
    """Sixteen hexadecimal digits that change with any id, text or label, or with their order."""
    lines = (f"{sentence.id}\t{sentence.text}\t{sentence.label}\n" for sentence in sentences)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
