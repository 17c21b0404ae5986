"""The past of series in, in their own units, and what is known of their future."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.signatures import Edges, Signature
from zoo.types import Spec


def signatures(input: Spec) -> dict[str, Signature]:
    """`serving_default(history: float32[batch, step, series])`, at least the look-back; only its last steps are read.

    A model with known columns also takes `known: float32[batch, step + ahead, column]`, over the same steps and on.
    """
    count, ahead = _count(input), input.series.ahead
    back = input.shape[0] - (ahead if input.series.known else 0)

    def to_raw(history: tf.Tensor, known: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        steps = tf.shape(history)[1]
        message = ["the history is shorter than what the model looks back on, in steps: got", steps, "of", back]
        with tf.control_dependencies([tf.debugging.Assert(steps >= back, message)]):
            values = history[:, -back:]
        if known is not None:
            there = tf.shape(known)[1]
            message = ["`known` must go on for the steps ahead, in steps: got", there, "and not", steps + ahead]
            with tf.control_dependencies([tf.debugging.Assert(there == steps + ahead, message)]):
                values = tf.concat([tf.pad(values, [[0, 0], [0, ahead], [0, 0]]), known[:, -back - ahead :]], 2)
        return values, tf.fill([tf.shape(values)[0]], input.shape[0])

    def pack(examples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        rows = np.stack(examples)
        if not input.series.known:
            return {"history": rows}
        return {"history": rows[:, : rows.shape[1] - ahead, :count], "known": rows[:, :, count:]}

    inputs = [tf.TensorSpec([None, None, count], tf.float32, "history")]
    if input.series.known:
        inputs.append(tf.TensorSpec([None, None, len(input.series.known)], tf.float32, "known"))
    return {"serving_default": Signature(inputs=tuple(inputs), to_raw=to_raw, pack=pack)}


def edges(input: Spec, longest: int) -> Edges:
    """Zeros, one value throughout, large values; a history that is too short, and a wrong number of series."""
    count, known = _count(input), len(input.series.known)
    draws = np.random.default_rng(0)
    values = draws.uniform(1, 2, input.shape).astype(np.float32)
    back = input.shape[0] - (input.series.ahead if known else 0)

    def inputs(steps: int, series: int) -> dict[str, np.ndarray]:
        made = {"history": np.ones((1, steps, series), np.float32)}
        return made | {"known": np.ones((1, steps + input.series.ahead, known), np.float32)} if known else made

    return Edges(
        legal={
            "zeros": np.zeros(input.shape, np.float32),
            "constant": np.full(input.shape, 3.0, np.float32),
            "large": values * 1e6,
        },
        malformed={
            "too short": ("serving_default", inputs(back - 1, count)),
            "wrong number of series": ("serving_default", inputs(back, count + 1)),
        },
    )


def _count(input: Spec) -> int:
    return input.shape[1] - len(input.series.known)
