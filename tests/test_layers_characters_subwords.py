"""Subwords as the symbols of a transcriber."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.characters import Characters
from zoo.tasks.transcription import joined, spelt
from zoo.types import Spec, UsageError

TEXT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())
TEXTS = ["THE SHORES OF THE LAKE", "THE OTHER SHORE", "DON'T SHOUT  AT THE OTHERS", "A LAKE"]


@pytest.fixture(scope="module")
def layer() -> Characters:
    made = Characters(tokens="subwords", size=26, ngram=3)
    made.adapt([text.encode() for text in TEXTS])
    return made


def rows(ids: tf.Tensor, length: tf.Tensor) -> tf.RaggedTensor:
    assert (ids.numpy() >= -1).all()
    return tf.RaggedTensor.from_tensor(ids, lengths=length)


def test_texts_come_back_from_their_subwords(layer: Characters):
    target = layer.features(TEXT)
    assert len(target.classes) <= 24
    assert max(map(len, target.classes)) > 2
    assert target.unit == "subwords"
    given = [*TEXTS, "OTHER HATS"]  # a word that train texts lack, of characters that they have
    ids, length = layer(tf.constant(given))
    told = [text.decode() for text in spelt(rows(ids, length), target).numpy()]
    assert told == [" ".join(text.split()) for text in given]
    assert (length.numpy() <= [len(text) for text in given]).all()
    assert (ids.numpy()[np.arange(ids.shape[1])[None] >= length.numpy()[:, None]] == -1).all()


def test_characters_that_train_lacks_are_left_out(layer: Characters):
    ids, length = layer(tf.constant(["THE ÄLAKE"]))
    assert spelt(rows(ids, length), layer.features(TEXT)).numpy()[0] == b"THE LAKE"


def test_parts_put_together_are_the_whole(layer: Characters):
    ids, length = layer(tf.constant(TEXTS[:1]))
    target, whole = layer.features(TEXT), rows(ids, length)
    parts = [joined(whole[:, place : place + 1], target).numpy()[0] for place in range(int(length[0]))]
    assert len(parts) > 5
    assert b"".join(parts).strip() == TEXTS[0].encode()


def test_the_language_model_is_of_subwords(layer: Characters):
    said, swapped = layer(tf.constant(["THE LAKE", "LAKE THE"]))
    likely, unlikely = layer.language_model(said, swapped).numpy()
    assert likely > unlikely


def test_state_and_config_make_the_same_layer(layer: Characters):
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    copy.set_state(layer.get_state())
    for one, other in zip(layer(tf.constant(TEXTS)), copy(tf.constant(TEXTS)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert copy.get_config() == layer.get_config()


def test_too_few_subwords_are_refused():
    with pytest.raises(
        UsageError, match=r"`size` must be at least 17, for the 15 characters of the texts and 2 marks, got 5"
    ):
        Characters(tokens="subwords", size=5).adapt(TEXTS)


def test_signs_stay_as_they_are_where_symbols_are_characters():
    layer = Characters()
    layer.adapt(["A▁B"])
    ids, length = layer(tf.constant(["A▁B"]))
    assert spelt(rows(ids, length), layer.features(TEXT)).numpy()[0].decode() == "A▁B"
