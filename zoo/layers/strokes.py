"""Handwriting as geometry: batches of strokes, their size, slope and slant, and equally spaced steps along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tensorflow as tf

GAP = 1.0  # between two strokes on the axis along the ink, so that the end of one and the start of the next differ
STEEPEST = 1.0  # shear that is taken out at most, 45 degrees
FLAT = 3.0  # times as wide as tall: what is less is no line whose slope could be told


@dataclass(frozen=True)
class Strokes:
    """A batch of inks as geometry, in float64; what lies past an ink repeats its last point.

    Args:
      places: [batch, point, 2].
      number: int32[batch, point], of the stroke that a point is in, from 0.
      along: [batch, point], length of the ink from its start, pen lifts left out.
    """

    places: tf.Tensor
    number: tf.Tensor
    along: tf.Tensor

    @property
    def most(self) -> tf.Tensor:
        """int32[]: strokes of the ink with the most of them."""
        return tf.maximum(tf.reduce_max(self.number), 0) + 1

    def per_stroke(self, values: tf.Tensor, how: Literal["max", "min"]) -> tf.Tensor:
        """[batch, stroke, ...], largest or least of values [batch, point, ...]; 0 where an ink has no such stroke."""
        batch, most, rest = tf.shape(values)[0], self.most, values.shape[2:]
        rows = tf.reshape(self.number + most * tf.range(batch)[:, None], [-1])
        reduce = {"max": tf.math.unsorted_segment_max, "min": tf.math.unsorted_segment_min}[how]
        found = tf.reshape(reduce(tf.reshape(values, [-1, *rest]), rows, batch * most), [batch, most, *rest])
        there = tf.reshape(self.there(), [batch, most, *(1 for _ in rest)])
        return tf.where(there, found, tf.zeros([], found.dtype))

    def there(self) -> tf.Tensor:
        """bool[batch, stroke]: whether an ink has the stroke."""
        return tf.range(self.most)[None, :] <= self.number[:, -1:]


def of_points(points: tf.Tensor, length: tf.Tensor) -> Strokes:
    """Geometry of inks.

    Args:
      points: float[batch, point, 3], x, y and pen-up, anything past `length`.
      length: int32[batch], true points; an ink without any counts as one point at the origin.
    """
    length = tf.clip_by_value(tf.cast(length, tf.int32), 0, tf.shape(points)[1])
    missing = tf.maximum(1 - tf.shape(points)[1], 0)
    points = tf.pad(tf.cast(points, tf.float64), [[0, 0], [0, missing], [0, 0]])
    place = tf.range(tf.shape(points)[1])[None, :]
    points = tf.gather(points, tf.minimum(place, tf.maximum(length - 1, 0)[:, None]), batch_dims=1)
    points = tf.where((length > 0)[:, None, None], points, tf.zeros([], tf.float64))
    lifted = tf.cast((points[:, :, 2] > 0.5) & (place < length[:, None] - 1), tf.int32)
    number = tf.cumsum(lifted, axis=1, exclusive=True)
    return Strokes(points[:, :, :2], number, _along(points[:, :, :2], number))


def _along(places: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    return tf.cumsum(tf.pad(tf.norm(_moves(places, number), axis=-1), [[0, 0], [1, 0]]), axis=1)


def _moves(places: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """[batch, point - 1, 2]: from each point to the next, 0 where the pen was lifted between them."""
    written = tf.cast(number[:, 1:] == number[:, :-1], tf.float64)
    return (places[:, 1:] - places[:, :-1]) * written[:, :, None]


def _sheared(ink: Strokes, *, down: tf.Tensor | float = 0.0, across: tf.Tensor | float = 0.0) -> Strokes:
    """Adds `across` of y to x and `down` of x to y, [batch] each, and the length along the ink follows."""
    x, y = ink.places[:, :, 0], ink.places[:, :, 1]
    down, across = (tf.reshape(tf.cast(share, tf.float64), [-1, 1]) for share in (down, across))
    places = tf.stack([x + across * y, y + down * x], axis=2)
    return Strokes(places, ink.number, _along(places, ink.number))


def _moments(ink: Strokes) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Means [batch, 2], variances of x and of y and covariance [batch], along the ink, however dense its points are."""
    moves = _moves(ink.places, ink.number)
    weight = tf.norm(moves, axis=-1)
    total = tf.reduce_sum(weight, 1, keepdims=True)
    weight = tf.math.divide_no_nan(weight, total)[:, :, None]
    middle = (ink.places[:, 1:] + ink.places[:, :-1]) / 2
    mean = tf.where(total > 0, tf.reduce_sum(weight * middle, 1), ink.places[:, 0])
    apart = middle - mean[:, None]
    spread = tf.reduce_sum(weight * (tf.square(apart) + tf.square(moves) / 12), 1)  # within each move too
    both = tf.reduce_sum(weight[:, :, 0] * (apart[:, :, 0] * apart[:, :, 1] + moves[:, :, 0] * moves[:, :, 1] / 12), 1)
    return mean, spread[:, 0], spread[:, 1], both


