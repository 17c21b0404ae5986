"""Connectionist temporal classification: its loss with true lengths, and rows of symbols out of frames.

The symbol that is none, the blank, is always the last class, as TensorFlow's kernels have it.

Source:
  Graves, Fernández, Gomez and Schmidhuber 2006, Connectionist Temporal Classification.
"""

from __future__ import annotations

import tensorflow as tf


def frames(output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Logits float32[batch, frame, symbol + 1] and their lengths int32[batch] of what a transcriber returns."""
    return output[..., :-1], tf.cast(tf.round(tf.reduce_sum(output[..., -1], 1)), tf.int32)


def needed(labels: tf.Tensor) -> tf.Tensor:
    """int32[batch]: frames that labels int32[batch, symbol], padded with -1, need: one each, one more a repetition."""
    repeated = (labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] >= 0)
    return _count(labels >= 0) + _count(repeated)


def loss(labels: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """float32[batch]: the negative log-probability of the labels, in nats.

    Rows whose labels need more frames than there are, and rows without labels, cannot be learnt and give 0;
    TensorFlow's kernel would stop, or return infinity.

    Args:
      labels: int32[batch, symbol], padded with -1.
      output: As a transcriber returns it.
    """
    logits, length = frames(output)
    labels = tf.cast(labels, tf.int32)
    feasible = (needed(labels) <= length) & tf.reduce_any(labels >= 0, 1)
    first = tf.where(tf.range(tf.shape(labels)[1])[None] == 0, 0, -1)
    safe = tf.where(feasible[:, None], labels, first)
    places = tf.where(safe >= 0)
    sparse = tf.SparseTensor(places, tf.gather_nd(safe, places), tf.shape(safe, tf.int64))
    logits = tf.where(tf.sequence_mask(length, tf.shape(logits)[1])[..., None], logits, 0.0)  # a GPU looks past lengths
    values = tf.nn.ctc_loss(sparse, logits, None, length, logits_time_major=False, blank_index=logits.shape[-1] - 1)
    return tf.where(feasible, values, 0.0)


def changes(classes: tf.Tensor, there: tf.Tensor, last: tf.Tensor, blank: int) -> tf.RaggedTensor:
    """What is left of the classes of frames without repetitions and blanks, int32[batch, (symbol)].

    Args:
      classes: int32[batch, frame].
      there: bool[batch, frame].
      last: int32[batch], the class of the frame before them, -1 for none.
      blank: The class that is no symbol.
    """
    before = tf.concat([last[:, None], classes[:, :-1]], 1)
    return tf.ragged.boolean_mask(classes, there & (classes != before) & (classes < blank))


def greedy(output: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
    """The likeliest class of each frame, repetitions and blanks left out.

    Args:
      output: As a transcriber returns it.

    Returns:
      int32[batch, (symbol)], and float32[batch] in (0, 1]: the mean probability of the class over the frames.
    """
    logits, length = frames(output)
    best = tf.argmax(logits, -1, tf.int32)
    there = tf.sequence_mask(length, tf.shape(best)[1])
    kept = changes(best, there, tf.fill([tf.shape(best)[0]], -1), logits.shape[-1] - 1)
    sure = tf.where(there, tf.reduce_max(tf.nn.softmax(logits), -1), 0.0)
    return kept, tf.reduce_sum(sure, 1) / tf.cast(length, tf.float32)


def beam(output: tf.Tensor, width: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The likeliest rows of symbols, summed over all ways to place them.

    Args:
      output: As a transcriber returns it.
      width: Rows that the search follows; it returns as many, or one more than there are symbols where that is less.

    Returns:
      int32[batch, row, symbol] padded with -1, int32[batch, row] lengths, float32[batch, row] log-probabilities.
    """
    logits, length = frames(output)
    with tf.device("/CPU:0"):  # there is no kernel for another
        found, chances = tf.nn.ctc_beam_search_decoder(
            tf.transpose(logits, [1, 0, 2]),
            length,
            beam_width=width,
            top_paths=min(width, logits.shape[-1]),  # one frame has no more
        )
    longest = tf.reduce_max([tf.shape(path)[1] for path in found])
    rows = []
    for path in found:
        dense = tf.sparse.to_dense(tf.cast(path, tf.int32), default_value=-1)
        rows.append(tf.pad(dense, [[0, 0], [0, longest - tf.shape(dense)[1]]], constant_values=-1))
    ids = tf.stack(rows, 1)
    return ids, _count(ids >= 0), chances


def _count(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(values, tf.int32), -1)
