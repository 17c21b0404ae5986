"""One graph for GPU and CPU, what each kernel is given, and why the other routes are not taken."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_layers_lstm import INPUTS, UNITS, close, masked, taped
from test_layers_lstm import layers as both_layers

from zoo import kernels
from zoo.layers import lstm
from zoo.layers.lstm_cpu import lstm_cpu
from zoo.layers.lstm_cudnn import lstm_cudnn

SIGNATURE = [tf.TensorSpec([None, None, INPUTS]), tf.TensorSpec([None, None], tf.bool)]


def example(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    return draws.normal(size=(4, 6, INPUTS)).astype("float32"), masked("gappy", 4, 6, draws)


def gradient_of(run: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Of the sum of what it gives."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = run(x)
    return tape.gradient(result, x)


def functions_of(graph: tf.Graph) -> dict[str, set[str]]:
    """Types of the operations in each function of a graph's library, by (device, name)."""
    return {
        (part.attr["api_preferred_device"].s.decode(), part.signature.name): {node.op for node in part.node_def}
        for part in graph.as_graph_def().library.function
        if "api_preferred_device" in part.attr
    }


@pytest.mark.parametrize("called", ["CPU", "GPU"])
def test_either_kernel_may_be_called_and_that_of_the_device_runs(called: str, monkeypatch: pytest.MonkeyPatch):
    """The swap itself, seen from the side that this machine has: a call of cuDNN's kernel runs, on a CPU."""
    both = lstm.both_devices
    monkeypatch.setattr(lstm, "both_devices", lambda choice, arguments: both(choice, arguments, called))
    x, mask = example()
    ours, _ = both_layers(x, return_sequences=True, return_state=True)
    state = [np.full((4, UNITS), value, "float32") for value in (0.3, -0.2)]
    seeds = [np.random.default_rng(1).normal(size=shape) for shape in ((4, 6, UNITS), (4, UNITS), (4, UNITS))]
    expected, expected_gradients = taped(ours, x, mask, state, seeds)
    found, found_gradients = taped(ours, x, mask, state, seeds, graph=True)
    for one, other in zip([*found, *found_gradients], [*expected, *expected_gradients], strict=True):
        close(one, other)


@pytest.mark.parametrize("called", ["CPU", "GPU"])
@pytest.mark.parametrize("visible", [False, True])
def test_a_saved_model_holds_both_kernels_and_runs_here(
    called: str, visible: bool, monkeypatch: pytest.MonkeyPatch, tmp_path, caplog: pytest.LogCaptureFixture
):
    both = lstm.both_devices
    monkeypatch.setattr(lstm, "both_devices", lambda choice, arguments: both(choice, arguments, called))
    x, mask = example()
    ours, _ = both_layers(x)
    expected = ours(x, mask=mask)
    monkeypatch.setattr(lstm, "gpu_visible", lambda: visible)
    archive = keras.export.ExportArchive()
    archive.track(ours)
    with kernels.only_answers(ours):
        archive.add_endpoint("serve", lambda x, mask: ours(x, mask=mask), input_signature=SIGNATURE)
        archive.write_out(str(tmp_path / "saved"), verbose=False)
    assert ours.differentiable
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    x, mask = tf.constant(x), tf.constant(mask)
    close(loaded.serve(x, mask), expected)
    assert not caplog.records  # TensorFlow warns of custom gradients that were not saved
    with pytest.raises(LookupError, match="an export of the zoo answers only; take gradients of the Keras model"):
        gradient_of(lambda x: loaded.serve(x, mask), x)


def test_a_graph_for_inference_holds_one_interface_of_two_devices():
    ours, _ = both_layers(np.zeros((2, 3, INPUTS)))
    graph = tf.function(lambda x, mask: ours(x, mask=mask), input_signature=SIGNATURE).get_concrete_function().graph
    found = functions_of(graph)
    assert {device for (device, _), ops in found.items() if "CudnnRNNV3" in ops} == {"GPU"}
    assert {device for (device, _), ops in found.items() if "BlockLSTMV2" in ops} == {"CPU"}
    assert {device for (device, _), ops in found.items() if "CudnnRNNBackpropV3" in ops} == {"GPU"}
    names = {part.attr["api_implements"].s for part in graph.as_graph_def().library.function}
    assert len(names - {b""}) == 1


@pytest.mark.parametrize(("visible", "device", "op"), [
    (True, None, "CudnnRNNV3"), (True, "/CPU:0", "BlockLSTMV2"), (False, None, "BlockLSTMV2"),
])  # fmt: skip
def test_a_graph_for_training_takes_the_kernel_of_its_device(
    visible: bool, device: str | None, op: str, monkeypatch: pytest.MonkeyPatch
):
    ours, _ = both_layers(np.zeros((2, 3, INPUTS)))
    monkeypatch.setattr(lstm, "gpu_visible", lambda: visible)
    with tf.device(device):
        function = tf.function(lambda x, mask: ours(x, mask=mask, training=True), input_signature=SIGNATURE)
        graph = function.get_concrete_function().graph
    ops = {node.type for node in graph.get_operations()}
    assert op in ops and len(ops & {"CudnnRNNV3", "BlockLSTMV2"}) == 1
    assert "Assert" not in ops  # Keras's would stop the run for a mask that is not right-padded, on a GPU alone


