"""An n-gram model of rows of symbols, asked by TensorFlow ops from a lookup table."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from zoo.types import UsageError

BEGIN, END, FIRST = (
    1,
    2,
    3,
)  # marks of a row's ends, and the first symbol; 0 is no symbol, so that lengths differ in keys


@keras.saving.register_keras_serializable(package="zoo")
class NGrams(keras.layers.Layer):
    """Log-probability of rows of symbols with their end: what was seen after the longest known context.

    `layer(ids: int32[row, symbol], length: int32[row])` gives float32[row].

    Args:
      state: As `learnt` makes it: `symbols` and `order`, whole numbers; `keys`, `logs` and `backoffs`, lists of equal
        length: n-grams as numbers, their log-probability, and what not being followed as seen costs.

    Source:
      Witten and Bell 1991, The Zero-Frequency Problem, method C, interpolated (Chen and Goodman 1999, section 2.5).
    """

    def __init__(self, state: Mapping[str, object], **kwargs: object):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.state = dict(state)
        self.built = True  # it has no weights; an export refuses to track what is not built
        with tf.init_scope():
            keys = tf.constant(state["keys"], tf.int64)
            logs, backoffs = (
                tf.lookup.KeyValueTensorInitializer(keys, tf.constant(state[name], tf.float32))
                for name in ("logs", "backoffs")
            )
            self._logs = tf.lookup.StaticHashTable(logs, default_value=math.inf)
            self._backoffs = tf.lookup.StaticHashTable(backoffs, default_value=0.0)

    @classmethod
    def learnt(cls, rows: Sequence[Sequence[int]], symbols: int, order: int) -> NGrams:
        """A model of rows of ids.

        Args:
          rows: Ids from 0 to symbols - 1.
          symbols: How many there are.
          order: Longest n-gram.

        Raises:
          UsageError: N-grams so long that they cannot be numbered.
        """
        base = symbols + FIRST
        if order < 1 or base**order >= 2**63:
            most = int(63 * math.log(2) / math.log(base))
            raise UsageError(f"`ngram` must be 1 to {most} for {symbols} symbols, got {order}.")
        followers: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for row in rows:
            marked = (BEGIN, *(symbol + FIRST for symbol in row), END)
            for at in range(1, len(marked)):
                for size in range(min(order, at + 1)):
                    followers[marked[at - size : at]][marked[at]] += 1
        logs, backoffs = _smoothed(followers, symbols + 1)
        every = sorted(logs.keys() | backoffs.keys(), key=lambda gram: (len(gram), gram))
        state = {
            "symbols": symbols,
            "order": order,
            "keys": [_key(gram, base) for gram in every],
            "logs": [logs.get(gram, math.inf) for gram in every],
            "backoffs": [backoffs.get(gram, 0.0) for gram in every],
        }
        return cls(state)

    def call(self, ids: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        """float32[row]; see the class."""
        base = self.state["symbols"] + FIRST
        within = tf.sequence_mask(length, tf.shape(ids)[1])
        marked = tf.where(within, ids + FIRST, 0)
        marked = tf.pad(marked, [[0, 0], [1, 1]], constant_values=0)
        at_end = tf.one_hot(length + 1, tf.shape(marked)[1], END, 0, dtype=tf.int32)
        begin = tf.one_hot(tf.zeros_like(length), tf.shape(marked)[1], BEGIN, 0, dtype=tf.int32)
        marked = tf.cast(marked + at_end + begin, tf.int64)
        key, power = marked, tf.constant(1, tf.int64)
        found = self._logs.lookup(key)
        for size in range(1, self.state["order"]):
            context = tf.pad(key, [[0, 0], [1, 0]])[:, :-1]  # the n-gram one shorter that ends a symbol before
            power *= base
            earlier = tf.pad(marked, [[0, 0], [size, 0]])[:, : tf.shape(marked)[1]]
            key = key + earlier * power
            longer = self._logs.lookup(key)
            longer = tf.where(tf.math.is_inf(longer), found + self._backoffs.lookup(context), longer)
            found = tf.where(earlier > 0, longer, found)
        counted = tf.range(tf.shape(marked)[1])[None] <= length[:, None] + 1
        counted &= tf.range(tf.shape(marked)[1])[None] > 0
        return tf.reduce_sum(tf.where(counted, found, 0.0), 1)

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {**super().get_config(), "state": self.state}


def _smoothed(
    followers: Mapping[tuple[int, ...], Counter[int]], outcomes: int
) -> tuple[dict[tuple[int, ...], float], dict[tuple[int, ...], float]]:
    """Log-probability of each n-gram and log-weight of each context's shorter ones, shortest contexts first."""
    chances: dict[tuple[int, ...], float] = {}
    backoffs: dict[tuple[int, ...], float] = {}
    for context in sorted(followers, key=len):
        seen = followers[context]
        kinds, total = len(seen), sum(seen.values())
        for symbol, count in seen.items():
            lower = chances[(*context[1:], symbol)] if context else 1 / outcomes
            chances[(*context, symbol)] = (count + kinds * lower) / (total + kinds)
        backoffs[context] = math.log(kinds / (total + kinds))
    for symbol in (END, *range(FIRST, FIRST + outcomes - 1)):  # one never seen, such as an end in the middle of nothing
        chances.setdefault((symbol,), math.exp(backoffs[()]) / outcomes)
    backoffs.pop(())
    return {gram: math.log(chance) for gram, chance in chances.items()}, backoffs


def _key(gram: Sequence[int], base: int) -> int:
    """The n-gram as a number: its last symbol counts ones."""
    return sum(symbol * base**place for place, symbol in enumerate(reversed(gram)))