def levelled(ink: Strokes) -> Strokes:
    """Lines whose slope, by least squares along the ink, is taken out; what is not clearly wider than tall stays."""
    _, wide, tall, both = _moments(ink)
    is_line = wide > tall * FLAT**2
    return _sheared(ink, down=tf.where(is_line, -tf.math.divide_no_nan(both, wide), 0.0))


def upright(ink: Strokes) -> Strokes:
    """Inks sheared until their down strokes, which carry the letters, have no slant on the average.

    Source:
      The idea of Bozinovic and Srihari 1989, Off-line Cursive Script Word Recognition, section III, with the pen's own
      downward moves in place of near-vertical pieces of contours.
    """
    moves = _moves(ink.places, ink.number)
    moves = tf.where(moves[:, :, 1:] > 0, moves, 0.0)
    slant = tf.math.divide_no_nan(tf.reduce_sum(moves[:, :, 0], 1), tf.reduce_sum(moves[:, :, 1], 1))
    return _sheared(ink, across=-tf.clip_by_value(slant, -STEEPEST, STEEPEST))


def sized(ink: Strokes, layout: Literal["character", "line"]) -> Strokes:
    """Inks moved and scaled: a character's box, or a line's height by its spread along the ink, becomes 1.

    A line is scaled by four standard deviations of y, which long letters disturb less than a box's height, and not by
    less than a tenth of the mean size of its strokes, so that a lone dash stays finite; its mean height becomes 0.
    """
    low, high = (reduce(ink.places, 1) for reduce in (tf.reduce_min, tf.reduce_max))
    if layout == "character":
        middle, size = (low + high) / 2, tf.reduce_max(high - low, 1)
    else:
        mean, _, tall, _ = _moments(ink)
        middle = tf.stack([low[:, 0], mean[:, 1]], 1)
        sides = ink.per_stroke(ink.places, "max") - ink.per_stroke(ink.places, "min")
        there = tf.reduce_sum(tf.cast(ink.there(), tf.float64), 1)
        across = tf.reduce_sum(tf.norm(sides, axis=-1), 1) / there
        size = tf.maximum(4 * tf.sqrt(tall), across / 10)
    scale = tf.math.divide_no_nan(tf.ones([], tf.float64), size)[:, None]
    places = (ink.places - middle[:, None]) * scale[:, :, None]
    return Strokes(places, ink.number, ink.along * scale)


def resampled(ink: Strokes, step: float, most: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Equally spaced steps along each stroke, both of its ends included.

    A stroke of length L has 1 + round(L / step) of them, so that one that is a dot has one.

    Args:
      ink: At its final size.
      step: Distance wanted.
      most: Where more steps than these would be needed, the distance grows.

    Returns:
      Places float64[batch, step, 2], the stroke int32[batch, step] of each, and the number of steps int32[batch].
    """
    lengths = ink.per_stroke(ink.along, "max") - ink.per_stroke(ink.along, "min")
    distance = tf.maximum(tf.constant(step, tf.float64), ink.along[:, -1:] / most)
    parts = tf.cast(tf.round(lengths / distance), tf.int32)
    counts = tf.where(ink.there(), parts + 1, 0)
    ends = tf.cumsum(counts, axis=1)
    steps = ends[:, -1]
    index = tf.tile(tf.range(tf.maximum(tf.reduce_max(steps), 1))[None, :], [tf.shape(counts)[0], 1])
    stroke = tf.minimum(tf.searchsorted(ends, index, side="right"), ink.number[:, -1:])
    within = tf.cast(index - tf.gather(ends - counts, stroke, batch_dims=1), tf.float64)
    spacing = tf.math.divide_no_nan(lengths, tf.cast(parts, tf.float64))
    first = ink.per_stroke(ink.along, "min")
    wanted = tf.gather(first, stroke, batch_dims=1) + within * tf.gather(spacing, stroke, batch_dims=1)
    return _at(ink, wanted, stroke), stroke, steps


def _at(ink: Strokes, along: tf.Tensor, stroke: tf.Tensor) -> tf.Tensor:
    """Places float64[batch, step, 2] at lengths along the ink, by linear interpolation between points."""
    points = ink.along + GAP * tf.cast(ink.number, tf.float64)
    wanted = along + GAP * tf.cast(stroke, tf.float64)
    below = tf.maximum(tf.searchsorted(points, wanted, side="right") - 1, 0)
    above = tf.minimum(below + 1, tf.shape(points)[1] - 1)
    low, high = (tf.gather(points, place, batch_dims=1) for place in (below, above))
    share = tf.clip_by_value(tf.math.divide_no_nan(wanted - low, high - low), 0.0, 1.0)[:, :, None]
    from_place, to_place = (tf.gather(ink.places, place, batch_dims=1) for place in (below, above))
    return from_place + share * (to_place - from_place)
