from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.architectures.pretraining import WordPrediction, language_model
from zoo.architectures.text import WordEmbedding, pooled_words, text_classifier
from zoo.types import Spec, UsageError

VOCABULARY = tuple(f"word{number}" for number in range(9))
WORDS = Spec(name="words", kind="text", shape=(None, 4), dtype="int32", axes=("word", "piece"), classes=VOCABULARY)
ALONE = Spec(name="words", kind="text", shape=(None, 1), dtype="int32", axes=("word", "piece"), classes=VOCABULARY)
LABELS = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes", "maybe"))


def made(members: int = 2, features: Spec = WORDS) -> keras.Model:
    keras.utils.set_random_seed(3)
    return text_classifier(features, LABELS, buckets=20, embedding=5, units=4, members=members)


def texts(lengths: list[int], columns: int = 4, padding: int = 0) -> list[np.ndarray]:
    words = np.full((len(lengths), max(lengths), columns), padding, np.int32)
    for row, length in enumerate(lengths):
        words[row, :length] = np.random.default_rng(row).integers(1, 10, (length, columns))
    return [words, np.array(lengths, np.int32)]


def test_a_word_is_its_vector_and_the_mean_of_its_pieces():
    layer = WordEmbedding(9, 20, 5)
    words = np.array([[[3, 7, 2, 0], [1, 0, 0, 0], [0, 0, 0, 0]]], np.int32)
    found = layer(words).numpy()[0]
    table, pieces = layer.words.numpy(), layer.pieces.numpy()
    np.testing.assert_allclose(found[0], table[3] + (pieces[7] + pieces[2]) / 2, rtol=1e-6)
    np.testing.assert_allclose(found[1], table[1], rtol=1e-6)
    assert not found[2].any()


def test_each_member_gives_logits_of_its_own():
    network = made(members=3)
    logits = network(texts([5, 2])).numpy()
    assert logits.shape == (2, 3, 3)
    assert len(np.unique(logits.round(5))) == logits.size
    assert network.output.dtype == "float32"


def test_padding_is_not_seen():
    network = made()
    together = network(texts([7, 3, 1], padding=5)).numpy()
    for row, length in enumerate([7, 3, 1]):
        words = texts([7, 3, 1])[0][row : row + 1, :length]
        np.testing.assert_allclose(network([words, np.array([length], np.int32)])[0], together[row], atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 saving, NumPy 2.4
def test_saved_network_answers_the_same(tmp_path):
    network = made()
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(loaded(texts([6, 2])), network(texts([6, 2])), atol=1e-6)


def test_what_was_pooled_of_each_word():
    network = made()
    words, length = texts([5, 2])
    attention, largest = pooled_words(network, words, length)
    for shares in (attention, largest):
        assert shares.shape == (2, 5)
        np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
        assert not shares[1, 2:].any()
    inner = [network.get_layer(f"lstm_{member}_1").output for member in (1, 2)]
    steps = keras.Model(network.inputs, inner)([words, length])
    winners = [np.bincount(part.numpy()[0].argmax(0), minlength=5) / 8 for part in steps]
    np.testing.assert_allclose(largest[0], np.mean(winners, 0), atol=1e-6)


def test_one_class_is_refused():
    one = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("yes",))
    with pytest.raises(UsageError, match=r"needs at least two classes, got \['yes'\]"):
        text_classifier(WORDS, one, buckets=20)


def test_words_are_foretold_from_what_stands_before_and_behind():
    """With every word sampled, the loss is the cross-entropy of a full softmax, but for what sampling adds to it."""
    embedding = WordEmbedding(9, 0, 5)
    words, length = texts([4, 2, 1], columns=1)
    embedding(words)
    layer = WordPrediction(embedding, sampled=10)
    states = np.random.default_rng(5).normal(size=(3, 4, 6)).astype(np.float32)
    found = layer([tf.constant(states), tf.constant(words), tf.constant(length)]).numpy()
    pairs = []
    for row, steps in enumerate(length):
        for step in range(steps - 1):
            pairs.append((states[row, step, :3] @ layer.onward.numpy(), words[row, step + 1, 0]))
            pairs.append((states[row, step + 1, 3:] @ layer.back.numpy(), words[row, step, 0]))
    logits = np.array([vector @ embedding.words.numpy().T for vector, _ in pairs], np.float64)
    truth = np.array([word for _, word in pairs])
    full = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(truth)), truth]
    assert found.shape == (3,)
    assert np.ptp(found) == 0
    assert abs(found[0] - full.mean()) < 0.6  # ten of eleven words are drawn
    assert len(pairs) == 8


def test_a_text_of_one_word_foretells_nothing():
    network = made(features=ALONE)
    loss = language_model(network, sampled=5)(texts([1, 1], columns=1)).numpy()
    assert loss.tolist() == [0.0, 0.0]


def test_a_language_model_teaches_the_layers_of_its_classifier():
    network = made(members=1, features=ALONE)
    model = language_model(network, sampled=8, dropout=0.0)
    words = np.tile(np.array([2, 3, 4, 5, 6, 7], np.int32), (64, 2))[:, :, None]  # each word says which is next
    length = np.full(64, 12, np.int32)
    before = network.get_layer("lstm_1_1").forward_layer.get_weights()[0]
    model.compile(keras.optimizers.Adam(0.03), loss=lambda target, loss: loss, jit_compile=False)
    losses = model.fit([words, length], np.zeros(64), epochs=40, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 3
    assert not np.array_equal(before, network.get_layer("lstm_1_1").forward_layer.get_weights()[0])
    assert network.get_layer("embedding_1") in model.layers
