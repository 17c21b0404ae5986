"""Ink features: from the pen's points to equally spaced steps of normalised handwriting."""

from __future__ import annotations

from typing import Literal

import keras
import tensorflow as tf

from zoo.layers import strokes
from zoo.types import Spec, UsageError

LAYOUTS = ("character", "line")
COLUMNS = ("x", "y", "cosine", "sine", "lift x", "lift y", "start")  # of a line without the first


@keras.saving.register_keras_serializable(package="zoo")
class Ink(keras.layers.Layer):
    """Steps of right-padded ink, equally spaced along its strokes, with place, direction and pen.

    `layer(values: float32[batch, point, 3], length: int32[batch])` gives `(features: float32[batch, step, 7 or 6],
    length: int32[batch])`, at least one step for every ink, and zeros past its length. Nothing depends on how fast or
    how densely it was written, where it stands, or how large it is; nothing reads past an ink's length.

    Features of a step: x and y, the box's middle as origin (of a line y alone, its mean as origin); cosine and sine of
    the writing's direction, from the step before to the step after within the stroke, 0 in a stroke of one step; at
    the first step of a stroke but the first, the way in x and y that the pen was carried above the paper, compressed
    by asinh, else 0; 1 at the first step of a stroke, else 0.

    Args:
      layout: "character" for single signs, scaled by the larger side of their box; "line" for words and lines, scaled
        by their height.
      step: Distance between two steps, in units of that size.
      level: Take out the slope of a line.
      unslant: Take out the slant of the down strokes.
      most: Steps of one ink beyond one a stroke; a longer one gets them farther apart.

    Raises:
      UsageError: There is no such layout, or the distance or number of steps is not positive.

    Source:
      Graves et al. 2009, A Novel Connectionist System for Unconstrained Handwriting Recognition, section II-B, for
      features of pen trajectories; Carbune et al. 2020, Fast Multi-language LSTM-based Online Handwriting Recognition,
      section 3.1, for normalised height, equidistant resampling and stroke starts.
    """

    def __init__(
        self,
        *,
        layout: Literal["character", "line"] = "character",
        step: float = 0.15,
        level: bool = False,
        unslant: bool = False,
        most: int = 4096,
        **kwargs: object,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        if layout not in LAYOUTS:
            raise UsageError(f"`layout` must be one of {', '.join(LAYOUTS)}, got {layout!r}.")
        if not step > 0 or most < 1:
            raise UsageError(f"`step` must be above 0 and `most` at least 1, got {step} and {most}.")
        self.layout, self.step, self.level, self.unslant, self.most = layout, step, level, unslant, most

    def call(self, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features float32[batch, step, 7 or 6] and their lengths int32[batch].

        Args:
          values: float32[batch, point, 3], x, y growing downwards, and pen-up; anything past `length`.
          length: int32[batch], true points.
        """
        places, stroke, steps = self.resampled(values, length)
        return self._described(places, stroke, steps), steps

    def resampled(self, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Where the steps are: places float64[batch, step, 2] of the normalised ink, y growing downwards, the number
        int32[batch, step] of the stroke of each, and the lengths int32[batch].

        Args:
          values: As of `call`.
          length: As of `call`.
        """
        ink = strokes.of_points(values, length)
        ink = strokes.levelled(ink) if self.level else ink
        ink = strokes.upright(ink) if self.unslant else ink
        return strokes.resampled(strokes.sized(ink, self.layout), self.step, self.most)

    def _described(self, places: tf.Tensor, stroke: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        within = tf.sequence_mask(steps, tf.shape(places)[1])
        new = tf.pad(stroke[:, 1:] != stroke[:, :-1], [[0, 0], [1, 0]], constant_values=True)
        last = tf.pad(new[:, 1:] | ~within[:, 1:], [[0, 0], [0, 1]], constant_values=True)
        before = tf.concat([places[:, :1], places[:, :-1]], 1)
        after = tf.concat([places[:, 1:], places[:, -1:]], 1)
        way = tf.where(last[:, :, None], places, after) - tf.where(new[:, :, None], places, before)
        direction = tf.math.divide_no_nan(way, tf.norm(way, axis=-1, keepdims=True))
        lift = tf.where(new[:, :, None], tf.asinh(places - before), 0.0)
        place = places if self.layout == "character" else places[:, :, 1:]
        rows = tf.concat([place, direction, lift, tf.cast(new, tf.float64)[:, :, None]], 2)
        return tf.cast(tf.where(within[:, :, None], rows, 0.0), self.compute_dtype)

    def features(self, input: Spec) -> Spec:
        """What this layer makes of `input`.

        Raises:
          UsageError: `input` is not ink.
        """
        if input.kind != "ink" or input.shape != (None, 3):
            raise UsageError(f"`Ink` takes points of x, y and pen-up, got {input}. Give ink.")
        columns = len(COLUMNS) - (self.layout == "line")
        return Spec(name="features", kind="series", shape=(None, columns), dtype="float32", axes=("step", "feature"))

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        names = ("layout", "step", "level", "unslant", "most")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
