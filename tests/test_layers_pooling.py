from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.layers.pooling import AttentionPooling, MiddleAttention, StepMask


def test_mask_follows_lengths_and_keeps_the_first_step():
    mask = StepMask()(np.zeros((4, 3, 2), np.float32), np.array([2, 3, 0, 1], np.int32))
    expected = [[1, 1, 0], [1, 1, 1], [1, 0, 0], [1, 0, 0]]
    np.testing.assert_array_equal(mask, np.array(expected, bool))


def test_attention_equals_numpy():
    draws = np.random.default_rng(0)
    values = draws.normal(size=(2, 5, 6)).astype(np.float32)
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
    layer = AttentionPooling(units=4, heads=2)
    pooled = layer(values, mask=mask)
    kernel, bias, score = (weight.numpy() for weight in (layer.hidden.kernel, layer.hidden.bias, layer.score.kernel))
    for row in range(2):
        steps = values[row][mask[row]]
        scores = np.tanh(steps @ kernel + bias) @ score
        weights = np.exp(scores) / np.exp(scores).sum(0)
        expected = np.concatenate([weights[:, head] @ steps[:, 3 * head : 3 * head + 3] for head in range(2)])
        np.testing.assert_allclose(pooled[row], expected, atol=1e-5)
        given = layer.attention(values, mask).numpy()[row]
        np.testing.assert_allclose(given[mask[row]], weights, atol=1e-6)
        assert not given[~mask[row]].any()


def test_padding_is_not_seen():
    layer = AttentionPooling(units=4, heads=3)
    values = np.random.default_rng(1).normal(size=(1, 4, 6)).astype(np.float32)
    padded = np.concatenate([values, np.full((1, 3, 6), 1e3, np.float32)], 1)
    mask = np.arange(7)[None] < 4
    np.testing.assert_allclose(layer(values), layer(padded, mask=mask), atol=1e-6)


def test_a_mask_of_steps_goes_no_further():
    values = keras.Input((None, 6))
    pooled = AttentionPooling(units=4)(values, mask=StepMask()(values, keras.Input((), dtype="int32")))
    assert pooled.shape == (None, 6)
    assert getattr(pooled, "_keras_mask", None) is None


def test_heads_must_divide_the_features():
    with pytest.raises(ValueError, match="`heads` must divide the 6 features, got 4"):
        AttentionPooling(units=4, heads=4)(np.zeros((1, 2, 6), np.float32))


def test_config_makes_the_same_layer():
    layer = AttentionPooling(units=5, heads=3, name="pooling")
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert copy.get_config() == layer.get_config()
    assert (copy.units, copy.heads) == (5, 3)


def test_attention_from_the_middle_equals_numpy():
    draws = np.random.default_rng(0)
    values = draws.normal(size=(2, 6, 4)).astype(np.float32)
    mask = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]], bool)
    layer = MiddleAttention(heads=3)
    pooled = layer(values, mask=mask).numpy()
    kernel, bias = (weight.numpy() for weight in (layer.query.kernel, layer.query.bias))
    for row, middle in ((0, 1), (1, 3)):  # of three steps, and of six
        steps = values[row][mask[row]]
        queries = (steps[middle] @ kernel + bias).reshape(3, 4)
        scores = np.exp(steps @ queries.T / np.sqrt(4))
        weights = scores / scores.sum(0)
        expected = np.concatenate([weights[:, head] @ steps for head in range(3)])
        np.testing.assert_allclose(pooled[row], expected, atol=1e-5)
        given = layer.attention(values, mask).numpy()[row]
        np.testing.assert_allclose(given[mask[row]], weights, atol=1e-6)
        assert not given[~mask[row]].any()
    np.testing.assert_allclose(layer(values[:1, :3])[0], pooled[0], atol=1e-5)  # without a mask all steps count


def test_attention_from_the_middle_comes_back_from_its_config():
    layer = MiddleAttention(heads=5, name="pooling")
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert copy.get_config() == layer.get_config()
    assert copy.heads == 5
