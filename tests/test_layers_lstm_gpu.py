"""What the other tests of the LSTM layer hold it to, on a GPU, where eager calls and training run cuDNN's kernel."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
import test_layers_lstm
from test_layers_lstm import INPUTS, UNITS, close, layers, masked

from zoo import kernels
from zoo.proof import answer_in_fresh_process

pytestmark = pytest.mark.gpu
SIGNATURE = [tf.TensorSpec([None, None, INPUTS], name="x"), tf.TensorSpec([None, None], tf.bool, name="mask")]


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """A GPU, and float32 in full: TF32 keeps 10 bits of what is multiplied."""
    if not tf.config.list_logical_devices("GPU"):
        pytest.skip("TensorFlow sees no GPU here")
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(before)


def test_cudnn_equals_keras_and_numpy():
    test_layers_lstm.test_equals_keras_and_numpy()


@pytest.mark.parametrize("policy", ["float64", "mixed_float16", "mixed_bfloat16"])
def test_other_policies(policy: str):
    test_layers_lstm.test_other_policies(policy, test_layers_lstm.FLAGS[4])


def test_any_mask_and_no_step_at_all():
    test_layers_lstm.test_rows_without_a_step_and_sequences_without_steps_keep_their_state()


def test_training_runs_on_cudnn_and_the_receipt_says_so():
    inputs = keras.Input((None, INPUTS))
    model = keras.Model(inputs, keras.layers.Bidirectional(test_layers_lstm.LSTM(UNITS), name="both")(inputs))
    model.compile("sgd", "mse", jit_compile=False)
    receipt = kernels.Receipt(required=True)
    model.fit(np.zeros((4, 6, INPUTS)), np.zeros((4, 2 * UNITS)), verbose=0, callbacks=[receipt])
    assert list(receipt.kernels.values()) == ["cudnn", "cudnn"]


def test_an_export_made_here_answers_on_a_cpu_and_on_this_gpu(tmp_path):
    draws = np.random.default_rng(0)
    x, mask = draws.normal(size=(4, 6, INPUTS)).astype("float32"), masked("gappy", 4, 6, draws)
    ours, _ = layers(x)
    expected = ours(x, mask=mask)
    archive = keras.export.ExportArchive()
    archive.track(ours)
    archive.add_endpoint("serving_default", lambda x, mask: {"h": ours(x, mask=mask)}, input_signature=SIGNATURE)
    archive.write_out(str(tmp_path / "saved"), verbose=False)
    (answer,), _ = answer_in_fresh_process(tmp_path / "saved", [("serving_default", {"x": x, "mask": mask})])
    close(answer["h"], expected)
    loaded = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    close(loaded(x=tf.constant(x), mask=tf.constant(mask))["h"], expected)
