"""The LSTM layer against Keras's and against NumPy in float64: outputs, states, gradients, settings."""

from __future__ import annotations

from typing import Any

import keras
import lstm_reference
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.layers.lstm import LOSES_CUDNN, LSTM

UNITS, INPUTS = 5, 3
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 9))
EXACT = {"float32": 1e-5, "float64": 1e-12, "mixed_float16": 2e-2, "mixed_bfloat16": 2e-2}
MASKS = ("none", "right", "left", "gappy")
FLAGS = [
    {"return_sequences": sequences, "return_state": state, "go_backwards": backwards}
    for sequences, state, backwards in [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 1), (1, 1, 1)]
]


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> None:
    found, expected = (np.asarray(tf.cast(value, tf.float64)) for value in (found, expected))
    assert found.shape == expected.shape
    limit = tolerance * max(
        np.abs(expected).max(initial=0), 1e-3
    )  # gradients that are all but zero are compared as zero
    assert np.abs(found - expected).max(initial=0) <= limit


def masked(kind: str, batch: int, steps: int, draws: np.random.Generator) -> np.ndarray:
    """bool[batch, step] with at least one step in each row."""
    lengths = draws.integers(1, steps + 1, batch)[:, None]
    right = np.arange(steps) < lengths
    if kind == "none":
        return np.ones((batch, steps), bool)
    if kind == "gappy":
        return draws.permuted(right, axis=1)
    return right if kind == "right" else right[:, ::-1]


def taped(layer: keras.layers.Layer, x: Any, mask: Any, state: list, seeds: list, graph: bool = False) -> tuple:
    """What the layer gives, and the gradients of its sum weighted by `seeds` with respect to x, state and weights."""

    def run(x: tf.Tensor, *state: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            tape.watch([x, *state])
            results = layer(x, initial_state=list(state), mask=mask)
            results = list(results) if isinstance(results, (list, tuple)) else [results]
            total = sum(
                tf.reduce_sum(tf.cast(value, tf.float64) * seed) for value, seed in zip(results, seeds, strict=True)
            )
        return results, tape.gradient(total, [x, *state, *(weight.value for weight in layer.trainable_variables)])

    run = tf.function(run, autograph=False) if graph else run
    return run(tf.constant(x), *(tf.constant(part) for part in state))


def seeds_of(flags: dict, batch: int, steps: int, draws: np.random.Generator) -> list[np.ndarray]:
    shape = (batch, steps, UNITS) if flags["return_sequences"] else (batch, UNITS)
    return [draws.normal(size=shape), *(draws.normal(size=(batch, UNITS)) for _ in range(2 * flags["return_state"]))]


def layers(x: np.ndarray, policy: str = "float32", **flags: Any) -> tuple[LSTM, keras.layers.LSTM]:
    """Ours and Keras's, with equal weights, none of them zero."""
    ours = LSTM(UNITS, dtype=policy, **flags)
    theirs = keras.layers.LSTM(UNITS, dtype=policy, zero_output_for_mask=bool(flags.get("return_sequences")), **flags)
    for layer in (ours, theirs):
        layer.build(x.shape)
    draws = np.random.default_rng(1)
    weights = [draws.normal(size=weight.shape, scale=0.5).astype("float32") for weight in theirs.get_weights()]
    for layer in (ours, theirs):
        layer.set_weights(weights)
    return ours, theirs


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(SHAPES, st.sampled_from(FLAGS), st.sampled_from(MASKS), st.booleans(), st.integers(0, 1000))
def test_equals_keras_and_numpy(shape: tuple[int, int], flags: dict, kind: str, graph: bool, seed: int):
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(*shape, INPUTS)).astype("float32")
    mask = masked(kind, *shape, draws)
    state = [draws.normal(size=(shape[0], UNITS)).astype("float32") for _ in range(2)]
    seeds = seeds_of(flags, *shape, draws)
    ours, theirs = layers(x, **flags)
    given_mask = None if kind == "none" else tf.constant(mask)
    results, gradients = taped(ours, x, given_mask, state, seeds, graph)

    sequences, backwards = flags["return_sequences"], flags["go_backwards"]
    outside = list(seeds) if flags["return_state"] else [*seeds, *(np.zeros((shape[0], UNITS)) for _ in range(2))]
    d_outputs = np.zeros((*shape, UNITS))
    if sequences:
        d_outputs = outside[0][:, ::-1] if backwards else outside[0]
    else:
        outside[1] = outside[1] + outside[0]  # the last output is the last h
    expected, expected_gradients = lstm_reference.lstm(
        x, mask, theirs.get_weights(), *state, go_backwards=backwards, d_outputs=d_outputs, dh=outside[1], dc=outside[2]
    )
    outputs = (expected[0][:, ::-1] if backwards else expected[0]) if sequences else expected[1]
    for found, wanted in zip(results, [outputs, *expected[1:]], strict=False):
        close(found, wanted)
    for found, wanted in zip(gradients, expected_gradients, strict=True):
        close(found, wanted)
    if kind in ("none", "right"):  # Keras gives the last step's output, not the last valid one's, for other masks
        keras_results, keras_gradients = taped(theirs, x, given_mask, state, seeds)
        for found, wanted in zip([*results, *gradients], [*keras_results, *keras_gradients], strict=True):
            close(found, wanted)


