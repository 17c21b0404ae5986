from __future__ import annotations

import sys

import keras
import numpy as np
import pytest
from tensorflow.core.framework.node_def_pb2 import NodeDef

from zoo import kernels
from zoo.architectures.recurrent import recurrent_classifier
from zoo.layers import lstm
from zoo.layers.lstm import LSTM
from zoo.types import RunError, Spec, UsageError

FEATURES = Spec(name="features", kind="series", shape=(None, 5), dtype="float32", axes=("step", "band"))
LABELS = Spec(name="label", kind="label", shape=(), dtype="int32", axes=(), classes=("no", "yes"))
SLOW = [{"recurrent_dropout": 0.1}, {"activation": "relu"}, {"unroll": True}, {"use_bias": False}]


def network(cell: type = LSTM, **second: object) -> keras.Model:
    features = keras.Input((6 if second.get("unroll") else None, 5), name="features")
    length = keras.Input((), dtype="int32", name="length")
    steps = cell(4, return_sequences=True, name="plain")(features)
    last = cell(4, name="second", **second)(steps)
    return keras.Model([features, length], last)


def test_the_zoos_lstms_are_cudnns_beside_a_gpu():
    assert kernels.obstacles(network(), FEATURES) == {"plain": "", "second": ""}


@pytest.mark.parametrize("argument", SLOW, ids=lambda argument: next(iter(argument)))
def test_an_argument_that_loses_cudnn_is_found_by_layer_and_name(argument: dict):
    features = Spec(name="f", kind="series", shape=(6, 5), dtype="float32", axes=("step", "band"))
    found = kernels.obstacles(network(keras.layers.LSTM, **argument), features if "unroll" in argument else FEATURES)
    ((name, value),) = argument.items()
    assert found == {"plain": kernels.NOT_OURS, "second": f"{name}={value!r} rules cuDNN out"}


def test_a_layer_whose_graph_has_no_cudnn_kernel_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(lstm.KERNELS, "GPU", lstm.KERNELS["CPU"])
    reason = "its graph for a GPU has no cuDNN kernel"
    assert kernels.obstacles(network(), FEATURES) == {"plain": reason, "second": reason}


def test_lstms_inside_bidirectional_are_found_by_path():
    found = kernels.obstacles(recurrent_classifier(FEATURES, LABELS, units=4, layers=2, heads=2), FEATURES)
    assert len(found) == 4 and not any(found.values())
    assert [path.split("/")[0] for path in found] == ["lstm_1", "lstm_1", "lstm_2", "lstm_2"]


def trained(made: keras.Model) -> tuple[kernels.Receipt, list[str]]:
    lines: list[str] = []
    receipt = kernels.Receipt(lines.append)
    made.compile("sgd", "mse", jit_compile=False)
    x = [np.zeros((4, 6, 5), np.float32), np.full(4, 6, np.int32)]
    made.fit(x, np.zeros((4, 4)), batch_size=2, epochs=2, verbose=0, callbacks=[receipt])
    return receipt, lines


def test_receipt_is_read_from_the_first_batch():
    receipt, lines = trained(network())
    reason = "cpu: no GPU is visible to TensorFlow"
    assert receipt.kernels == {"plain": reason, "second": reason}
    assert lines == [f"kernel plain: {reason}", f"kernel second: {reason}"]


def test_a_run_that_requires_cudnn_stops_after_its_first_batch_without():
    made = network()
    made.compile("sgd", "mse", jit_compile=False)
    x = [np.zeros((4, 6, 5), np.float32), np.full(4, 6, np.int32)]
    receipt = kernels.Receipt(required=True)
    wrong = (
        r"`--require-cudnn` was asked for, and it did not run: plain \(cpu: no GPU is visible to TensorFlow\), second"
    )
    with pytest.raises(RunError, match=wrong):
        made.fit(x, np.zeros((4, 4)), batch_size=2, verbose=0, callbacks=[receipt])


def test_receipt_does_not_guess():
    receipt, _ = trained(network(keras.layers.LSTM))
    assert receipt.kernels["plain"] == f"unknown: {kernels.NOT_OURS}"
    ran = NodeDef(name="train/LSTM.second-/CudnnRNNV3", op="CudnnRNNV3", device="/device:GPU:0")
    layers = kernels.lstm_layers(network())
    assert [kernels._kernel(layer, [ran]) for layer in layers] == [
        "unknown: no operation of the layer was found in what ran", "cudnn",
    ]  # fmt: skip


def test_require_names_the_remedy():
    remedy = r"pip install 'tensorflow\[and-cuda\]~=2\.21\.0', then zoo doctor"
    with pytest.raises(UsageError, match=f"`--require-cudnn` needs a GPU, and TensorFlow sees none.*{remedy}"):
        kernels.require()


def test_pretence_ends_even_after_an_exception():
    module = sys.modules["keras.src.backend.tensorflow.rnn"]
    before = module._is_gpu_available

    def fail() -> None:
        assert module._is_gpu_available() and lstm.gpu_visible()
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"), kernels.pretend_gpu():
        fail()
    assert module._is_gpu_available is before
    assert not module._is_gpu_available() and not lstm.gpu_visible()
