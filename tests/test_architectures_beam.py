"""The beam search, against searches written with plain lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from zoo.architectures.beam import penalty, search
from zoo.layers.subwords import BEGIN, END

Chances = Callable[[list[int]], np.ndarray]  # log-probabilities of the piece after those


def allowed(chances: Chances, written: list[int], limit: int) -> dict[int, float]:
    """Log-probability of each piece that may follow, with padding and begin mark ruled out."""
    values = np.array(chances(written), np.float64)
    values[[0, BEGIN]] = -np.inf
    values -= np.log(np.exp(values - values.max()).sum()) + values.max()
    return {END: values[END]} if len(written) == limit else {piece: values[piece] for piece in range(2, len(values))}


def by_lists(chances: Chances, limit: int, beam: int, power: float) -> tuple[list[int], float]:
    """The search as its documentation says, one hypothesis after another."""
    live, answers = [([], 0.0)], []
    while live and len(answers) < beam:
        following = [
            ([*written, piece], total + value)
            for written, total in live
            for piece, value in allowed(chances, written, limit).items()
        ]
        following = sorted(following, key=lambda one: -one[1])[: 2 * beam]
        ended = [one for one in following[:beam] if one[0][-1] == END]
        answers += [(written[:-1], total / ((5 + len(written)) / 6) ** power) for written, total in ended]
        live = [one for one in following if one[0][-1] != END][:beam]
    return max(answers, key=lambda one: one[1])


def by_trying_all(chances: Chances, limit: int, pieces: int, power: float) -> tuple[list[int], float]:
    """The best of all answers that there are."""
    found = []
    for size in range(limit + 1):
        for written in itertools.product(range(3, pieces), repeat=size):
            steps = [*written, END]
            total = sum(allowed(chances, steps[:t], limit)[piece] for t, piece in enumerate(steps))
            found.append((list(written), total / ((5 + len(steps)) / 6) ** power))
    return max(found, key=lambda one: one[1])


def automaton(rows: int, pieces: int, seed: int) -> tuple[Callable, tf.Tensor, list[Chances]]:
    """A model whose state is all it has read: as a step for the search, and as chances for the lists."""
    draws = np.random.default_rng(seed)
    first, table = draws.normal(size=(rows, 4)), draws.normal(size=(pieces, 4))
    back, out = draws.normal(size=(4, 4)), 2 * draws.normal(size=(4, pieces))

    def step(last: tf.Tensor, states: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        state = tf.tanh(states[0] @ tf.constant(back, tf.float32) + tf.gather(tf.constant(table, tf.float32), last))
        return state @ tf.constant(out, tf.float32), [state]

    def chances(row: int) -> Chances:
        def of(written: list[int]) -> np.ndarray:
            state = first[row]
            for piece in [BEGIN, *written]:
                state = np.tanh(state @ back + table[piece])
            return state @ out

        return of

    return step, tf.constant(first, tf.float32), [chances(row) for row in range(rows)]


def compiled_search(step: Callable, state: tf.Tensor, limits: list[int], **settings: object) -> list[tuple]:
    made = tf.function(lambda limit: search(step, [state], limit, **settings))(tf.constant(limits))
    rows = zip(*(made[name].numpy() for name in ("pieces", "length", "score")), strict=True)
    assert made["pieces"].shape[1] == max(made["length"])
    return [(ids[:size].tolist(), float(score), ids[size:].any()) for ids, size, score in rows]


@pytest.mark.parametrize("beam", [1, 2, 5])
@pytest.mark.parametrize("power", [0.0, 0.6, 1.0])
def test_search_finds_what_lists_find(beam: int, power: float):
    limits = [0, 1, 6, 12, 6, 3]
    step, state, chances = automaton(len(limits), 8, seed=beam)
    found = compiled_search(step, state, limits, pieces=8, beam=beam, length_penalty=power)
    for (ids, score, rest), chance, limit in zip(found, chances, limits, strict=True):
        expected, expected_score = by_lists(chance, limit, beam, power)
        assert ids == expected and not rest
        assert score == pytest.approx(expected_score, abs=1e-4)


def test_a_beam_wide_enough_finds_the_best_of_all_answers():
    limits = [4, 3, 4]
    step, state, chances = automaton(3, 6, seed=7)
    found = compiled_search(step, state, limits, pieces=6, beam=121, length_penalty=0.6)
    for (ids, score, _), chance, limit in zip(found, chances, limits, strict=True):
        expected, expected_score = by_trying_all(chance, limit, 6, 0.6)
        assert ids == expected and score == pytest.approx(expected_score, abs=1e-4)


def test_penalty_is_that_of_the_paper():
    np.testing.assert_allclose(penalty(tf.constant([1, 7]), 0.6), [1, 2**0.6], rtol=1e-6)