def cudnn(
    input, input_h, input_c, params, sequence_lengths, rnn_mode, time_major, is_training
) -> tuple[tf.Tensor, ...]:
    """What NVIDIA documents of `cudnnRNNForward` for an LSTM, step by step."""
    assert (rnn_mode, time_major, is_training) == ("lstm", False, True)
    input, lengths, units = np.asarray(input), np.asarray(sequence_lengths), input_h.shape[-1]
    assert (lengths >= 1).all() and (lengths <= input.shape[1]).all()
    sizes = [units * input.shape[2]] * 4 + [units * units] * 4 + [units] * 8
    parts = np.split(np.asarray(params, np.float64), np.cumsum(sizes))
    assert len(parts.pop()) == 0
    matrices = [part.reshape(units, -1) for part in parts[:8]]
    outputs = np.zeros((*input.shape[:2], units))
    h, c = np.array(input_h[:, 0], np.float64), np.array(input_c[:, 0], np.float64)
    for row, length in enumerate(lengths):
        for t in range(length):
            z = [
                matrices[k] @ input[row, t] + parts[8 + k] + matrices[4 + k] @ h[row] + parts[12 + k] for k in range(4)
            ]
            i, f, o = (1 / (1 + np.exp(-z[k])) for k in (0, 1, 3))
            c[row] = f * c[row] + i * np.tanh(z[2])
            outputs[row, t] = h[row] = o * np.tanh(c[row])
    return *(tf.constant(value, tf.float32) for value in (outputs, h[:, None], c[:, None])), None, None


@pytest.mark.parametrize("backwards", [False, True])
def test_cudnn_is_given_what_its_documentation_asks_for(backwards: bool, monkeypatch: pytest.MonkeyPatch):
    draws = np.random.default_rng(0)
    x, h, c = (tf.constant(draws.normal(size=shape), tf.float32) for shape in ((4, 5, INPUTS), (4, UNITS), (4, UNITS)))
    weights = [
        tf.constant(draws.normal(size=shape), tf.float32)
        for shape in ((INPUTS, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,))
    ]
    length = tf.constant([5, 0, 1, 3])
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", cudnn)
    found = lstm_cudnn(x, length, h, c, *weights, padded=True, backwards=backwards, cells=True, differentiable=True)
    expected = lstm_cpu(x, length, h, c, *weights, padded=True, backwards=backwards, cells=True, differentiable=True)
    for one, other in zip(found, expected, strict=True):
        close(one, other)
    rows = tf.constant([5, 2, 1, 3])  # Keras's own call must pass through the stand-in too
    theirs = sys.modules["keras.src.backend.tensorflow.rnn"]._cudnn_lstm(
        x, h, c, *weights, tf.sequence_mask(rows, 5), False, backwards, True
    )
    outputs, *states = lstm_cudnn(
        x, rows, h, c, *weights, padded=True, backwards=backwards, cells=True, differentiable=True
    )
    close(tf.reverse(outputs, [1]) if backwards else outputs, theirs[1])
    for one, other in zip(states, theirs[2], strict=True):
        close(one, other)


def test_the_gradient_that_tensorflow_registers_for_its_fused_lstm_is_wrong():
    """The reason for a gradient of our own; the day this fails, it may go."""
    draws = np.random.default_rng(0)
    x, state, weights = (tf.constant(draws.normal(size=shape), tf.float32) for shape in ((3, 2, 4), (2, 5), (9, 20)))
    none, bias = tf.zeros([5]), tf.zeros([20])

    def theirs(x: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.constant(3, tf.int64), x=x, cs_prev=state, h_prev=state, w=weights, wci=none, wcf=none,
            wco=none, b=bias, cell_clip=0.0, use_peephole=False,
        ).h  # fmt: skip

    def ours(x: tf.Tensor) -> tf.Tensor:
        length = tf.constant([3, 3])
        x = tf.transpose(x, [1, 0, 2])
        outputs, _, _ = lstm_cpu(
            x,
            length,
            state,
            state,
            weights[:4],
            weights[4:],
            bias,
            padded=False,
            backwards=False,
            cells=False,
            differentiable=True,
        )
        return tf.transpose(outputs, [1, 0, 2])

    close(theirs(x), ours(x))
    assert np.abs(gradient_of(theirs, x) - gradient_of(ours, x)).max() > 0.1


def test_a_keras_lstm_exported_beside_a_gpu_fails_on_a_cpu(tmp_path):
    """The reason for a graph that holds both kernels; the day this fails, Keras's layer may do."""
    with kernels.pretend_gpu():
        model = keras.Sequential([keras.Input((None, INPUTS)), keras.layers.LSTM(UNITS)])
        model.export(tmp_path / "theirs", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "theirs"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="No OpKernel was registered to support Op 'CudnnRNNV3'"):
        loaded.serve(tf.zeros([1, 3, INPUTS]))


@pytest.mark.slow
def test_a_case_on_the_device_crashes_where_a_gradient_crosses_it():
    """The reason for `api_implements`; the day this fails, the simpler `Case` may do. In a process of its own."""
    code = """
        import tensorflow as tf
        from tensorflow.python.ops.control_flow_switch_case import execute_fn_for_device

        weights = tf.Variable(tf.eye(4))

        def loop():
            return tf.while_loop(lambda t, h: t < 3, lambda t, h: (t + 1, h @ weights), (0, tf.ones([2, 4])))[1]

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                total = tf.reduce_sum(execute_fn_for_device({"CPU": loop, "GPU": loop}, loop))
            return tape.gradient(total, weights)

        print(step().shape)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == -11, done.stdout + done.stderr
