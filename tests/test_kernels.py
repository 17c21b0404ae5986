from __future__ import annotations

import sys

import keras
import pytest

from zoo import kernels
from zoo.architectures.recurrent import recurrent_classifier
from zoo.types import Spec, UsageError

FEATURES = Spec(name="features", kind="series", shape=(None, 5), dtype="float32", axes=("step", "band"))
LABELS = Spec(name="label", kind="label", shape=(), dtype="int32", axes=(), classes=("no", "yes"))
SLOW = [{"recurrent_dropout": 0.1}, {"activation": "relu"}, {"unroll": True}, {"use_bias": False}]


def network(**second: object) -> keras.Model:
    features = keras.Input((6 if second.get("unroll") else None, 5), name="features")
    length = keras.Input((), dtype="int32", name="length")
    steps = keras.layers.LSTM(4, return_sequences=True, name="plain")(features)
    last = keras.layers.LSTM(4, name="second", **second)(steps)
    return keras.Model([features, length], last)


def test_plain_lstms_are_cudnns_beside_a_gpu():
    with kernels.pretend_gpu():
        assert kernels.on_cudnn(network(), FEATURES) == {"plain": True, "second": True}


@pytest.mark.parametrize("argument", SLOW, ids=lambda argument: next(iter(argument)))
def test_an_argument_that_loses_cudnn_is_found_by_layer(argument: dict):
    features = Spec(name="f", kind="series", shape=(6, 5), dtype="float32", axes=("step", "band"))
    with kernels.pretend_gpu():
        found = kernels.on_cudnn(network(**argument), features if "unroll" in argument else FEATURES)
    assert found == {"plain": True, "second": False}


def test_lstms_inside_bidirectional_are_found_by_path():
    with kernels.pretend_gpu():
        made = recurrent_classifier(FEATURES, LABELS, units=4, layers=2, heads=2)
        found = kernels.on_cudnn(made, FEATURES)
    assert len(found) == 4 and all(found.values())
    assert [path.split("/")[0] for path in found] == ["lstm_1", "lstm_1", "lstm_2", "lstm_2"]


def test_looking_leaves_no_trace_on_the_layers():
    made = network()
    before = [set(vars(layer)) for layer in kernels.lstm_layers(made)]
    kernels.on_cudnn(made, FEATURES)
    assert [set(vars(layer)) for layer in kernels.lstm_layers(made)] == before
    assert len(before) == 2


def test_receipt_without_a_gpu_says_so():
    reason = "cpu: no GPU is visible to TensorFlow"
    assert kernels.receipt(network(), FEATURES) == {"plain": reason, "second": reason}


def test_require_names_the_remedy():
    remedy = r"pip install 'tensorflow\[and-cuda\]~=2\.21\.0', then zoo doctor"
    with pytest.raises(UsageError, match=f"`--require-cudnn` needs a GPU, and TensorFlow sees none.*{remedy}"):
        kernels.require()


def test_pretence_ends_even_after_an_exception():
    module = sys.modules["keras.src.backend.tensorflow.rnn"]
    before = module._is_gpu_available

    def fail() -> None:
        assert module._is_gpu_available()
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"), kernels.pretend_gpu():
        fail()
    assert module._is_gpu_available is before
    assert not module._is_gpu_available()
