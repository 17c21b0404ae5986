"""Beam search for the likeliest sequence, all rows and hypotheses at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from zoo.layers.subwords import BEGIN, END, PADDING

NEVER = -1e9  # log-probability of what cannot be; finite, so that nothing becomes not a number
Step = Callable[[tf.Tensor, Sequence[tf.Tensor]], tuple[tf.Tensor, Sequence[tf.Tensor]]]
Live = tuple[tf.Tensor, tf.Tensor, tf.Tensor, Sequence[tf.Tensor]]  # what is written, its score, its end, states
Best = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # pieces, length and score of the best answer so far


def search(
    step: Step, states: Sequence[tf.Tensor], limit: tf.Tensor, *, pieces: int, beam: int, length_penalty: float
) -> dict[str, tf.Tensor]:
    """Follows the `beam` likeliest hypotheses of each row, and gives the best of the first `beam` that end.

    At each step the 2 * `beam` likeliest continuations are found. Those of the first `beam` among them that end are
    answers; the likeliest `beam` that do not end are followed. A row is done once it has `beam` answers, or at its
    limit, where every hypothesis ends. The best answer has the highest `log P(Y) / lp(Y)`,
    `lp(Y) = ((5 + |Y|) / 6) ** length_penalty`, |Y| counting the end mark. No row depends on another.

    Args:
      step: From the last pieces int32[batch * beam] and states float32[batch * beam, ...] to logits
        float32[batch * beam, piece] of the next and the states after.
      states: Before the first piece, float32[batch, ...].
      limit: int32[batch], most pieces of an answer without marks.
      pieces: How many there are; padding and begin mark are never written.
      beam: Hypotheses that are followed; 1 takes the likeliest piece at each step.
      length_penalty: Exponent, 0 to 1.

    Returns:
      `pieces: int32[batch, step]` without marks, padded with 0, `length: int32[batch]`, `score: float32[batch]`.

    Source:
      Wu et al. 2016, Google's Neural Machine Translation System, section 7, equation 14 (without coverage).
    """
    forbidden = NEVER * tf.reduce_max(tf.one_hot([PADDING, BEGIN], pieces), 0)
    only_end = NEVER * (1 - tf.one_hot(END, pieces))

    def going(t: tf.Tensor, live: Live, best: Best, ended: tf.Tensor) -> tf.Tensor:
        return tf.reduce_any(ended < beam)

    def forward(t: tf.Tensor, live: Live, best: Best, ended: tf.Tensor) -> tuple[tf.Tensor, Live, Best, tf.Tensor]:
        written, totals, last, states = live
        logits, states = step(tf.reshape(last, [-1]), states)
        chances = tf.reshape(tf.nn.log_softmax(logits + forbidden), [-1, beam, pieces])
        chances += tf.where(t < limit, 0.0, 1.0)[:, None, None] * only_end
        chances = tf.reshape(totals[:, :, None] + chances, [-1, beam * pieces])
        scores, places = tf.math.top_k(chances, 2 * beam)
        parents, last = places // pieces, places % pieces

        answers = tf.where((last == END) & (scores > NEVER / 2), scores, NEVER)[:, :beam]
        final = tf.reduce_max(answers, 1) / penalty(t + 1, length_penalty)
        better = (final > best[2]) & (ended < beam)
        winner = tf.gather(written, tf.gather(parents, tf.argmax(answers, 1), batch_dims=1), batch_dims=1)
        kept = (
            tf.where(better[:, None], winner, best[0]),
            tf.where(better, t, best[1]),
            tf.where(better, final, best[2]),
        )
        best = tf.pad(kept[0], [[0, 0], [0, 1]]), *kept[1:]
        ended += tf.reduce_sum(tf.cast(answers > NEVER / 2, tf.int32), 1)
        ended = tf.where(t < limit, ended, beam)
        return t + 1, _followed((written, scores, last, states), parents, beam), best, ended

    rows = tf.shape(limit)[0]
    live = (
        tf.zeros([rows, beam, 0], tf.int32),
        tf.tile([[0.0] + [NEVER] * (beam - 1)], [rows, 1]),
        tf.fill([rows, beam], BEGIN),
        [tf.repeat(state, beam, 0) for state in states],
    )
    best = tf.zeros([rows, 0], tf.int32), tf.zeros([rows], tf.int32), tf.fill([rows], 2 * NEVER)
    start = tf.constant(0), live, best, tf.zeros([rows], tf.int32)
    free = tf.nest.map_structure(lambda value: tf.TensorShape([None, *value.shape[1:]][: value.shape.rank]), start)
    longer = (tf.TensorShape([None, beam, None]), *free[1][1:]), (tf.TensorShape([None, None]), *free[2][1:])
    shapes = free[0], *longer, free[3]
    _, _, (written, length, score), _ = tf.while_loop(going, forward, start, shape_invariants=shapes)
    return {"pieces": written[:, : tf.reduce_max(length)], "length": length, "score": score}


def _followed(live: Live, parents: tf.Tensor, beam: int) -> Live:
    """Of the continuations [batch, 2 * beam] of `parents`, the likeliest `beam` that do not end, with their states."""
    written, scores, last, states = live
    totals, kept = tf.math.top_k(tf.where(last == END, 2 * NEVER, scores), beam)
    parents, last = (tf.gather(values, kept, batch_dims=1) for values in (parents, last))
    written = tf.concat([tf.gather(written, parents, batch_dims=1), last[:, :, None]], 2)
    flat = tf.reshape(parents + beam * tf.range(tf.shape(parents)[0])[:, None], [-1])
    return written, totals, last, [tf.gather(state, flat) for state in states]


def penalty(length: tf.Tensor, exponent: float) -> tf.Tensor:
    """What the log-probability of `length` pieces is divided by; see `search`."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, exponent)
