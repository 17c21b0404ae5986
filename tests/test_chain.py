from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import catalog
from zoo.chain import Chain, answer_all, batches, concatenate, truths
from zoo.check import random_data, random_target
from zoo.recipe import Recipe

TINY = {
    "adding": {"units": 4},
    "spoken_digits": {"units": 4, "layers": 1, "heads": 2, "mel": 8},
}


def recipe(name: str) -> Recipe:
    return catalog.load(catalog.find(name), TINY[name])


@pytest.fixture(scope="module", params=sorted(TINY))
def chain(request: pytest.FixtureRequest) -> Chain:
    keras.utils.set_random_seed(7)
    made = recipe(request.param)
    return Chain(made, made.input, random_target(made))


def clips(chain: Chain, lengths: list[int], padded: int, padding: float = 0.0) -> tuple[tf.Tensor, tf.Tensor]:
    shape = chain.input.shape[1:]
    values = np.full((len(lengths), padded, *shape), padding, np.float32)
    for row, steps in enumerate(lengths):
        values[row, :steps] = np.random.default_rng(steps).uniform(-1, 1, (steps, *shape))
    return tf.constant(values), tf.constant(lengths, tf.int32)


def equal(one: dict[str, tf.Tensor], two: dict[str, tf.Tensor]) -> None:
    assert one.keys() == two.keys()
    for name, value in one.items():
        if value.dtype == tf.string:
            assert value.numpy().tolist() == two[name].numpy().tolist()
        else:
            np.testing.assert_allclose(value, two[name], atol=1e-5)


def test_alone_equals_in_a_batch_equals_padded_further(chain: Chain):
    most = 40 if chain.frontend is None else 4000
    lengths = [most, most // 4, 1, most // 2]
    function = chain.function()
    together = function(*clips(chain, lengths, most))
    equal(function(*clips(chain, lengths, most + most // 2, padding=9.0)), together)
    for row, steps in enumerate(lengths):
        alone = function(*clips(chain, [steps], steps))
        equal(alone, {name: value[row : row + 1] for name, value in together.items()})


def test_compiled_once_takes_all_sizes_and_input_without_a_step(chain: Chain):
    function = chain.function()
    equal(function(*clips(chain, [30, 20], 30)), chain(*clips(chain, [30, 20], 30)))
    empty = function(*clips(chain, [0, 0], 0))
    equal(empty, function(*clips(chain, [0, 0], 50, padding=3.0)))
    for value in empty.values():
        assert len(value) == 2
        assert value.dtype == tf.string or np.isfinite(value).all()


def test_layers_are_what_an_export_tracks(chain: Chain):
    assert chain.network in chain.layers
    assert (chain.frontend in chain.layers) == (chain.frontend is not None)
    assert len(chain.layers) == 1 + (chain.frontend is not None)


def test_features_without_a_frontend_are_the_raw_values():
    made = recipe("adding")
    plain = Chain(made, made.input, random_target(made))
    values, length = clips(plain, [5, 3], 5)
    features, steps = plain.to_features(values, length)
    assert features is values and steps is length
    assert plain.frontend is None and plain.features == made.input


def test_all_answers_are_in_order_whatever_the_batch_size():
    made = recipe("adding")
    data = random_data(made)
    plain = Chain(made, data.input, data.target)
    answers = answer_all(plain, data.splits["test"], size=7)
    assert answers["value"].shape == (24,)
    np.testing.assert_allclose(answer_all(plain, data.splits["test"], size=24)["value"], answers["value"], atol=1e-6)
    fifth = next(iter(data.splits["test"].skip(5).take(1)))["input"]
    alone = plain(fifth[None], tf.constant([len(fifth)]))
    np.testing.assert_allclose(alone["value"][0], answers["value"][5], atol=1e-6)


def test_batches_are_padded_on_the_right():
    made = recipe("adding")
    examples = random_data(made).splits["test"]
    raw = [example["input"] for example in examples.as_numpy_iterator()]
    found = list(batches(examples, 10).as_numpy_iterator())
    assert [len(length) for _, length in found] == [10, 10, 4]
    assert np.concatenate([length for _, length in found]).tolist() == [len(row) for row in raw]
    for row, expected in zip(found[1][0], raw[10:20], strict=True):
        np.testing.assert_array_equal(row[: len(expected)], expected)
        assert not row[len(expected) :].any()


def test_concatenate_joins_along_the_examples():
    parts = ({"a": np.full((size, 2), size), "b": np.array([str(size)] * size, object)} for size in (1, 3))
    joined = concatenate(parts)
    assert joined["a"].tolist() == [[1, 1], [3, 3], [3, 3], [3, 3]]
    assert joined["b"].tolist() == ["1", "3", "3", "3"]


def test_truths_are_ids_and_targets_in_order():
    dataset = zoo.datasets.adding.load(zoo.Source(), length=20, train=10, test=3)
    ids, truth = truths(dataset.splits["test"])
    assert ids == ["test-0", "test-1", "test-2"]
    np.testing.assert_array_equal(truth, zoo.datasets.adding.generate(3, 20, 1997)[1])


def test_a_frontend_that_does_not_fit_the_input_is_refused():
    made = recipe("spoken_digits")
    other = dataclasses.replace(made.input, rate_hz=16000)
    with pytest.raises(zoo.UsageError, match="`LogMel` takes audio at 8000 Hz, got audio: float32"):
        Chain(made, other, random_target(made))
