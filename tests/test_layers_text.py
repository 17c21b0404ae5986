from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from zoo.datasets.texts import INPUT
from zoo.layers.text import Words, drop_words, words_of

TRAIN = [b"a fine film", b"A FINE cast , a fine score", b"not a film"]


def cut(*texts: str | bytes) -> list[list[str]]:
    raw = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return [[word.decode() for word in row] for row in words_of(tf.constant(raw, tf.string)).to_list()]


@pytest.fixture(scope="module")
def words() -> Words:
    layer = Words(least=2, ngrams=(3, 4), buckets=50, most=6)
    layer.adapt(TRAIN)
    return layer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What a FILM!", ["what", "a", "film", "!"]),
        ("It doesn't work, they're late.", ["it", "does", "n't", "work", ",", "they", "'re", "late", "."]),
        ("it does n't work", ["it", "does", "n't", "work"]),
        ("can\u2019t \u201cwait\u201d", ["ca", "n't", '"', "wait", '"']),
        ("Gr\u00dc\u00dfe 1999-style", ["gr\u00fc\u00dfe", "1999", "-", "style"]),
        ("", []),
        (" \t\n", []),
        ("\U0001f600\U0001f44d", ["\U0001f600", "\U0001f44d"]),
        (b"caf\xe9", ["caf", "\ufffd"]),
    ],
)
def test_texts_are_cut_into_words(text, expected):
    assert cut(text) == [expected]


def test_raw_and_tokenised_text_give_the_same_words():
    assert cut("I don't think it's bad.")[0] == cut("i do n't think it 's bad .")[0]


def test_vocabulary_holds_what_is_frequent_in_train(words):
    assert words.vocabulary == ("a", "fine", "film")
    spec = words.features(INPUT)
    assert (spec.shape, spec.dtype, spec.classes) == ((None, 7), "int32", ("a", "fine", "film"))
    few = Words(least=1, largest=2, ngrams=())
    few.adapt(TRAIN)
    assert few.vocabulary == ("a", "fine")


def test_rows_hold_index_and_pieces_and_zeros_behind(words):
    rows, length = words(tf.constant(["a fine novel", "", "Film"]))
    assert rows.shape == (3, 3, 7)
    assert length.numpy().tolist() == [3, 0, 1]
    assert rows[:, :, 0].numpy().tolist() == [[2, 3, 1], [0, 0, 0], [4, 0, 0]]
    assert not rows[1].numpy().any()
    assert np.count_nonzero(rows[0, 0, 1:]) == 1  # "<a>"
    assert np.count_nonzero(rows[0, 2, 1:]) == 6  # "<novel>" has nine, six are kept
    assert rows.numpy().max() <= 50


def test_pieces_are_those_of_fasttext(words):
    grams = ["<fi", "fin", "ine", "ne>", "<fin", "fine"]  # and "ine>", which is one too many
    expected = tf.strings.to_hash_bucket_fast(grams, 50).numpy() + 1
    np.testing.assert_array_equal(words(tf.constant(["fine"]))[0][0, 0, 1:], expected)


def test_the_last_words_are_kept():
    layer = Words(least=1, ngrams=(), last=2)
    layer.adapt(TRAIN)
    assert layer.words(tf.constant(["one two three", "one", ""])).to_list() == [[b"two", b"three"], [b"one"], []]
    rows, length = layer(tf.constant(["not a fine film", "fine"]))
    assert rows.shape == (2, 2, 1)
    assert length.numpy().tolist() == [2, 1]


def test_only_empty_texts_give_no_step(words):
    rows, length = words(tf.constant(["", " "]))
    assert rows.shape == (2, 0, 7)
    assert length.numpy().tolist() == [0, 0]


def test_settings_survive(words):
    assert Words.from_config(words.get_config()).get_config() == words.get_config()


def test_dropped_words_keep_nothing_of_their_letters(words):
    rows = words(tf.constant(["a fine film with a fine score"] * 1))[0][0]
    seed = tf.constant([3, 1])
    dropped = drop_words(rows, seed, 0.5).numpy()
    unknown = (dropped != rows.numpy()).any(1)
    assert 0 < unknown.sum() < len(dropped)
    assert (dropped[unknown, 0] == 1).all()
    assert not dropped[unknown, 1:].any()
    np.testing.assert_array_equal(drop_words(rows, seed, 0.5), dropped)
    np.testing.assert_array_equal(drop_words(rows, seed, 0.0), rows)
