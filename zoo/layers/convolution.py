"""Convolutions over time and frequency that make a sequence shorter, without a look at the padding."""

from __future__ import annotations

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
        shape = tf.shape(values)
        flat = tf.reshape(values, [shape[0], shape[1], values.shape[2] * values.shape[3]])
        made = tf.nn.relu(self.normalise(self.dense(flat)))
        return tf.where(tf.sequence_mask(length, shape[1])[..., None], made, tf.zeros([], made.dtype)), length

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