@pytest.mark.parametrize("policy", ["float64", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("flags", [FLAGS[0], FLAGS[4]], ids=["last", "all"])
def test_other_policies(policy: str, flags: dict):
    draws = np.random.default_rng(0)
    x = draws.normal(size=(4, 7, INPUTS))
    mask = tf.constant(masked("right", 4, 7, draws))
    ours, theirs = layers(x, policy, **flags)
    x = tf.cast(x, ours.compute_dtype)
    state = [tf.cast(draws.normal(size=(4, UNITS)), ours.compute_dtype) for _ in range(2)]
    seeds = seeds_of(flags, 4, 7, draws)
    found, wanted = (taped(layer, x, mask, state, seeds) for layer in (ours, theirs))
    for ours_has, theirs_has in zip([*found[0], *found[1]], [*wanted[0], *wanted[1]], strict=True):
        assert ours_has.dtype == theirs_has.dtype
        close(ours_has, theirs_has, EXACT[policy])


@pytest.mark.parametrize("training", [False, True])
def test_stacked_inside_bidirectional(training: bool):
    def stack(cell: type) -> keras.Model:
        inputs = keras.Input((None, INPUTS)), keras.Input((None,), dtype="bool")
        steps = inputs[0]
        for number, sequences in ((1, True), (2, False)):
            made = cell(UNITS, return_sequences=sequences)
            steps = keras.layers.Bidirectional(made, name=f"both_{number}")(steps, mask=inputs[1])
        return keras.Model(inputs, steps)

    ours, theirs = stack(LSTM), stack(keras.layers.LSTM)
    ours.set_weights(theirs.get_weights())
    draws = np.random.default_rng(3)
    x, mask = draws.normal(size=(4, 6, INPUTS)).astype("float32"), masked("right", 4, 6, draws)

    def gradients(model: keras.Model) -> list:
        @tf.function(autograph=False)
        def run(x: tf.Tensor, mask: tf.Tensor) -> list:
            with tf.GradientTape() as tape:
                result = model([x, mask], training=training)
                total = tf.reduce_sum(tf.sin(result * 3))
            return [result, *tape.gradient(total, [weight.value for weight in model.trainable_variables])]

        return run(tf.constant(x), tf.constant(mask))

    found, wanted = gradients(ours), gradients(theirs)
    assert len(found) == 1 + 2 * 6
    for ours_has, theirs_has in zip(found, wanted, strict=True):
        close(ours_has, theirs_has)


def test_rows_without_a_step_and_sequences_without_steps_keep_their_state():
    draws = np.random.default_rng(0)
    x = draws.normal(size=(3, 4, INPUTS)).astype("float32")
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]], bool)
    state = [tf.constant(draws.normal(size=(3, UNITS)), tf.float32) for _ in range(2)]
    ours, _ = layers(x, return_sequences=True, return_state=True)
    outputs, h, c = ours(x, initial_state=state, mask=mask)
    assert not outputs.numpy()[~mask].any() and outputs.numpy()[mask].all()
    np.testing.assert_array_equal(h[1], state[0][1])
    np.testing.assert_array_equal(c[1], state[1][1])
    for given_mask in (None, mask[:, :0]):
        outputs, h, c = ours(x[:, :0], initial_state=state, mask=given_mask)
        assert outputs.shape == (3, 0, UNITS)
        np.testing.assert_array_equal(h, state[0])
        np.testing.assert_array_equal(c, state[1])


