from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo.architectures
from zoo.architectures.recurrent import recurrent_classifier
from zoo.types import Spec, UsageError

FEATURES = Spec(name="features", kind="series", shape=(None, 5), dtype="float32", axes=("step", "band"))
LABELS = Spec(name="label", kind="label", shape=(), dtype="int32", axes=(), classes=("no", "yes", "maybe"))


@pytest.fixture(scope="module", params=[False, True], ids=["attention", "and max"])
def network(request: pytest.FixtureRequest) -> keras.Model:
    return recurrent_classifier(FEATURES, LABELS, units=6, heads=3, max_pooling=request.param)


def clips(lengths: list[int], padding: float = 0.0) -> list[np.ndarray]:
    values = np.full((len(lengths), max(lengths), 5), padding, np.float32)
    for row, length in enumerate(lengths):
        values[row, :length] = np.random.default_rng(row).normal(size=(length, 5))
    return [values, np.array(lengths, np.int32)]


def test_shapes(network: keras.Model):
    assert network(clips([4, 2])).shape == (2, 3)
    assert [tensor.name for tensor in network.inputs] == ["features", "length"]


def test_padding_is_not_seen(network: keras.Model):
    together = network(clips([7, 3, 1], padding=50.0)).numpy()
    for row, length in enumerate([7, 3, 1]):
        values = clips([7, 3, 1])[0][row : row + 1, :length]
        np.testing.assert_allclose(network([values, np.array([length], np.int32)])[0], together[row], atol=1e-5)


def test_a_row_of_length_zero_answers(network: keras.Model):
    values, _ = clips([3, 2])
    assert np.isfinite(network([values, np.array([3, 0], np.int32)])).all()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 saving, NumPy 2.4
def test_saved_network_answers_the_same(network: keras.Model, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(loaded(clips([6, 2])), network(clips([6, 2])), atol=1e-6)


def test_exported_network_answers_the_same_at_any_length(network: keras.Model, tmp_path):
    network.export(tmp_path / "export", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "export"))
    for lengths in ([6, 2], [1], [9, 9, 9]):
        values, length = (tf.constant(part) for part in clips(lengths))
        np.testing.assert_allclose(loaded.serve([values, length]), network([values, length]), atol=1e-5)


def test_classifier_learns_the_order_of_its_steps():
    draws = np.random.default_rng(0)
    values = draws.normal(size=(128, 6, 5)).astype(np.float32)
    rising = (draws.random(128) < 0.5).astype(np.int32)
    values[rising == 1, 1, 0], values[rising == 1, 4, 0] = -3, 3  # the same values in either class
    values[rising == 0, 1, 0], values[rising == 0, 4, 0] = 3, -3
    keras.utils.set_random_seed(0)
    network = recurrent_classifier(FEATURES, LABELS, units=8, layers=1, dropout=0.0, heads=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"], jit_compile=False)
    history = network.fit([values, np.full(128, 6, np.int32)], rising, epochs=12, batch_size=32, verbose=0).history
    assert history["accuracy"][-1] > 0.95
    assert history["loss"][-1] < history["loss"][0] / 3


def test_attention_of_a_network_can_be_looked_at():
    network = recurrent_classifier(FEATURES, LABELS, units=6, heads=3)
    pooling = network.get_layer("pooling")
    steps = keras.Model(network.inputs, pooling.input[0] if isinstance(pooling.input, list) else pooling.input)
    values, length = clips([4, 2])
    weights = pooling.attention(steps([values, length]), np.arange(4)[None] < length[:, None]).numpy()
    assert weights.shape == (2, 4, 3)
    assert not weights[1, 2:].any()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


def test_one_class_is_refused():
    one = Spec(name="label", kind="label", shape=(), dtype="int32", axes=(), classes=("yes",))
    with pytest.raises(UsageError, match=r"needs at least two classes, got \['yes'\]"):
        recurrent_classifier(FEATURES, one)


def test_architectures_are_found_by_name():
    assert zoo.architectures.recurrent_classifier is recurrent_classifier
    assert dir(zoo.architectures) == [
        "attention_classifier",
        "image_transcriber",
        "ink_transcriber",
        "language_model",
        "memory_network",
        "recurrent_classifier",
        "segment_forecaster",
        "speech_transcriber",
        "text_classifier",
        "translator",
    ]
    with pytest.raises(AttributeError, match=r"`zoo.architectures` has no `transformer`"):
        _ = zoo.architectures.transformer
