"""CTC against a sum over all alignments in NumPy, and against plain decoding by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from zoo.tasks import ctc


def output(logits: np.ndarray, lengths: list[int]) -> tf.Tensor:
    """What a transcriber returns: logits float[batch, frame, symbol + 1], and which frames are there."""
    there = np.arange(logits.shape[1])[None] < np.array(lengths)[:, None]
    return tf.constant(np.concatenate([logits, there[..., None]], -1), tf.float32)


def collapsed(path: tuple[int, ...], blank: int) -> list[int]:
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != blank]


def brute_force(logits: np.ndarray, label: list[int]) -> float:
    """-log of the summed probability of every path over float64[frame, class] that collapses to the label."""
    chances = np.exp(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))
    frames, classes = logits.shape
    total = sum(
        np.prod([chances[frame, symbol] for frame, symbol in enumerate(path)])
        for path in itertools.product(range(classes), repeat=frames)
        if collapsed(path, classes - 1) == label
    )
    return -np.log(total)


CASES = [(4, [0, 1]), (5, [1, 1]), (3, [0]), (5, [0, 1, 0]), (4, [2])]


def test_loss_is_the_sum_over_all_alignments_within_the_true_lengths():
    draws = np.random.default_rng(0)
    logits = draws.normal(0, 2, (len(CASES), 7, 4))
    labels = np.full((len(CASES), 3), -1, np.int32)
    for row, (_, label) in enumerate(CASES):
        labels[row, : len(label)] = label
    found = ctc.loss(tf.constant(labels), output(logits, [frames for frames, _ in CASES]))
    wanted = [brute_force(logits[row, :frames], label) for row, (frames, label) in enumerate(CASES)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_gradient_is_that_of_the_sum_over_all_alignments_and_zero_past_the_length():
    draws = np.random.default_rng(1)
    logits, label, frames, step = draws.normal(0, 1, (1, 6, 3)), [0, 1], 4, 1e-5
    with tf.GradientTape() as tape:
        given = tf.Variable(logits, dtype=tf.float32)
        flag = tf.constant((np.arange(6) < frames)[None, :, None], tf.float32)
        value = ctc.loss(tf.constant([label]), tf.concat([given, flag], -1))
    found = tape.gradient(value, given).numpy()[0]
    wanted = np.zeros((6, 3))
    for frame, symbol in itertools.product(range(frames), range(3)):
        moved = logits[0, :frames].copy()
        moved[frame, symbol] += step
        higher = brute_force(moved, label)
        moved[frame, symbol] -= 2 * step
        wanted[frame, symbol] = (higher - brute_force(moved, label)) / (2 * step)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.abs(found[:frames]).max() > 0.1


def test_frames_past_the_length_change_neither_loss_nor_answers():
    draws = np.random.default_rng(2)
    logits = draws.normal(0, 2, (2, 9, 4))
    other = logits.copy()
    other[0, 5:], other[1, 8:] = 50.0, -50.0
    labels = tf.constant([[0, 1, -1], [2, 2, 1]])
    for one, two in zip(
        (ctc.loss(labels, output(logits, [5, 8])), *ctc.beam(output(logits, [5, 8]), 4)),
        (ctc.loss(labels, output(other, [5, 8])), *ctc.beam(output(other, [5, 8]), 4)),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, rtol=1e-6)
    assert ctc.greedy(output(logits, [5, 8]))[0].to_list() == ctc.greedy(output(other, [5, 8]))[0].to_list()


@pytest.mark.parametrize(
    ("labels", "frames", "wanted"), [([0, 1, 2], 3, 3), ([1, 1, -1], 3, 3), ([1, 1, 1], 5, 5), ([-1, -1, -1], 3, 0)]
)
def test_needed_counts_a_frame_a_symbol_and_one_between_repetitions(labels: list[int], frames: int, wanted: int):
    assert int(ctc.needed(tf.constant([labels]))[0]) == wanted
    value = ctc.loss(tf.constant([labels]), output(np.zeros((1, frames, 4)), [frames]))
    assert (float(value[0]) > 0) == (wanted > 0)


def test_rows_that_cannot_be_learnt_give_no_loss_and_leave_the_others_alone():
    draws = np.random.default_rng(3)
    logits = draws.normal(0, 1, (3, 4, 4))
    labels = tf.constant([[0, 1, 2, 0, 1], [2, 2, 2, -1, -1], [1, 0, -1, -1, -1]])  # too long, repeats, sound
    with tf.GradientTape() as tape:
        given = tf.Variable(logits, dtype=tf.float32)
        values = ctc.loss(labels, tf.concat([given, tf.ones([3, 4, 1])], -1))
    slope = tape.gradient(values, given).numpy()
    assert values.numpy()[:2].tolist() == [0, 0]
    assert float(values[2]) == pytest.approx(brute_force(logits[2], [1, 0]), rel=1e-5)
    assert np.abs(slope[:2]).max() == 0 and np.isfinite(slope).all() and np.abs(slope[2]).max() > 0


def test_greedy_leaves_out_repetitions_and_blanks():
    path = [0, 0, 3, 0, 1, 1, 3, 3, 2]
    logits = 10.0 * np.eye(4)[path][None]
    ids, score = ctc.greedy(output(logits, [9]))
    assert ids.to_list() == [[0, 0, 1, 2]]
    sure = np.exp(10) / (np.exp(10) + 3)
    assert float(score[0]) == pytest.approx(sure, rel=1e-6)
    assert ctc.greedy(output(logits, [4]))[0].to_list() == [[0, 0]]
    assert ctc.greedy(output(10.0 * np.eye(4)[[3, 3]][None], [2]))[0].to_list() == [[]]


def test_beam_finds_the_text_that_many_alignments_share():
    # each frame alone says blank, yet a text of one symbol is likelier in sum
    logits = np.log(np.array([[[0.4, 0.6], [0.4, 0.6]]]))
    ids, length, chances = ctc.beam(output(logits, [2]), 2)
    assert ids[0, 0, : length[0, 0]].numpy().tolist() == [0]
    np.testing.assert_allclose(np.exp(chances[0]), [0.64, 0.36], rtol=1e-5)
    assert ctc.greedy(output(logits, [2]))[0].to_list() == [[]]


def test_beam_answers_where_there_is_one_frame_only():
    ids, length, _ = ctc.beam(output(np.array([[[0.0, 2.0, 1.0], [9.0, 9.0, 9.0]]]), [1]), 32)
    assert ids.shape[:2] == (1, 3)
    assert ids[0, 0, : length[0, 0]].numpy().tolist() == [1]
