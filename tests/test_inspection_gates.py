"""Gates by the equations, held to a reference of their own, to the layers and to differences."""

from __future__ import annotations

import keras
import lstm_reference
import numpy as np
import pytest
import tensorflow as tf

from zoo import catalog
from zoo.chain import Chain
from zoo.check import random_data
from zoo.inspection import gates
from zoo.inspection.gates import Reading, equations, look
from zoo.types import RunError

SETTINGS = {"units": 4, "embedding": 6, "buckets": 50, "heads": 2, "mel": 8, "beam": 2, "look_back": 60, "horizon": 24}


def chain_of(name: str, **settings: object) -> tuple[Chain, list]:
    """An untrained chain of a recipe, small, and raw examples."""
    keras.utils.set_random_seed(3)
    file = catalog.find(name)
    small = {key: value for key, value in {**SETTINGS, **settings}.items() if key in catalog.settings(file)}
    recipe = catalog.load(file, small)
    data = random_data(recipe)
    chain = Chain(recipe, data.input, data.target, data.splits["train"])
    return chain, [example["input"] for example in data.splits["test"].as_numpy_iterator()]


def batch(example: np.ndarray | bytes) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant([example]), tf.constant([1 if isinstance(example, bytes) else len(example)], tf.int32)


@pytest.mark.parametrize("backwards", [False, True])
def test_equations_are_those_of_the_reference(backwards: bool):
    draws = np.random.default_rng(0)
    x, h, c = draws.normal(size=(2, 7, 3)), draws.normal(size=(2, 4)), draws.normal(size=(2, 4))
    weights = draws.normal(size=(3, 16)), draws.normal(size=(4, 16)), draws.normal(size=16)
    nothing = np.zeros((2, 7, 4)), np.zeros((2, 4)), np.zeros((2, 4))
    (outputs, _, _), _ = lstm_reference.lstm(
        x, np.ones((2, 7), bool), weights, h, c,
        go_backwards=backwards, d_outputs=nothing[0], dh=nothing[1], dc=nothing[2],
    )  # fmt: skip
    made = equations(x, h, c, *weights, backwards=backwards)
    np.testing.assert_allclose(made["hidden"], outputs, rtol=1e-12)
    np.testing.assert_allclose(made["hidden"], made["output"] * np.tanh(made["cell"]), rtol=1e-12)
    order = slice(None, None, -1 if backwards else 1)
    before = np.concatenate([c[:, None], made["cell"][:, order][:, :-1]], axis=1)[:, order]
    entered = (made["cell"] - made["forget"] * before) / made["input"]  # tanh of something, so within -1 to 1
    assert np.abs(entered).max() <= 1 + 1e-9


@pytest.mark.parametrize("name", catalog.names())
def test_every_recipe_can_be_looked_into(name: str):
    chain, examples = chain_of(name)
    seen = look(chain, *batch(examples[7]))
    assert len(seen.readings) >= gates.lstm_layers(chain.network) > 0
    for reading in seen.readings:
        assert reading.difference < 1e-5
        for gate in reading.gates.values():
            assert gate.shape == reading.cell.shape == reading.hidden.shape
            assert gate.min() > 0 and gate.max() < 1
    assert seen.gradient.shape == (seen.steps,)
    assert np.isfinite(seen.gradient).all() and seen.gradient.max() > 0
    assert set(seen.answer) == set(chain(*batch(examples[7])))


def test_both_directions_are_what_the_bidirectional_layer_gives():
    chain, examples = chain_of("spoken_digits", layers=2)
    values, length = batch(examples[5])
    seen = look(chain, values, length)
    assert [reading.backwards for reading in seen.readings] == [False, True] * 2
    features, steps = chain.to_features(values, length)
    for number in (1, 2):
        layer = chain.network.get_layer(f"lstm_{number}")
        given = keras.Model(chain.network.inputs, layer.output)([features, steps]).numpy()[0]
        both = [reading.hidden for reading in seen.readings[2 * number - 2 : 2 * number]]
        np.testing.assert_allclose(np.concatenate(both, axis=1), given, atol=1e-6)


