"""Networks that tell a symbol, or that there is none, at every frame, for connectionist temporal classification."""

from __future__ import annotations

import keras
from keras import ops

from zoo.architectures.recurrent import inputs_of
from zoo.layers.convolution import ConvolutionFront
from zoo.layers.lstm import LSTM
from zoo.layers.pooling import StepMask, StepStack
from zoo.types import Spec, UsageError


def speech_transcriber(
    features: Spec,
    target: Spec,
    *,
    units: int = 192,
    layers: int = 3,
    width: int = 192,
    channels: int = 32,
    stride: int = 4,
    dropout: float = 0.3,
    one_way: bool = False,
) -> keras.Model:
    """Convolutions over time and frequency, LSTM layers, and the logits of symbols at every frame.

    Takes `[features: float32[batch, step, band], length: int32[batch]]` and returns what `zoo.tasks.ctc.frames` reads:
    float32[batch, frame, symbol + 2], the logits of the symbols, that of none, and 1 in the frames that are there.

    Args:
      features: What goes in; its last size must be known.
      target: Its classes are the symbols.
      units: Of each LSTM in each direction.
      layers: Of LSTM.
      width: Of the frames that the first of them reads.
      channels: Of the two convolutions.
      stride: Steps that become one frame: 1, 2 or 4.
      dropout: Behind each LSTM.
      one_way: Forward LSTM only, so that an answer needs no future.

    Raises:
      UsageError: No symbols, or another stride.

    Source:
      Graves et al. 2006 (CTC); Amodei et al. 2016, Deep Speech 2 (convolutions, then recurrent layers).
    """
    strides = {1: (1, 1), 2: (2, 1), 4: (2, 2)}.get(stride)
    if strides is None:
        raise UsageError(f"`stride` must be 1, 2 or 4 steps a frame, got {stride}.")
    inputs, _ = inputs_of(features)
    front = ConvolutionFront(channels=(channels, channels), strides=strides, width=width, name="front")
    frames, length = front(*inputs)
    frames = _recurrent(frames, StepMask(name="frame_mask")(frames, length), units, layers, dropout, one_way)
    made = keras.Model(inputs, _logits(frames, length, target), name="speech_transcriber")
    made.stride = stride
    return made


def image_transcriber(
    features: Spec,
    target: Spec,
    *,
    units: int = 256,
    layers: int = 3,
    width: int = 256,
    channels: tuple[int, ...] = (16, 32, 48, 64, 80),
    dropout: float = 0.5,
) -> keras.Model:
    """Convolutions over columns and rows, then as `speech_transcriber`; four columns become one frame.

    Args:
      features: What goes in; its last size must be known.
      target: Its classes are the symbols.
      units: Of each LSTM in each direction.
      layers: Of LSTM.
      width: Of the frames that the first of them reads.
      channels: Of the convolutions; each halves the rows, the first two the columns.
      dropout: Behind each LSTM.

    Raises:
      UsageError: No symbols.

    Source:
      Puigcerver 2017 (convolutions, then one-dimensional bidirectional LSTM, CTC).
    """
    inputs, _ = inputs_of(features)
    strides = tuple(2 if number < 2 else 1 for number in range(len(channels)))
    frames, length = ConvolutionFront(channels=channels, strides=strides, width=width, name="front")(*inputs)
    frames = _recurrent(frames, StepMask(name="frame_mask")(frames, length), units, layers, dropout, False)
    made = keras.Model(inputs, _logits(frames, length, target), name="image_transcriber")
    made.stride = 4
    return made


def ink_transcriber(
    features: Spec,
    target: Spec,
    *,
    units: int = 96,
    layers: int = 3,
    stride: int = 2,
    dropout: float = 0.3,
    one_way: bool = False,
) -> keras.Model:
    """LSTM layers over the steps of a pen, and the logits of symbols at every frame; else as `speech_transcriber`.

    Args:
      features: What goes in; its last size must be known.
      target: Its classes are the symbols.
      units: Of each LSTM in each direction.
      layers: Of LSTM.
      stride: Steps joined into one frame.
      dropout: Behind each LSTM.
      one_way: Forward LSTM only.

    Raises:
      UsageError: No symbols.

    Source:
      Graves et al. 2009, A Novel Connectionist System for Unconstrained Handwriting Recognition; Carbune et al. 2020,
      Fast multi-language LSTM-based online handwriting recognition, section 3.
    """
    inputs, _ = inputs_of(features)
    frames, length = StepStack(stride, name="stack")(*inputs)
    frames = _recurrent(frames, StepMask(name="frame_mask")(frames, length), units, layers, dropout, one_way)
    made = keras.Model(inputs, _logits(frames, length, target), name="ink_transcriber")
    made.stride = stride
    return made


def _recurrent(
    frames: keras.KerasTensor, mask: keras.KerasTensor, units: int, layers: int, dropout: float, one_way: bool
) -> keras.KerasTensor:
    for number in range(1, layers + 1):
        cell, name = LSTM(units, return_sequences=True), f"lstm_{number}"
        if one_way:
            cell = LSTM(units, return_sequences=True, name=name)
            frames = cell(frames, mask=mask)
        else:
            frames = keras.layers.Bidirectional(cell, name=name)(frames, mask=mask)
        frames = keras.layers.LayerNormalization(name=f"normalise_{number}")(frames)
        frames = keras.layers.Dropout(dropout, name=f"dropout_{number}")(frames)
    return frames


def _logits(frames: keras.KerasTensor, length: keras.KerasTensor, target: Spec) -> keras.KerasTensor:
    if not target.classes:
        raise UsageError(f"a transcriber needs the symbols that it tells apart, and {target} has none.")
    logits = keras.layers.Dense(len(target.classes) + 1, name="logits", dtype="float32")(frames)
    return FrameFlag(name="frame_flag")(logits, length)


@keras.saving.register_keras_serializable(package="zoo")
class FrameFlag(keras.layers.Layer):
    """Puts behind the logits of each frame whether it is there, 1 or 0: a loss sees only one tensor.

    `layer(logits: float32[batch, frame, class], length: int32[batch])` gives float32[batch, frame, class + 1]; at least
    the first frame is there.
    """

    def __init__(self, **kwargs: object):
        super().__init__(**kwargs)
        self.supports_masking = True  # of the frames, which an LSTM that reads one way hands on

    def call(self, logits: keras.KerasTensor, length: keras.KerasTensor) -> keras.KerasTensor:
        """See the class."""
        there = ops.arange(ops.shape(logits)[1])[None, :] < ops.maximum(ops.cast(length, "int32"), 1)[:, None]
        return ops.concatenate([logits, ops.cast(there, logits.dtype)[..., None]], axis=-1)

    def compute_output_spec(self, logits: keras.KerasTensor, length: keras.KerasTensor) -> keras.KerasTensor:
        """Shape and type of the result."""
        return keras.KerasTensor((*logits.shape[:2], logits.shape[2] + 1), dtype=logits.dtype)

    def compute_mask(self, logits: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> None:
        """None: the lengths are in the result, and Keras would weigh the loss by a mask."""
