"""Which kernel each LSTM layer runs on: cuDNN's fused one, or the CPU's and why."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator

import keras
import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.eager import context  # nothing public gives the graphs that ran

from zoo.layers import lstm
from zoo.types import RunError, Spec, UsageError

CUDNN_OP = "CudnnRNNV3"
REMEDY = "On a machine with an NVIDIA GPU: pip install 'tensorflow[and-cuda]~=2.21.0', then zoo doctor"
NO_GPU = "no GPU is visible to TensorFlow"
NOT_OURS = "it is Keras's LSTM, whose export holds one kernel; take zoo.layers.LSTM"


def lstm_layers(network: keras.Model) -> list[keras.layers.LSTM]:
    """Every LSTM layer of a network, those inside `Bidirectional` too."""
    return [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.LSTM)]


def obstacles(network: keras.Model, features: Spec, forced: bool = False) -> dict[str, str]:
    """What keeps each LSTM layer off cuDNN on a GPU, found by tracing the network as it would be trained there.

    Args:
      network: From `[features, length]` to logits.
      features: What it takes.
      forced: Whether training shows it the target too, int32[batch, step].

    Returns:
      Layer path to the reason, "" where cuDNN would run it.
    """
    signature = [tf.TensorSpec([None, *features.shape], features.dtype), tf.TensorSpec([None], tf.int32)]
    signature += [tf.TensorSpec([None, None], tf.int32)] if forced else []
    with pretend_gpu():
        function = tf.function(lambda *inputs: network(list(inputs), training=True), autograph=False)
        graph = function.get_concrete_function(*signature).graph.as_graph_def()
    nodes = [*graph.node, *(node for part in graph.library.function for node in part.node_def)]
    return {layer.path: _obstacle(layer, nodes) for layer in lstm_layers(network)}


def _obstacle(layer: keras.layers.LSTM, nodes: list[NodeDef]) -> str:
    if isinstance(layer, lstm.LSTM):
        return "" if CUDNN_OP in _ops_of(layer, nodes) else "its graph for a GPU has no cuDNN kernel"
    found = [
        f"{name}={getattr(layer, name)!r}"
        for name in ("use_bias", "unroll")
        if getattr(layer, name) == (name == "unroll")
    ]
    found += [f"recurrent_dropout={layer.recurrent_dropout}"] if layer.recurrent_dropout else []
    for name, default in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        given = getattr(getattr(layer, name), "__name__", "?")
        found += [f"{name}={given!r}"] if given != default else []
    return f"{', '.join(found)} rules cuDNN out" if found else NOT_OURS


def _ops_of(layer: lstm.LSTM, nodes: Iterable[NodeDef]) -> set[str]:
    """Types of the operations that the layer's kernel made."""
    mark = lstm.scope(layer.path)
    return {node.op for node in nodes if mark in node.name}


class Receipt(keras.callbacks.Callback):
    """Reads off the first batch of training which kernel each LSTM layer ran on.

    It looks at the graphs that TensorFlow really ran, placed and optimized, and not at settings.

    Args:
      say: Called with one line a layer.
      required: Whether to stop the run where a layer is not cuDNN's.

    Attributes:
      kernels: Layer path to "cudnn", or "cpu: " and the reason; empty before the first batch.
    """

    def __init__(self, say: Callable[[str], None] = lambda line: None, required: bool = False):
        super().__init__()
        self.say, self.required, self.kernels = say, required, {}

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Asks TensorFlow to keep the graphs of the first batch."""
        if not self.kernels:
            context.enable_run_metadata()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Reads them.

        Raises:
          RunError: cuDNN is required, and a layer did not run on it.
        """
        if self.kernels:
            return
        metadata = context.export_run_metadata()
        context.disable_run_metadata()
        nodes = [node for ran in metadata.function_graphs for graph in ran.partition_graphs for node in graph.node]
        self.kernels = {layer.path: _kernel(layer, nodes) for layer in lstm_layers(self.model)}
        for path, kernel in self.kernels.items():
            self.say(f"kernel {path}: {kernel}")
        others = [f"{path} ({kernel})" for path, kernel in self.kernels.items() if kernel != "cudnn"]
        if self.required and others:
            raise RunError(
                f"`--require-cudnn` was asked for, and it did not run: {', '.join(others)}. See `zoo doctor`."
            )


def _kernel(layer: keras.layers.LSTM, nodes: list[NodeDef]) -> str:
    if not isinstance(layer, lstm.LSTM):
        return f"unknown: {NOT_OURS}"
    ops = _ops_of(layer, nodes)
    if CUDNN_OP in ops:
        return "cudnn"
    if not ops:
        return "unknown: no operation of the layer was found in what ran"
    return f"cpu: {'it was placed on the CPU' if lstm.gpu_visible() else NO_GPU}"


def require() -> None:
    """Makes sure that cuDNN can be used.

    Raises:
      UsageError: No GPU is visible.
    """
    if not lstm.gpu_visible():
        raise UsageError(f"`--require-cudnn` needs a GPU, and TensorFlow sees none. {REMEDY}.")


@contextlib.contextmanager
def pretend_gpu() -> Iterator[None]:
    """Lets LSTM layers, Keras's too, be traced as they would be beside a GPU; such a trace cannot run here."""
    modules = (lstm, "gpu_visible"), (sys.modules["keras.src.backend.tensorflow.rnn"], "_is_gpu_available")
    before = [getattr(module, name) for module, name in modules]
    for module, name in modules:
        setattr(module, name, lambda: True)
    try:
        yield
    finally:
        for (module, name), value in zip(modules, before, strict=True):
            setattr(module, name, value)


@contextlib.contextmanager
def only_answers(network: keras.Model) -> Iterator[None]:
    """Has recurrent layers traced so that the trace runs anywhere, and is for answers alone: it has no gradient.

    Keras's own layers keep off cuDNN. A layer of the zoo needs none of that, its graph is for both devices.
    """
    settings = [
        (layer, name, getattr(layer, name))
        for layer in network._flatten_layers()
        for name in ("use_cudnn", "differentiable")
        if hasattr(layer, name)
    ]
    for layer, name, _ in settings:
        setattr(layer, name, False)
    try:
        yield
    finally:
        for layer, name, value in settings:
            setattr(layer, name, value)
