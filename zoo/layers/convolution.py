"""Convolutions over time and frequency that make a sequence shorter, without a look at the padding."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="zoo")
class ConvolutionFront(keras.layers.Layer):
    """Strided 3 x 3 convolutions over (step, band), then one dense layer: fewer and richer steps.

    `layer(values: float32[batch, step, band], length: int32[batch])` gives `(float32[batch, frame, width], length:
    int32[batch])`, zeros past the length. Each convolution sees two steps of the past and none of the future, so that
    the layer works on sound as it comes in; a frame stands at every `stride`-th step, the first one at the first.

    Args:
      channels: Of each convolution.
      strides: Steps that each convolution makes one of; 1 or 2. Bands are halved by each.
      width: Of the frames.

    Source:
      Amodei et al. 2016, Deep Speech 2, section 3.4 (convolutions over time and frequency before recurrence).
    """

    def __init__(
        self,
        *,
        channels: tuple[int, ...] = (32, 32),
        strides: tuple[int, ...] = (2, 2),
        width: int = 192,
        **kwargs: object,
    ):
        super().__init__(**kwargs)
        self.channels, self.strides, self.width = tuple(channels), tuple(strides), width
        self.convolutions = [
            keras.layers.Conv2D(size, 3, (stride, 2), activation="relu", name=f"convolution_{number + 1}")
            for number, (size, stride) in enumerate(zip(self.channels, self.strides, strict=True))
        ]
        self.dense = keras.layers.Dense(width, name="dense")
        self.normalise = keras.layers.LayerNormalization(name="normalise")

    def build(self, values_shape: tuple[int | None, ...]) -> None:
        """Makes the weights, whose shapes depend on the number of bands."""
        bands, depth = values_shape[-1], 1
        for convolution in self.convolutions:
            convolution.build((None, None, bands + 2, depth))
            bands, depth = -(-bands // 2), convolution.filters
        self.dense.build((None, None, bands * depth))
        self.normalise.build((None, None, self.width))

    def call(self, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Frames and their lengths; see the class."""
        values, length = values[..., None], tf.maximum(tf.cast(length, tf.int32), 1)
        for convolution, stride in zip(self.convolutions, self.strides, strict=True):
            values = convolution(tf.pad(values, [[0, 0], [2, 0], [1, 1], [0, 0]]))
            length = (length + stride - 1) // stride
            within = tf.sequence_mask(length, tf.shape(values)[1])[..., None, None]
            values = tf.where(within, values, tf.zeros([], values.dtype))
        made = self._frames(values)
        return tf.where(tf.sequence_mask(length, tf.shape(made)[1])[..., None], made, tf.zeros([], made.dtype)), length

    def past_shapes(self, bands: int) -> list[tuple[int, int, int]]:
        """(step, band, channel) of what each convolution has to remember of the past, for so many bands."""
        shapes, depth = [], 1
        for size, stride in zip(self.channels, self.strides, strict=True):
            shapes.append((3 - stride, bands, depth))
            bands, depth = -(-bands // 2), size
        return shapes

    def stream(
        self, values: tf.Tensor, first: tf.Tensor, past: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """The frames that `call` makes, made of the steps as they come.

        Args:
          values: float32[batch, step, band], as many steps as make whole frames, the last of which each stands under.
          first: int32[batch], the number of the first of these steps; those with negative numbers are not there.
          past: Of each convolution what the call before gave, float32[batch, step, band, channel]; zeros at first.

        Returns:
          float32[batch, frame, width]; int32[batch], the number of the first frame, which like the others is not there
          where it is negative; and what each convolution has to remember.
        """
        values, kept = values[..., None], []
        values = _from_zero(values, first)
        for convolution, stride, before in zip(self.convolutions, self.strides, past, strict=True):
            seen = tf.concat([before, values], 1)
            kept.append(seen[:, tf.shape(seen)[1] - (3 - stride) :])
            first = (first - 1) // stride + 1
            values = _from_zero(convolution(tf.pad(seen, [[0, 0], [0, 0], [1, 1], [0, 0]])), first)
        return _from_zero(self._frames(values), first), first, kept

    def _frames(self, values: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(values)
        flat = tf.reshape(values, [shape[0], shape[1], values.shape[2] * values.shape[3]])
        return tf.nn.relu(self.normalise(self.dense(flat)))

    def compute_output_spec(
        self, values: keras.KerasTensor, length: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, ...]:
        """Shapes and types of the frames and the lengths."""
        frames = keras.KerasTensor((values.shape[0], None, self.width), dtype=self.compute_dtype)
        return frames, keras.KerasTensor((values.shape[0],), dtype="int32")

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        names = ("channels", "strides", "width")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _from_zero(values: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
    """Zeros in place of the steps of [batch, step, ...] that have negative numbers, `first` that of the first one."""
    there = first[:, None] + tf.range(tf.shape(values)[1]) >= 0
    there = tf.reshape(there, tf.concat([tf.shape(there), tf.ones([tf.rank(values) - 2], tf.int32)], 0))
    return tf.where(there, values, tf.zeros([], values.dtype))
