"""Series in: values over time with their length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.signatures import Edges, Signature
from zoo.types import Spec


def signatures(input: Spec) -> dict[str, Signature]:
    """`serving_default(values: float32[batch, step, column], length: int32[batch])`."""
    columns = input.shape[1]

    def to_raw(values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return values, length

    def pack(examples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        padded = np.zeros((len(examples), max(map(len, examples)), columns), np.float32)
        for row, values in zip(padded, examples, strict=True):
            row[: len(values)] = values
        return {"values": padded, "length": np.array([len(values) for values in examples], np.int32)}

    inputs = (tf.TensorSpec([None, None, columns], tf.float32, "values"), tf.TensorSpec([None], tf.int32, "length"))
    return {"serving_default": Signature(inputs=inputs, to_raw=to_raw, pack=pack)}


def edges(input: Spec, longest: int) -> Edges:
    """No step at all, one step, and ten times as many as anything seen; wrong columns, more lengths than rows."""
    columns = input.shape[1]
    values = np.random.default_rng(0).uniform(-1, 1, (10 * longest, columns)).astype(np.float32)
    wrong = {"values": np.zeros((1, 4, columns + 1), np.float32), "length": np.array([4], np.int32)}
    return Edges(
        legal={"empty": values[:0], "shortest": values[:1], "longest": values},
        malformed={
            "wrong number of columns": ("serving_default", wrong),
            "lengths of other rows": (
                "serving_default",
                {"values": values[None], "length": np.array([4, 4], np.int32)},
            ),
        },
    )
