from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo.architectures
from zoo.architectures.keywords import attention_classifier
from zoo.types import Spec, UsageError

FEATURES = Spec(name="features", kind="series", shape=(None, 8), dtype="float32", axes=("step", "band"))
LABELS = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes", "maybe"))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return attention_classifier(FEATURES, LABELS, units=6, heads=2, channels=4, width=10, hidden=7)


def clips(lengths: list[int], padding: float = 0.0) -> list[np.ndarray]:
    values = np.full((len(lengths), max(lengths), 8), padding, np.float32)
    for row, length in enumerate(lengths):
        values[row, :length] = np.random.default_rng(row).normal(size=(length, 8))
    return [values, np.array(lengths, np.int32)]


def test_shapes_and_layers(network: keras.Model):
    assert network(clips([9, 4])).shape == (2, 3)
    assert [tensor.name for tensor in network.inputs] == ["features", "length"]
    assert network.get_layer("pooling").output.shape == (None, 2 * 2 * 6)
    assert zoo.architectures.attention_classifier is attention_classifier


def test_padding_is_not_seen(network: keras.Model):
    together = network(clips([12, 5, 1], padding=50.0)).numpy()
    for row, length in enumerate([12, 5, 1]):
        values = clips([12, 5, 1])[0][row : row + 1, :length]
        np.testing.assert_allclose(network([values, np.array([length], np.int32)])[0], together[row], atol=1e-5)


def test_a_row_of_length_zero_answers(network: keras.Model):
    values, _ = clips([3, 2])
    assert np.isfinite(network([values, np.array([3, 0], np.int32)])).all()


def test_order_decides(network: keras.Model):
    values, length = clips([12])
    assert np.abs(network([values, length]) - network([values[:, ::-1], length])).max() > 1e-3


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 saving, NumPy 2.4
def test_saved_network_answers_the_same(network: keras.Model, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(network(clips([6, 3])), loaded(clips([6, 3])))


def test_one_class_is_refused():
    one = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no",))
    with pytest.raises(UsageError, match=r"a classifier needs at least two classes, got \['no'\]"):
        attention_classifier(FEATURES, one)
