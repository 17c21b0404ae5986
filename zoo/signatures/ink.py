"""Ink in: the pen's points with their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.signatures import Edges, Signature
from zoo.types import Spec


def signatures(input: Spec) -> dict[str, Signature]:
    """`serving_default(points: float32[batch, point, 3], length: int32[batch])`: x, y growing downwards, pen-up.

    Within its length, an ink must not have a value that is not a finite number.
    """

    def to_raw(points: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        within = tf.sequence_mask(length, tf.shape(points)[1])[:, :, None]
        finite = tf.reduce_all(tf.math.is_finite(points) | ~within)
        message = ["`points` must be finite numbers within `length`, and some are not (NaN or infinite)"]
        with tf.control_dependencies([tf.debugging.Assert(finite, message)]):
            return tf.identity(points), length

    inputs = (tf.TensorSpec([None, None, 3], tf.float32, "points"), tf.TensorSpec([None], tf.int32, "length"))
    return {"serving_default": Signature(inputs=inputs, to_raw=to_raw, pack=pack)}


def pack(inks: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Inputs of the signature: inks float32[point, 3] right-padded with zeros, and their lengths."""
    length = np.array([len(ink) for ink in inks], np.int32)
    points = np.zeros((len(inks), max(length), 3), np.float32)
    for row, ink in zip(points, inks, strict=True):
        row[: len(ink)] = ink
    return {"points": points, "length": length}


def edges(input: Spec, longest: int) -> Edges:
    """No point, one, one repeated, dots, a scribble ten times as long as any ink; NaN, infinity, wrong shapes."""
    draws = np.random.default_rng(0)
    scribble = np.cumsum(draws.normal(size=(10 * longest, 3)), 0).astype(np.float32)
    scribble[:, 2] = draws.uniform(size=10 * longest) < 0.03
    point = np.array([[3, 4, 1]], np.float32)
    plain, one = scribble[None, :4], np.array([4], np.int32)
    nan, infinite = plain.copy(), plain.copy()
    nan[0, 2, 0], infinite[0, 3, 1] = np.nan, np.inf
    return Edges(
        legal={
            "empty": point[:0],
            "one point": point,
            "one point repeated": np.repeat(point * [1, 1, 0], 9, 0).astype(np.float32),
            "dots": np.repeat(point, 9, 0),
            "longest": scribble,
        },
        malformed={
            "not a number": ("serving_default", {"points": nan, "length": one}),
            "infinite": ("serving_default", {"points": infinite, "length": one}),
            "no pen": ("serving_default", {"points": plain[:, :, :2], "length": one}),
            "wrong rank": ("serving_default", {"points": plain[0], "length": one}),
        },
    )