@pytest.mark.parametrize("name", ["adding", "ett", "temporal_order"])
def test_the_gradient_is_how_much_the_answer_changes(name: str):
    chain, examples = chain_of(name, dropout=0.0)
    example, row = examples[3].astype(np.float32), 1 if name == "ett" else 0
    seen = look(chain, *batch(example), row)
    features, steps = chain.to_features(*batch(example))
    best = int(np.argmax(chain.network([features, steps])))  # of the classes; the others have no such choice

    def answer(features: np.ndarray) -> float:
        told = chain.network([tf.constant(features), steps], training=False).numpy().ravel()
        return float(told[{"adding": 0, "ett": -2 + row, "temporal_order": best}[name]])  # ett: of two series

    base, tiny = features.numpy(), 1e-2
    for step in (0, len(base[0]) // 2, len(base[0]) - 1):
        slopes = []
        for column in range(base.shape[2]):
            up, down = base.copy(), base.copy()
            up[0, step, column] += tiny
            down[0, step, column] -= tiny
            slopes.append((answer(up) - answer(down)) / (2 * tiny))
        assert seen.gradient[step] == pytest.approx(np.linalg.norm(slopes), rel=0.05, abs=2e-5)


def test_of_words_the_gradient_is_that_of_their_vectors():
    chain, examples = chain_of("sst2")
    seen = look(chain, *batch(examples[9]))
    words, steps = chain.to_features(*batch(examples[9]))
    network = chain.network
    vectors = network.get_layer("embedding_1")(words)
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        mask = network.get_layer("mask")(words, steps)
        read = network.get_layer("lstm_1_1")(vectors, mask=mask)
        pooled = [network.get_layer(f"{kind}_1")(read, mask=mask) for kind in ("largest", "pooling")]
        logits = network.get_layer("logits_1")(tf.concat(pooled, 1))
        best = tf.reduce_max(logits)
    np.testing.assert_allclose(seen.gradient, np.linalg.norm(tape.gradient(best, vectors)[0], axis=1), rtol=1e-4)
    assert seen.of == "logit of the answer"


def test_a_plain_recurrent_layer_has_a_gradient_and_no_gates():
    chain, examples = chain_of("adding", cell="rnn")
    seen = look(chain, *batch(examples[3]))
    assert seen.readings == [] and gates.lstm_layers(chain.network) == 0
    assert seen.gradient.shape == (len(examples[3]),) and seen.gradient.max() > 0


def test_a_translator_reads_its_source_and_what_it_wrote():
    chain, examples = chain_of("multi30k", source_pieces=60, target_pieces=60)
    seen = look(chain, *batch(examples[3]))
    asked = [reading for reading in seen.readings if not reading.answering]
    answering = [reading for reading in seen.readings if reading.answering]
    assert [len(reading.hidden) for reading in asked] == [seen.steps] * 2
    assert seen.written[0] == "<begin>"
    assert [len(reading.hidden) for reading in answering] == [len(seen.written)] * 2


def test_a_forecaster_reads_segments_and_tells_its_places_from_one_state():
    chain, examples = chain_of("ett", segment=12)
    for row in (0, 1):
        read, told = look(chain, *batch(examples[0]), row).readings
        assert (read.answering, told.answering) == (False, True)
        assert (len(read.hidden), len(told.hidden)) == (5, 2)
    first, second = (look(chain, *batch(examples[0]), row).readings[0].cell for row in (0, 1))
    assert np.abs(first - second).max() > 1e-6


def test_outputs_that_are_not_the_equations_are_an_error(monkeypatch):
    chain, examples = chain_of("adding")
    sound = equations

    def off(*arguments: object, **options: object) -> dict[str, np.ndarray]:
        made = sound(*arguments, **options)
        return {**made, "hidden": made["hidden"] + 2e-4}

    monkeypatch.setattr(gates, "equations", off)
    message = r"the gates of `lstm` are not what it computed: .* differ by up to 0.0002, more than 0.0001\."
    with pytest.raises(RunError, match=message):
        look(chain, *batch(examples[3]))


def test_an_example_without_a_step_is_read_as_one_step():
    chain, _ = chain_of("adding")
    seen = look(chain, tf.zeros([1, 0, 2]), tf.constant([0]))
    assert seen.steps == 1 and seen.readings[0].hidden.shape == (1, 4)


def test_the_span_is_when_one_over_e_is_left():
    forget = np.tile([0.9, 0.5, 1.0], (6, 1))
    none = np.zeros((6, 3))
    reading = Reading(
        layer="lstm", backwards=False, answering=False, gates={"forget": forget}, cell=none, hidden=none, difference=0.0
    )
    assert 0.9 ** reading.spans[0] == pytest.approx(1 / np.e)
    assert 0.5 ** reading.spans[1] == pytest.approx(1 / np.e)
    assert np.isinf(reading.spans[2])
