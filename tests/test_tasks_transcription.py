"""Transcription: answers, error rates against counting by hand, and what is recorded of them."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.ngrams import NGrams
from zoo.tasks.transcription import SymbolError, Transcription, spelt
from zoo.types import Spec

TARGET = Spec(
    name="text", kind="text", shape=(None,), dtype="int32", axes=("symbol",), unit="characters", classes=("a", "b", " ")
)
TRUTH = np.array([b"the cat", b"a dog", b"one two three"], object)
ANSWERS = {"text": np.array([b"the cat", b"a  dig", b"one three"], object)}


def output(*paths: list[int], classes: int = 4, frames: int = 8) -> tf.Tensor:
    made = np.zeros((len(paths), frames, classes + 1), np.float32)
    for row, path in enumerate(paths):
        made[row, range(len(path)), path] = 8
        made[row, : len(path), -1] = 1
    return tf.constant(made)


def test_answer_spells_the_symbols_and_says_how_sure():
    made = Transcription().answer(output([0, 0, 3, 0, 1], [2, 0, 2, 2, 3, 2, 1, 2], [3]), TARGET)
    assert made["text"].numpy().tolist() == [b"aab", b"a  b", b""]
    np.testing.assert_allclose(made["score"], np.exp(8) / (np.exp(8) + 3), rtol=1e-6)


def test_words_are_joined_by_spaces():
    target = Spec(
        name="text", kind="text", shape=(None,), dtype="int32", axes=("s",), unit="words", classes=(r"\frac", "x")
    )
    rows = tf.ragged.constant([[0, 1, 1], []], dtype=tf.int32)
    assert spelt(rows, target).numpy().tolist() == [rb"\frac x x", b""]


def test_a_language_model_decides_between_likely_answers():
    logits = np.zeros((1, 2, 5), np.float32)
    logits[0, 0, :4], logits[0, 1, :4], logits[0, :, 4] = (
        [5.0, 0, 0, 0],
        [3.0, 3.2, 0, 0],
        1,
    )  # "a", then "ab" by a hair
    task = Transcription(beam=8, language_weight=1.0, symbol_bonus=0.0)
    model = NGrams.learnt([[0], [0], [0], [0, 0]], 3, 2)
    made = task.answer(tf.constant(logits), TARGET, model)
    assert (made["text"].numpy().tolist(), made["text_lm"].numpy().tolist()) == ([b"ab"], [b"a"])
    assert "text_lm" not in task.answer(tf.constant(logits), TARGET)


def test_error_rates_are_edits_over_symbols():
    found = Transcription().score({**ANSWERS, "text_lm": TRUTH}, TRUTH, TARGET)
    # "dog" -> "dig" is one character of 5; " two" is four of 13; 7 + 5 + 13 = 25 characters, 2 + 2 + 3 words
    assert found["cer"] == pytest.approx(5 / 25)
    assert found["wer"] == pytest.approx(2 / 7)
    assert found["exact"] == pytest.approx(1 / 3)
    assert (found["cer_lm"], found["wer_lm"], found["exact_lm"]) == (0, 0, 1)


@pytest.mark.parametrize(("headline", "wanted"), [("cer", [0, 1 / 5, 4 / 13]), ("wer", [0, 1 / 2, 1 / 3])])
def test_examples_are_scored_one_by_one(headline: str, wanted: list[float]):
    np.testing.assert_allclose(Transcription(headline=headline).example_scores(ANSWERS, TRUTH, TARGET), wanted)


def test_fits_asks_for_a_frame_a_symbol_at_the_networks_stride():
    task, labels = Transcription(), tf.constant([0, 0, 1])  # four frames, one between the repetition
    assert [bool(task.fits(tf.constant(length), labels, 4)) for length in (12, 13, 16)] == [False, True, True]
    assert not bool(task.fits(tf.constant(100), tf.zeros([0], tf.int32), 4))


def test_symbol_error_adds_up_over_batches():
    metric = SymbolError()
    metric.update_state(tf.constant([[0, 1, -1], [0, -1, -1]]), output([0, 1], [1, 3, 1]))  # right; "bb" for "a"
    metric.update_state(tf.constant([[1, 1, 0]]), output([3, 3]))  # nothing for "bba"
    assert float(metric.result()) == pytest.approx((0 + 2 + 3) / (2 + 1 + 3))
    metric.reset_state()
    assert float(metric.result()) == 0


def test_loss_falls_when_frames_learn_their_symbols():
    task = Transcription()
    labels = tf.constant([[0, 1]])
    wrong, right = (float(task.loss()(labels, output(path))[0]) for path in ([2, 2, 2], [0, 3, 1]))
    assert wrong > 10 and right < 0.01
    assert task.metrics()[0].name == "error" and task.watch == "val_error"


def test_baseline_is_the_text_of_the_most_alike_train_example():
    train = [np.full((9, 2), value, np.float32) for value in (0.0, 1.0, 5.0)]
    found = Transcription().baseline((train, [b"zero", b"one", b"five"]), [train[2] - 0.4, train[0]], TARGET)
    assert found["text"].tolist() == [b"five", b"zero"]


def test_table_and_alignments_show_the_worst_first():
    task = Transcription(headline="wer")
    table = task.describe({**ANSWERS, "text_lm": TRUTH}, TRUTH, TARGET)
    assert table["text"][1] == "a dig" and table["text_lm"][1] == "a dog"
    assert table["badness"] == [0, 0.5, 0.3333]
    lines = task.alignments(ANSWERS, TRUTH).splitlines()
    assert lines[0:3] == ["=== SENTENCE 1 ===", "", "REF: a dog"]
    assert "HYP: one *** three" in task.alignments(ANSWERS, TRUTH)


def test_pictures_show_error_by_length_and_confusions():
    made = Transcription().pictures(ANSWERS, TRUTH, TARGET)
    bars = made["error_by_length"].axes[0].patches
    assert [round(bar.get_height(), 4) for bar in bars] == [0.2, 0, round(4 / 13, 4)]
    names = [label.get_text() for label in made["confusions"].axes[0].get_yticklabels()]
    assert "'o' as 'i'" in names and "'w' as '·'" in names


def test_pictures_count_words_where_those_are_the_symbols():
    made = Transcription().pictures(ANSWERS, TRUTH, dataclasses.replace(TARGET, unit="words"))
    assert made["error_by_length"].axes[0].get_ylabel() == "error rate of words"
    names = [label.get_text() for label in made["confusions"].axes[0].get_yticklabels()]
    assert sorted(names) == ["dog as dig", "two as ·"]


def test_metric_comes_back_from_its_config():
    assert keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(SymbolError())).name == "error"
