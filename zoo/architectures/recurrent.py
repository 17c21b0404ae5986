"""Stacked recurrent layers over a sequence of features, then one answer for the whole of it."""

from __future__ import annotations

import keras

from zoo.layers.lstm import LSTM
from zoo.layers.pooling import AttentionPooling, MaxPooling, StepMask
from zoo.types import Spec, UsageError


def recurrent_classifier(
    features: Spec,
    target: Spec,
    *,
    units: int = 96,
    layers: int = 2,
    dropout: float = 0.3,
    heads: int = 4,
    max_pooling: bool = False,
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
      max_pooling: Max pooling beside the attention pooling.

    Raises:
      UsageError: Fewer than two classes.

    Source:
      Hochreiter and Schmidhuber 1997 (LSTM), Schuster and Paliwal 1997 (both directions), Zaremba et al. 2014
      (dropout between layers only), Lin et al. 2017 (attention pooling), Collobert et al. 2011 (max pooling).
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
    if max_pooling:
        pooled = keras.layers.Concatenate()([pooled, MaxPooling(name="largest")(steps, mask=mask)])
    logits = keras.layers.Dense(len(target.classes), name="logits", dtype="float32")(pooled)
    return keras.Model(inputs, logits, name="recurrent_classifier")


def inputs_of(features: Spec) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """The inputs `[features, length]` of a network, and the mask bool[batch, step] of the steps within the length."""
    values = keras.Input(features.shape, dtype=features.dtype, name="features")
    length = keras.Input((), dtype="int32", name="length")
    return [values, length], StepMask(name="mask")(values, length)
