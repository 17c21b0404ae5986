"""Images of lines of text as columns of ink, all equally high."""

from __future__ import annotations

import keras
import tensorflow as tf

from zoo.types import Spec, UsageError

DARK = 0.35  # share of the darkest ink that counts as ink where the margins are cut off
FLAT = 0.05  # an image whose values lie closer together has nothing on it


@keras.saving.register_keras_serializable(package="zoo")
class LineImage(keras.layers.Layer):
    """Columns of line images, from the left, 0 where the paper is and 1 where the ink is darkest.

    `layer(values: string[batch] PNG)` gives `(features: float32[batch, column, row], length: int32[batch])`. The
    margins around the ink are cut off, and what is left is scaled to `height` rows in its own proportions, so that
    neither the size of a scan nor white paper around it changes anything. Transparent places are white; an image
    without ink has one column of zeros.

    Args:
      height: Rows.
      widest: Columns that are read; the rest of a longer line is not.

    Source:
      Puigcerver 2017, Are Multidimensional Recurrent Layers Really Necessary for Handwritten Text Recognition?, section
      IV (height-normalised grey lines); Retsinas et al. 2022, Best Practices for a Handwritten Text Recognition System.
    """

    def __init__(self, *, height: int = 64, widest: int = 4000, **kwargs: object):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.height, self.widest = height, widest
        self.built = True  # it has no weights; an export refuses to track what is not built

    def call(self, values: tf.Tensor, length: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Columns and their number; see the class.

        Args:
          values: string[batch], the bytes of PNG files of 8 or 16 bits.
          length: Not looked at.

        Raises:
          tf.errors.InvalidArgumentError: A file is no PNG.
        """
        columns = tf.RaggedTensorSpec([None, self.height], tf.float32, ragged_rank=0)
        with tf.device("/CPU:0"):  # where images are decoded
            columns = tf.map_fn(self._columns, values, fn_output_signature=columns)
        return columns.to_tensor(), tf.cast(columns.row_lengths(), tf.int32)

    def _columns(self, content: tf.Tensor) -> tf.Tensor:
        pixels = tf.cast(tf.io.decode_png(content, channels=4), tf.float32) / 255
        grey = tf.reduce_mean(pixels[..., :3], -1) * pixels[..., 3] + 1 - pixels[..., 3]
        low, high = tf.reduce_min(grey), tf.reduce_max(grey)
        ink = tf.cond(high - low > FLAT, lambda: (high - grey) / (high - low), lambda: tf.zeros_like(grey))
        ink = self._cut(self._cut(ink, 0), 1)
        shape = tf.shape(ink)
        width = tf.cast(tf.round(tf.cast(shape[1], tf.float32) * self.height / tf.cast(shape[0], tf.float32)), tf.int32)
        width = tf.where(tf.reduce_any(ink > DARK), tf.clip_by_value(width, 1, self.widest), 1)
        size = [self.height, width]
        made = tf.image.resize(ink[..., None], size, antialias=True)[..., 0]
        return tf.ensure_shape(tf.transpose(made), [None, self.height])

    def _cut(self, ink: tf.Tensor, axis: int) -> tf.Tensor:
        """Without the rows (axis 0) or columns (axis 1) before and behind the ink; the first where there is no ink."""
        there = tf.where(tf.reduce_max(ink, 1 - axis) > DARK)[:, 0]
        first, last = tf.cond(
            tf.size(there) > 0,
            lambda: (tf.reduce_min(there), tf.reduce_max(there)),
            lambda: (tf.constant(0, tf.int64), tf.constant(0, tf.int64)),
        )
        return ink[first : last + 1] if axis == 0 else ink[:, first : last + 1]

    def features(self, input: Spec) -> Spec:
        """What this layer makes of `input`.

        Raises:
          UsageError: `input` is no image.
        """
        if input.kind != "image" or input.dtype != "string":
            raise UsageError(f"`LineImage` takes the bytes of an image, got {input}. Take another frontend.")
        shape = (None, self.height)
        return Spec(name="columns", kind="series", shape=shape, dtype="float32", axes=("column", "row"), unit="ink")

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {**super().get_config(), "height": self.height, "widest": self.widest}
