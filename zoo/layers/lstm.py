"""The LSTM of the zoo: Keras's equations and weights, cuDNN on a GPU, a fast kernel on a CPU, one graph for both."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf
from tensorflow.python.eager import context

from zoo.layers.lstm_cpu import lstm_cpu
from zoo.layers.lstm_cudnn import lstm_cudnn

KERNELS = {"CPU": lstm_cpu, "GPU": lstm_cudnn}
LOSES_CUDNN = ("activation", "recurrent_activation", "use_bias", "recurrent_dropout", "unroll")
Results = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # outputs, last h, last c
PLAIN = {"zero_output_for_mask": True, "use_cudnn": False}  # use_cudnn=True would start the GPUs here


@keras.saving.register_keras_serializable(package="zoo")
class LSTM(keras.layers.LSTM):
    """Long short-term memory, at every step of `x` and for every unit:

        i = sigmoid(W_i x + U_i h + b_i)     input gate
        f = sigmoid(W_f x + U_f h + b_f)     forget gate
        g = tanh(W_g x + U_g h + b_g)        what may enter the cell
        o = sigmoid(W_o x + U_o h + b_o)     output gate
        c = f * c + i * g                    the memory cell
        h = o * tanh(c)                      the output

    `layer(x: float[batch, step, input], initial_state=[h, c], mask=bool[batch, step])` gives float[batch, units], the
    output after the last step, or float[batch, step, units] with `return_sequences`; with `return_state` also h and c,
    float[batch, units] each. Weights and their names are those of `keras.layers.LSTM`, and load from one.

    Steps outside the mask are skipped, wherever they are: they leave h and c as they were and have the output zero. A
    row without any step gives its initial state. This is the same on every device.

    A graph for training, or traced under `tf.device`, runs cuDNN's kernel where that is for a GPU, and the CPU's
    elsewhere; any other graph, an exported one too, holds both, and TensorFlow takes the one of the device that it runs
    on. `zoo.kernels.Receipt` tells which ran. The arguments of Keras's layer that rule cuDNN out do not exist: other
    activations, no bias, `recurrent_dropout`, `unroll`. Neither kernel can be compiled by XLA: leave `jit_compile` off.

    Cost on a CPU: a step is one matrix product of [batch, input + units] and [input + units, 4 * units], and another of
    that size for the gradient; half types are computed in float32, float64 by a slower loop.
    `benchmarks/lstm_cpu.py` measures it.

    Args:
      units: Memory cells.
      return_sequences: Give the output of every step.
      return_state: Give the last h and c too.
      go_backwards: Read from the last step to the first; outputs come in that order, as Keras's do.
      stateful: Begin each batch with the state that the batch before ended in.
      unit_forget_bias: Begin with 1 as the bias of the forget gate, so that cells keep what they hold.
      dropout: Share of the inputs dropped, the same ones at every step of a sequence.
      **kwargs: Initializers, regularizers and constraints as of `keras.layers.LSTM`, `seed`, `name`, `dtype`.

    Attributes:
      differentiable: Whether what is traced now has a gradient, which takes an export time and draws warnings from it.

    Raises:
      ValueError: An argument that rules cuDNN out was given.

    Source:
      Hochreiter and Schmidhuber 1997 (cells, input and output gates); Gers, Schmidhuber and Cummins 2000 (forget gate);
      Jozefowicz et al. 2015 (its bias of 1).
    """

    def __init__(
        self,
        units: int,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unit_forget_bias: bool = True,
        dropout: float = 0.0,
        **kwargs: object,
    ):
        for name in LOSES_CUDNN:
            if name in kwargs:
                raise ValueError(
                    f"`{name}` must be left out, got {name}={kwargs[name]!r}: this LSTM has no argument that loses "
                    "cuDNN. Put `Dropout` between layers, or take keras.layers.LSTM."
                )
        for name in PLAIN:  # Keras's `Bidirectional` and saved Keras layers may say them
            kwargs.pop(name, None)
        super().__init__(
            units,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unit_forget_bias=unit_forget_bias,
            dropout=dropout,
            **PLAIN,
            **kwargs,
        )
        self.supports_jit = False
        self.differentiable = True

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: list[tf.Tensor] | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, ...]:
        """The outputs; see the class."""
        batch, steps = tf.shape(sequences)[0], tf.shape(sequences)[1]
        h, c = initial_state or self.states or self.get_initial_state(batch)
        h, c = (tf.cast(tf.convert_to_tensor(state), self.compute_dtype) for state in (h, c))
        x, length, places = right_padded(sequences, mask)
        if training and self.dropout:
            x *= self.cell.get_dropout_mask(x[:, 0])[:, None]
            self.cell.reset_dropout_mask()
        outputs, h, c = self._run(x, length, h, c, padded=mask is not None, training=training)
        if self.stateful:
            for state, value in zip(self.states, (h, c), strict=True):
                state.assign(value)
        if self.return_sequences:
            result = in_place(outputs, places)[:, :steps]
            result = tf.reverse(result, [1]) if self.go_backwards else result
            result = tf.ensure_shape(result, (*sequences.shape[:2], self.units))
        else:
            result = h
        return (result, h, c) if self.return_state else result

    def _run(
        self, x: tf.Tensor, length: tf.Tensor, h: tf.Tensor, c: tf.Tensor, *, padded: bool, training: bool
    ) -> Results:
        """Outputs and last states by the kernel of the device, or by both where a graph is not for a certain one."""
        cell = self.cell
        weights = [tf.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)]
        arguments = [x, length, h, c, *weights]
        cells = self.return_state or self.stateful
        choice = Choice(
            path=self.path,
            padded=padded,
            backwards=self.go_backwards,
            cells=cells,
            differentiable=self.differentiable,
        )
        if tf.executing_eagerly():
            return compiled(choice, device_here(), specs(arguments))(*arguments)
        if training or device_asked():
            return choice.kernel(device_here())(*arguments)
        return both_devices(choice, arguments)

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in (*LOSES_CUDNN, *PLAIN)}


def right_padded(x: tf.Tensor, mask: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
    """Sequences as both kernels take them: the steps within the mask first, and at least one step.

    Args:
      x: float[batch, step, input].
      mask: bool[batch, step], or None for all.

    Returns:
      x: The same with the steps outside the mask moved behind the others; as it is where they are there already.
      length: int32[batch], how many are within.
      places: int32[batch, step], where each step of the original is now; empty if nothing was moved, None without mask.
    """
    batch, steps = tf.shape(x)[0], tf.shape(x)[1]
    if x.shape[1] is None or x.shape[1] == 0:
        one = tf.zeros([batch, 1, x.shape[2]], x.dtype)
        x = tf.ensure_shape(tf.cond(steps > 0, lambda: x, lambda: one), (x.shape[0], None, x.shape[2]))
    if mask is None:
        return x, tf.fill([batch], steps), None
    mask = tf.cast(mask, tf.bool)
    if mask.shape[1] is None or mask.shape[1] == 0:
        mask = tf.cond(steps > 0, lambda: mask, lambda: tf.zeros([batch, 1], tf.bool))
    length = tf.reduce_sum(tf.cast(mask, tf.int32), 1)

    def moved() -> tuple[tf.Tensor, tf.Tensor]:
        order = tf.argsort(tf.cast(~mask, tf.int32), axis=1, stable=True)
        return tf.gather(x, order, batch_dims=1), tf.argsort(order, axis=1)

    sound = tf.reduce_all(mask[:, :-1] | ~mask[:, 1:])
    shape = x.shape
    x, places = tf.cond(sound, lambda: (x, tf.zeros([0, 0], tf.int32)), moved)
    return tf.ensure_shape(x, shape), length, places


def in_place(outputs: tf.Tensor, places: tf.Tensor | None) -> tf.Tensor:
    """Outputs float[batch, step, units] moved back to where `right_padded` found their inputs."""
    if places is None:
        return outputs
    return tf.cond(tf.size(places) > 0, lambda: tf.gather(outputs, places, batch_dims=1), lambda: outputs)


def gpu_visible() -> bool:
    """Whether TensorFlow sees a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


