"""Labelled audio clips held in memory as 16-bit samples, and the `tf.data` that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.inputs.audio import FULL_SCALE
from zoo.types import Spec

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Clip:
    """One labelled piece of audio.

    Args:
      id: Names it within its data set.
      samples: int16[sample].
      label: Index of its class.
    """

    id: str
    samples: np.ndarray
    label: int


def target_spec(classes: Sequence[str]) -> Spec:
    """The target of a classification: int64[], an index into `classes`."""
    return Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=tuple(classes))


def as_dataset(clips: Sequence[Clip]) -> tf.data.Dataset:
    """Clips as `{"id": string[], "input": float32[sample] in [-1, 1], "target": int64[]}`, in the order given.

    All samples stand in one int16 tensor, 2 bytes each, and become floats one clip at a time.
    """
    import tensorflow as tf

    lengths = np.array([len(clip.samples) for clip in clips], np.int64)
    samples = tf.constant(np.concatenate([clip.samples for clip in clips]))
    columns = {
        "id": [clip.id for clip in clips],
        "start": np.cumsum(lengths) - lengths,
        "stop": np.cumsum(lengths),
        "target": np.array([clip.label for clip in clips], np.int64),
    }

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        values = tf.ensure_shape(samples[row["start"] : row["stop"]], (None,))
        return {"id": row["id"], "input": tf.cast(values, tf.float32) / FULL_SCALE, "target": row["target"]}

    return tf.data.Dataset.from_tensor_slices(columns).map(example)
