"""Which keyword a short sound is: convolutions, LSTM, and attention that asks from the middle of the clip."""

from __future__ import annotations

import keras

from zoo.architectures.recurrent import inputs_of
from zoo.layers.convolution import ConvolutionFront
from zoo.layers.lstm import LSTM
from zoo.layers.pooling import MiddleAttention, StepMask
from zoo.types import Spec, UsageError


def attention_classifier(
    features: Spec,
    target: Spec,
    *,
    units: int = 128,
    layers: int = 2,
    heads: int = 4,
    channels: int = 32,
    width: int = 128,
    hidden: int = 64,
    dropout: float = 0.2,
) -> keras.Model:
    """Two convolutions that halve the steps, bidirectional LSTM, attention of several heads, one logit per class.

    Takes `[features: float32[batch, step, band], length: int32[batch]]` and returns logits float32[batch, class].

    Args:
      features: What goes in; its last size must be known.
      target: Its classes are what is told apart.
      units: Of each LSTM, in each direction.
      layers: Of LSTM.
      heads: Of the attention.
      channels: Of the two convolutions.
      width: Of the steps that the first LSTM reads.
      hidden: Of the layer before the logits.
      dropout: Behind each LSTM and before the last two layers.

    Raises:
      UsageError: Fewer than two classes.

    Source:
      Rybakov et al. 2020, Streaming keyword spotting on mobile devices, `att_mh_rnn` of its kws_streaming, with its
      option of LSTM; its convolutions keep all steps, and the last layers there are 64 and 32 wide.
    """
    if len(target.classes) < 2:
        raise UsageError(
            f"a classifier needs at least two classes, got {list(target.classes)}. Add examples of another."
        )
    inputs, _ = inputs_of(features)
    front = ConvolutionFront(channels=(channels, channels), strides=(2, 1), width=width, name="front")
    steps, length = front(*inputs)
    mask = StepMask(name="step_mask")(steps, length)
    for number in range(1, layers + 1):
        cell = LSTM(units, return_sequences=True)
        steps = keras.layers.Bidirectional(cell, name=f"lstm_{number}")(steps, mask=mask)
        steps = keras.layers.Dropout(dropout, name=f"dropout_{number}")(steps)
    pooled = MiddleAttention(heads, name="pooling")(steps, mask=mask)
    pooled = keras.layers.Dense(hidden, activation="relu", name="hidden")(pooled)
    pooled = keras.layers.Dropout(dropout, name="dropout_hidden")(pooled)
    logits = keras.layers.Dense(len(target.classes), name="logits", dtype="float32")(pooled)
    return keras.Model(inputs, logits, name="attention_classifier")