def device_here() -> str:
    """The device of an operation made now: "GPU" where it may run on one, else "CPU"."""
    return "GPU" if gpu_visible() and "CPU" not in device_asked() else "CPU"


def device_asked() -> str:
    """The device that operations made now are put on by `tf.device`, or "" for TensorFlow to choose."""
    return tf.zeros([]).device or context.context().device_name or ""  # a function has its caller's in the context


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the kernels of one call of a layer have to do.

    Args:
      path: Of the layer.
      padded: As of the kernels.
      backwards: As of the kernels.
      cells: As of the kernels.
      differentiable: As of the kernels.
    """

    path: str
    padded: bool
    backwards: bool
    cells: bool
    differentiable: bool

    def kernel(self, device: str) -> Callable[..., Results]:
        """The kernel for "CPU" or "GPU", its operations in the layer's own name scope."""
        flags = {name: value for name, value in vars(self).items() if name != "path"}

        def run(*arguments: tf.Tensor) -> Results:
            with tf.name_scope(scope(self.path)):
                results = KERNELS[device](*arguments, **flags)
            if not self.differentiable:
                reason = "an export of the zoo answers only; take gradients of the Keras model"
                results = [tf.raw_ops.PreventGradient(input=result, message=reason) for result in results]
            outputs, h, c = results
            units = arguments[5].shape[0]
            h, c = (tf.ensure_shape(state, [None, units]) for state in (h, c))
            return tf.ensure_shape(outputs, [None, None, units]), h, c

        return run


