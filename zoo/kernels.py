"""Which kernel each LSTM layer runs on: cuDNN's fused one, or the loop on the CPU and why."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from zoo.types import Spec, UsageError

CUDNN_OP = "CudnnRNNV3"
REMEDY = "On a machine with an NVIDIA GPU: pip install 'tensorflow[and-cuda]~=2.21.0', then zoo doctor"


def lstm_layers(network: keras.Model) -> list[keras.layers.LSTM]:
    """Every LSTM layer of a network, those inside `Bidirectional` too."""
    return [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.LSTM)]


def on_cudnn(network: keras.Model, features: Spec) -> dict[str, bool]:
    """Whether each LSTM layer, traced in training as it would run now, makes cuDNN's op.

    Args:
      network: From `[features, length]` to logits.
      features: What it takes.

    Returns:
      Layer path to whether it is cuDNN. Read from the ops that each layer adds to the graph, not from its settings.
    """
    fused: dict[str, bool] = {}

    def watched(layer: keras.layers.LSTM, loop: Callable[..., Any]) -> Callable[..., Any]:
        def inner_loop(*arguments: Any, **options: Any) -> Any:
            graph = tf.compat.v1.get_default_graph()
            before = len(graph.get_operations())
            result = loop(*arguments, **options)
            fused[layer.path] = any(op.type == CUDNN_OP for op in graph.get_operations()[before:])
            return result

        return inner_loop

    layers = lstm_layers(network)
    for layer in layers:
        layer.inner_loop = watched(layer, layer.inner_loop)
    try:
        specs = tf.TensorSpec([None, *features.shape], features.dtype), tf.TensorSpec([None], tf.int32)
        tf.function(lambda values, steps: network([values, steps], training=True)).get_concrete_function(*specs)
    finally:
        for layer in layers:
            del layer.inner_loop
    return fused


def receipt(network: keras.Model, features: Spec) -> dict[str, str]:
    """Each LSTM layer's kernel here: "cudnn", or "cpu: " and the reason."""
    gpus = tf.config.list_logical_devices("GPU")
    reason = "an argument of the layer rules cuDNN out" if gpus else "no GPU is visible to TensorFlow"
    return {path: "cudnn" if fused else f"cpu: {reason}" for path, fused in on_cudnn(network, features).items()}


def require() -> None:
    """Makes sure that cuDNN can be used.

    Raises:
      UsageError: No GPU is visible.
    """
    if not tf.config.list_logical_devices("GPU"):
        raise UsageError(f"`--require-cudnn` needs a GPU, and TensorFlow sees none. {REMEDY}.")


@contextlib.contextmanager
def pretend_gpu() -> Iterator[None]:
    """Lets Keras trace LSTM layers as it would beside a GPU; such a trace cannot run here."""
    module = sys.modules["keras.src.backend.tensorflow.rnn"]
    before = module._is_gpu_available
    module._is_gpu_available = lambda: True
    try:
        yield
    finally:
        module._is_gpu_available = before


@contextlib.contextmanager
def without_cudnn(network: keras.Model) -> Iterator[None]:
    """Keeps LSTM layers off cuDNN while they are traced: such a trace runs anywhere, one with cuDNN on GPUs alone."""
    before = [(layer, layer.use_cudnn) for layer in network._flatten_layers() if hasattr(layer, "use_cudnn")]
    for layer, _ in before:
        layer.use_cudnn = False
    try:
        yield
    finally:
        for layer, value in before:
            layer.use_cudnn = value
