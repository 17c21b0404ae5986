"""Transcribers: shapes, flags, and that neither padding nor the batch changes an answer."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.architectures import ink_transcriber, speech_transcriber
from zoo.tasks import ctc
from zoo.types import Spec, UsageError

FEATURES = Spec(name="features", kind="series", shape=(None, 6), dtype="float32", axes=("step", "band"))
TARGET = Spec(name="text", kind="text", shape=(None,), dtype="int32", axes=("symbol",), classes=("a", "b", "c"))
SMALL = {"units": 4, "layers": 2, "dropout": 0.0}
BUILDERS = {
    "speech": lambda **more: speech_transcriber(FEATURES, TARGET, **SMALL, width=5, channels=2, **more),
    "ink": lambda **more: ink_transcriber(FEATURES, TARGET, **SMALL, **more),
}


@pytest.mark.parametrize("kind", BUILDERS)
def test_padding_and_the_batch_do_not_change_an_answer(kind: str):
    keras.utils.set_random_seed(1)
    network = BUILDERS[kind]()
    values = np.random.default_rng(0).normal(size=(3, 19, 6)).astype(np.float32)
    lengths = np.array([1, 10, 19])
    for row, length in enumerate(lengths):
        values[row, length:] = 0
    together, flags = ctc.frames(network([tf.constant(values), tf.constant(lengths)]))
    assert flags.numpy().tolist() == [-(-length // network.stride) for length in lengths]
    assert together.shape[-1] == len(TARGET.classes) + 1
    for row, length in enumerate(lengths):
        alone, _ = ctc.frames(network([tf.constant(values[row : row + 1, :length]), tf.constant([length])]))
        np.testing.assert_allclose(together[row, : flags[row]], alone[0], atol=1e-5)


@pytest.mark.parametrize("kind", BUILDERS)
def test_one_way_needs_no_future_and_two_ways_use_it(kind: str):
    values = np.random.default_rng(1).normal(size=(1, 16, 6)).astype(np.float32)
    later = values.copy()
    later[:, 12:] += 3
    for one_way in (True, False):
        keras.utils.set_random_seed(1)
        network = BUILDERS[kind](one_way=one_way)
        one, two = (network([tf.constant(given), tf.constant([16])]).numpy() for given in (values, later))
        before = 12 // network.stride
        same = np.allclose(one[:, :before], two[:, :before], atol=1e-6)
        assert same == one_way


@pytest.mark.parametrize(("stride", "frames"), [(1, 9), (2, 5), (4, 3)])
def test_stride_says_how_many_steps_make_a_frame(stride: int, frames: int):
    network = BUILDERS["speech"](stride=stride)
    assert network.stride == stride
    assert ctc.frames(network([tf.zeros([1, 9, 6]), tf.constant([9])]))[1].numpy().tolist() == [frames]


def test_a_saved_transcriber_answers_the_same(tmp_path):
    network = BUILDERS["speech"]()
    inputs = [tf.random.stateless_normal([2, 9, 6], [1, 2]), tf.constant([9, 4])]
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", compile=False)
    np.testing.assert_allclose(network(inputs), again(inputs), atol=1e-6)


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match=r"`stride` must be 1, 2 or 4 steps a frame, got 3\."):
        BUILDERS["speech"](stride=3)
    nothing = Spec(name="text", kind="text", shape=(None,), dtype="int32", axes=("symbol",))
    with pytest.raises(UsageError, match="a transcriber needs the symbols that it tells apart"):
        ink_transcriber(FEATURES, nothing)
