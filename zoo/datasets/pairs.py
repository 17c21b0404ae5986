"""Sentences with their translations held in memory, and the `tf.data` that reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.types import Spec

if TYPE_CHECKING:
    import tensorflow as tf

TARGET = Spec(name="translation", kind="text", shape=(), dtype="string", axes=())


@dataclass(frozen=True)
class Pair:
    """One sentence and how it is translated.

    Args:
      id: Names it within its data set.
      source: As it is read, UTF-8 in the tensors.
      target: The reference.
    """

    id: str
    source: str
    target: str


def as_dataset(pairs: Sequence[Pair]) -> tf.data.Dataset:
    """Pairs as `{"id": string[], "input": string[], "target": string[]}`, in the order given."""
    import tensorflow as tf

    columns = {
        "id": [pair.id for pair in pairs],
        "input": [pair.source for pair in pairs],
        "target": [pair.target for pair in pairs],
    }
    return tf.data.Dataset.from_tensor_slices(columns)


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Sixteen hexadecimal digits that change with any id, source or target, or with their order."""
    lines = (f"{pair.id}\t{pair.source}\t{pair.target}\n" for pair in pairs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
