from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.layers.gate_bias import GateBias
from zoo.layers.lstm import LSTM
from zoo.types import UsageError


def test_a_constant_is_the_bias_of_the_forget_gate_alone():
    i, f, g, o = np.split(np.asarray(GateBias(2.5)((12,))), 4)
    assert f.tolist() == [2.5] * 3
    assert not np.concatenate([i, g, o]).any()


def test_one_is_what_keras_gives_an_lstm():
    ours, theirs = LSTM(3, unit_forget_bias=False, bias_initializer=GateBias(1.0)), keras.layers.LSTM(3)
    for layer in (ours, theirs):
        layer.build((None, None, 2))
    np.testing.assert_array_equal(ours.cell.bias.numpy(), theirs.cell.bias.numpy())


def test_chrono_biases_are_logarithms_of_even_draws_up_to_the_span():
    keras.utils.set_random_seed(1)
    i, f, g, o = np.split(np.asarray(GateBias(span=100)((16_000,))), 4)
    np.testing.assert_array_equal(i, -f)
    assert not np.concatenate([g, o]).any()
    times = np.exp(f)  # how long a gate of this bias keeps, about
    assert times.min() >= 1 and times.max() <= 99
    assert times.mean() == pytest.approx(50, abs=2) and times.std() == pytest.approx(98 / 12**0.5, abs=1.5)


def test_a_gru_keeps_by_its_update_gate_and_its_recurrent_bias_is_zero():
    layer = keras.layers.GRU(5, bias_initializer=GateBias(span=50))
    layer.build((None, None, 2))
    of_input, of_state = layer.cell.bias.numpy()
    assert (of_input[:5] >= 0).all() and of_input[:5].max() > 1 and not of_input[5:].any() and not of_state.any()


def test_it_is_saved_with_its_settings():
    for made in (GateBias(3.0), GateBias(span=7)):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
        assert (again.forget, again.span) == (made.forget, made.span)


def test_no_span_is_refused():
    with pytest.raises(UsageError, match=r"`span` must be at least 2 steps, got 1\. Give the length"):
        GateBias(span=1)
