"""The n-gram model against Witten and Bell's formula, written out in Python."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.ngrams import NGrams
from zoo.types import UsageError

ROWS = [[0, 1, 0], [0, 1, 2], [1], [0, 0, 1, 2, 2]]
SYMBOLS = 4  # the last is never seen


def reference(row: list[int], order: int) -> float:
    """Log-probability of a row with its end, by the recursion as published, counting anew for every symbol."""
    texts = [["<", *text, ">"] for text in ROWS]

    def chance(context: tuple, symbol: object) -> float:
        lower = chance(context[1:], symbol) if context else 1 / (SYMBOLS + 1)
        after = Counter(
            text[at]
            for text in texts
            for at in range(1, len(text))
            if at >= len(context) and tuple(text[at - len(context) : at]) == context
        )
        kinds, total = len(after), sum(after.values())
        return (after[symbol] + kinds * lower) / (total + kinds) if total else lower

    marked = ["<", *row, ">"]
    return sum(math.log(chance(tuple(marked[max(0, at - order + 1) : at]), marked[at])) for at in range(1, len(marked)))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_log_probabilities_are_those_of_the_formula(order: int):
    model = NGrams.learnt(ROWS, SYMBOLS, order)
    asked = [[0, 1], [0, 1, 2], [], [3], [2, 2, 2, 2, 2, 2], [0, 3, 1], [1, 0, 1, 2]]
    ids = tf.ragged.constant(asked, dtype=tf.int32)
    found = model(ids.to_tensor(-1), tf.cast(ids.row_lengths(), tf.int32))
    np.testing.assert_allclose(found, [reference(row, order) for row in asked], rtol=1e-5)


def test_chances_of_all_short_rows_sum_to_less_than_one_and_nearly_so():
    model = NGrams.learnt(ROWS, SYMBOLS, 3)
    rows = [list(row) for size in range(7) for row in itertools.product(range(SYMBOLS), repeat=size)]
    ids = tf.ragged.constant(rows, dtype=tf.int32)
    total = float(tf.reduce_sum(tf.exp(model(ids.to_tensor(-1), tf.cast(ids.row_lengths(), tf.int32)))))
    assert 0.9 < total < 1


def test_padding_does_not_count():
    model = NGrams.learnt(ROWS, SYMBOLS, 3)
    short = model(tf.constant([[0, 1]]), tf.constant([2]))
    assert float(short[0]) == float(model(tf.constant([[0, 1, -1, -1]]), tf.constant([2]))[0])
    assert float(short[0]) == float(model(tf.constant([[0, 1, 2, 3]]), tf.constant([2]))[0])


def test_state_makes_the_same_model_again():
    model = NGrams.learnt(ROWS, SYMBOLS, 3)
    again = NGrams.from_config(model.get_config())
    ids, length = tf.constant([[0, 1, 2]]), tf.constant([3])
    assert float(model(ids, length)[0]) == float(again(ids, length)[0])


def test_orders_that_cannot_be_numbered_are_refused():
    with pytest.raises(UsageError, match=r"`ngram` must be 1 to 9 for 100 symbols, got 12\."):
        NGrams.learnt(ROWS, 100, 12)
    with pytest.raises(UsageError, match=r"`ngram` must be 1 to \d+ for 4 symbols, got 0\."):
        NGrams.learnt(ROWS, SYMBOLS, 0)
