"""One recurrent layer and what it tells: the networks that memory problems are put to."""

from __future__ import annotations

from typing import Literal

import keras
from keras import ops

from zoo.architectures.recurrent import inputs_of
from zoo.layers.gate_bias import GateBias
from zoo.layers.lstm import LSTM
from zoo.types import Spec, UsageError

CELLS = {"lstm": LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}  # matrices on input and state
BIASES = {"lstm": 1, "gru": 2, "rnn": 1}  # of each


def memory_network(
    features: Spec,
    target: Spec,
    *,
    units: int,
    cell: Literal["lstm", "gru", "rnn"] = "lstm",
    match: Literal["units", "weights"] = "units",
    forget_bias: float = 1.0,
    span: int | None = None,
) -> keras.Model:
    """One recurrent layer, then one number, one label, or a label at every step, as the target says.

    Takes `[features: float32[batch, step, feature], length: int32[batch]]` and returns float32[batch] for a number,
    logits float32[batch, class] for a label, read off the last output, and float32[batch, step, class] for a label at
    every step, 0 past the length.

    Args:
      features: What goes in; its last size must be known.
      target: One number, one of some classes, or one of some classes at every step.
      units: Memory cells of an LSTM.
      cell: "lstm", or for contrast "gru" or the plain "rnn", whose gradients vanish.
      match: Whether the other cells have the same number of units, or about the same number of weights in the network.
      forget_bias: First bias of the forget gate, of a GRU's update gate; a plain RNN has none.
      span: Steps of the longest dependence, for chrono initialisation instead; see `zoo.layers.gate_bias.GateBias`.

    Raises:
      UsageError: `cell` or `match` is none of those, or the target is something else.

    Source:
      Hochreiter and Schmidhuber 1997, section 5; Cho et al. 2014 (GRU); Elman 1990 (plain RNN).
    """
    for name, given, known in (("cell", cell, CELLS), ("match", match, ("units", "weights"))):
        if given not in known:
            raise UsageError(f"`{name}` must be one of {', '.join(known)}, got `{given}`.")
    number = not target.classes and target.shape == ()
    if not number and (len(target.classes) < 2 or len(target.shape) > 1):
        raise UsageError(
            f"a memory network gives one number or labels, but the target is {target}. Take another network."
        )
    told = 1 if number else len(target.classes)
    width = units if match == "units" else width_of(cell, units, features.shape[-1], told)
    options = {} if cell == "rnn" else {"bias_initializer": GateBias(forget_bias, span)}
    if cell == "lstm":
        options["unit_forget_bias"] = False  # it would take the place of ours
    inputs, mask = inputs_of(features)
    layer = CELLS[cell](width, return_sequences=bool(target.shape), name=cell, **options)
    answer = keras.layers.Dense(told, name="answer", dtype="float32")(layer(inputs[0], mask=mask))
    if number:
        answer = keras.layers.Reshape((), name="squeeze")(answer)
    elif target.shape:
        answer = ops.where(mask[:, :, None], answer, 0.0)  # an operation, which hands no mask on to loss and metrics
    return keras.Model(inputs, answer, name="memory_network")


def width_of(cell: str, units: int, inputs: int, told: int) -> int:
    """The units of a cell that make its network's number of weights nearest to that of an LSTM's.

    Args:
      cell: "lstm", "gru" or "rnn".
      units: Of the LSTM.
      inputs: Features of a step.
      told: Numbers that the last layer gives.
    """
    wanted = weights_of("lstm", units, inputs, told)
    return min(range(1, 4 * units + 1), key=lambda width: abs(weights_of(cell, width, inputs, told) - wanted))


def weights_of(cell: str, units: int, inputs: int, told: int) -> int:
    """Number of weights of a memory network; arguments as of `width_of`."""
    return GATES[cell] * units * (units + inputs + BIASES[cell]) + (units + 1) * told