def test_a_sequence_without_steps_has_gradients_in_a_graph():
    ours, _ = layers(np.zeros((2, 4, INPUTS), "float32"))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None, INPUTS])])
    def run(x: tf.Tensor) -> list:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(ours(x, training=True))
        return tape.gradient(total, [weight.value for weight in ours.trainable_variables])

    assert not any(np.any(gradient) for gradient in run(tf.zeros([2, 0, INPUTS])))
    assert all(np.any(gradient) for gradient in run(tf.ones([2, 3, INPUTS])))


def test_stateful_goes_on_where_the_batch_before_ended():
    x = np.random.default_rng(0).normal(size=(2, 6, INPUTS)).astype("float32")
    whole, _ = layers(x, return_sequences=True)
    parts, _ = layers(x[:, :3], return_sequences=True, stateful=True)
    together = np.concatenate([parts(x[:, :3]), parts(x[:, 3:])], 1)
    close(together, whole(x))
    parts.reset_state()
    close(parts(x[:, :3]), whole(x)[:, :3])


def test_dropout_drops_the_same_inputs_at_every_step():
    x = np.ones((64, 7, INPUTS), "float32")
    ours = LSTM(UNITS, dropout=0.5, seed=3)
    seen = []
    ours.build(x.shape)
    run = ours._run
    ours._run = lambda x, *rest, **options: seen.append(x.numpy()) or run(x, *rest, **options)
    ours(x, training=True)
    ours(x, training=False)
    assert set(np.unique(seen[0])) == {0.0, 2.0} and (seen[0] == seen[0][:, :1]).all()
    assert 0.3 < (seen[0] == 0).mean() < 0.7
    np.testing.assert_array_equal(seen[1], x)


def test_weights_of_a_keras_lstm_load(tmp_path):
    def model(cell: type) -> keras.Model:
        return keras.Sequential([keras.Input((None, INPUTS)), cell(UNITS, name="memory")])

    theirs, ours = model(keras.layers.LSTM), model(LSTM)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    x = np.random.default_rng(0).normal(size=(2, 4, INPUTS)).astype("float32")
    close(ours(x), theirs(x))
    assert [weight.path.split("/", 1)[1] for weight in ours.weights] == [
        weight.path.split("/", 1)[1] for weight in theirs.weights
    ]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 saving, NumPy 2.4
def test_saved_and_cloned_layers_keep_every_setting(tmp_path):
    options = {
        "return_sequences": True, "return_state": False, "go_backwards": True, "stateful": True, "dropout": 0.25,
        "unit_forget_bias": False, "kernel_initializer": "he_normal", "recurrent_initializer": "glorot_normal",
        "bias_initializer": "ones", "kernel_regularizer": "l2", "bias_constraint": "non_neg", "seed": 7,
        "name": "memory",
    }  # fmt: skip
    inputs = keras.Input((4, INPUTS), batch_size=2)
    model = keras.Model(inputs, LSTM(UNITS, **options)(inputs))
    model.save(tmp_path / "model.keras")
    config = model.get_layer("memory").get_config()
    for made in (keras.models.load_model(tmp_path / "model.keras"), keras.models.clone_model(model)):
        layer = made.get_layer("memory")
        assert type(layer) is LSTM and layer.get_config() == config
        assert (layer.units, layer.go_backwards, layer.stateful, layer.dropout) == (UNITS, True, True, 0.25)
    assert not set(config) & set(LOSES_CUDNN)


@pytest.mark.parametrize("name", LOSES_CUDNN)
def test_arguments_that_lose_cudnn_do_not_exist(name: str):
    with pytest.raises(ValueError, match=f"`{name}` must be left out, got {name}=0.5: this LSTM has no argument that"):
        LSTM(UNITS, **{name: 0.5})
