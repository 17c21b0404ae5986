"""Stacked recurrent layers over a sequence of features, then one answer for the whole of it."""

from __future__ import annotations

from typing import Literal

import keras

from zoo.layers.lstm import LSTM
from zoo.layers.pooling import AttentionPooling, StepMask
from zoo.types import Spec, UsageError

CELLS = {"lstm": LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


def recurrent_classifier(
    features: Spec,
    target: Spec,
    *,
    units: int = 96,
    layers: int = 2,
    dropout: float = 0.3,
    heads: int = 4,
) -> keras.Model:
    """Bidirectional LSTM layers, attention pooling, one logit per class.

    Takes `[features: float32[batch, step, feature], length: int32[batch]]` and returns logits float32[batch, class].

    Args:
      features: What goes in; its last size must be known.
      target: Its classes are what is told apart.
      units: Of each LSTM, in each direction.
      layers: Number of bidirectional layers.
      dropout: On the input of every layer but the first, and before the logits.
      heads: Of the attention; divides 2 * units.

    Raises:
      UsageError: Fewer than two classes.

    Source:
      Hochreiter and Schmidhuber 1997 (LSTM), Schuster and Paliwal 1997 (both directions), Zaremba et al. 2014
      (dropout between layers only), Lin et al. 2017 (attention pooling).
    """
    if len(target.classes) < 2:
        raise UsageError(
            f"a classifier needs at least two classes, got {list(target.classes)}. Add examples of another."
        )
    inputs, mask = inputs_of(features)
    steps = inputs[0]
    for number in range(1, layers + 1):
        cell = LSTM(units, return_sequences=True)
        steps = keras.layers.Bidirectional(cell, name=f"lstm_{number}")(steps, mask=mask)
        steps = keras.layers.Dropout(dropout, name=f"dropout_{number}")(steps)
    pooled = AttentionPooling(units, heads, name="pooling")(steps, mask=mask)
    logits = keras.layers.Dense(len(target.classes), name="logits", dtype="float32")(pooled)
    return keras.Model(inputs, logits, name="recurrent_classifier")


def recurrent_regressor(
    features: Spec, target: Spec, *, units: int, cell: Literal["lstm", "gru", "rnn"] = "lstm"
) -> keras.Model:
    """One recurrent layer whose last output gives one number.

    Takes `[features: float32[batch, step, feature], length: int32[batch]]` and returns float32[batch].

    Args:
      features: What goes in; its last size must be known.
      target: One number.
      units: Of the recurrent layer.
      cell: "lstm", or for contrast "gru" or the plain "rnn" whose gradients vanish.

    Raises:
      UsageError: `cell` is none of the three, or the target is not one number.

    Source:
      Hochreiter and Schmidhuber 1997, section 5.4.
    """
    if cell not in CELLS:
        raise UsageError(f"`cell` must be one of {', '.join(CELLS)}, got `{cell}`.")
    if target.shape != ():
        raise UsageError(f"a regressor gives one number, but the target is {target}. Take another network.")
    inputs, mask = inputs_of(features)
    last = CELLS[cell](units, name=cell)(inputs[0], mask=mask)
    answer = keras.layers.Dense(1, name="answer", dtype="float32")(last)
    return keras.Model(inputs, keras.layers.Reshape((), name="squeeze")(answer), name="recurrent_regressor")


def inputs_of(features: Spec) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """The inputs `[features, length]` of a network, and the mask bool[batch, step] of the steps within the length."""
    values = keras.Input(features.shape, dtype=features.dtype, name="features")
    length = keras.Input((), dtype="int32", name="length")
    return [values, length], StepMask(name="mask")(values, length)