def scope(path: str) -> str:
    """The name scope around the operations of the LSTM layer at `path`, by which a graph tells whose kernel it runs."""
    return f"LSTM.{path.replace('/', '.')}-"


def specs(arguments: Sequence[tf.Tensor]) -> tuple[tf.TensorSpec, ...]:
    """What the kernels take, for any batch and any number of steps."""
    free = ([None, None, arguments[0].shape[2]], [None], *([None, state.shape[1]] for state in arguments[2:4]))
    shapes = (*free, *(weight.shape for weight in arguments[4:]))
    return tuple(tf.TensorSpec(shape, value.dtype) for shape, value in zip(shapes, arguments, strict=True))


@functools.lru_cache(maxsize=256)
def compiled(choice: Choice, device: str, specs: tuple[tf.TensorSpec, ...]) -> Callable[..., Results]:
    """A kernel traced once, for calls outside a graph."""
    return tf.function(choice.kernel(device), autograph=False).get_concrete_function(*specs)


def both_devices(choice: Choice, arguments: Sequence[tf.Tensor], called: str = "CPU") -> Results:
    """Calls one kernel and leaves the other in the graph, for TensorFlow to put in its place on the other device.

    Both are functions that implement one interface (`api_implements`); the optimizer of graphs swaps them when it knows
    where the graph runs, and their gradients along. The other ways are worse: a `Case` on the device crashes where a
    gradient crosses it, and a choice made when tracing holds for one device.

    Args:
      choice: What the kernels have to do.
      arguments: Of the kernels; the weights too, since a captured tensor would stop the swap in silence.
      called: Device of the kernel to call; the result does not depend on it.
    """
    traced = joined(choice, specs(arguments))
    result = traced[called](*arguments)
    graph = tf.compat.v1.get_default_graph()
    for device in traced.keys() - {called}:
        traced[device].add_to_graph(graph)
        if choice.differentiable:
            traced[device].add_gradient_functions_to_graph(graph)
    return result


@functools.lru_cache(maxsize=64)
def joined(choice: Choice, specs: tuple[tf.TensorSpec, ...]) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """By device the kernels of one interface, traced once for all graphs: an export traces a layer several times."""
    interface = f"lstm_{uuid.uuid4().hex}"  # one for each pair: all functions of an interface replace each other
    traced = {}
    with tf.init_scope():
        for device in KERNELS:
            attributes = {"api_implements": interface, "api_preferred_device": device}
            function = tf.function(choice.kernel(device), autograph=False, experimental_attributes=attributes)
            traced[device] = function.get_concrete_function(*specs)
    return traced
