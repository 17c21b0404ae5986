"""Random changes of one training ink, each a pure function of the ink and a seed.

Ink is `float32[point, 3]` as the pen wrote it: x, y and pen-up; `seed` is int32[2]. All of it runs inside `tf.data`.
Every function draws for itself: the same seed may be handed to several of them. Lengths are in units of the ink's
size, its height or, where that is more, a twentieth of its width; so they mean the same for a letter and for a line.
"""

from __future__ import annotations

import zlib

import numpy as np
import tensorflow as tf


def _own(seed: tf.Tensor, name: str) -> tf.Tensor:
    """A seed of the function `name`, so that functions given the same seed draw independently."""
    return tf.random.experimental.stateless_fold_in(seed, zlib.crc32(name.encode()) >> 1)


def _uniform(seed: tf.Tensor, number: int, low: float, high: float) -> tf.Tensor:
    draw = tf.random.experimental.stateless_fold_in(seed, number)
    return tf.random.stateless_uniform([], draw, low, high)


def _middle(ink: tf.Tensor) -> tf.Tensor:
    """float32[2]: of the box around the ink."""
    return (tf.reduce_max(ink[:, :2], 0) + tf.reduce_min(ink[:, :2], 0)) / 2


def _size(ink: tf.Tensor) -> tf.Tensor:
    sides = tf.reduce_max(ink[:, :2], 0) - tf.reduce_min(ink[:, :2], 0)
    return tf.maximum(sides[1], sides[0] / 20)


def _turned(ink: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Ink whose places, from the middle of its box, are multiplied by float32[2, 2]."""
    middle = _middle(ink)
    return tf.concat([tf.matmul(ink[:, :2] - middle, matrix, transpose_b=True) + middle, ink[:, 2:]], 1)


def _stroke_of(ink: tf.Tensor) -> tf.Tensor:
    """int32[point]: the number of the stroke that each point is in."""
    return tf.cumsum(tf.cast(ink[:, 2] > 0.5, tf.int32), exclusive=True)


def scale(ink: tf.Tensor, seed: tf.Tensor, *, most: float = 0.2) -> tf.Tensor:
    """Stretches or shrinks each axis by a factor from exp(-most) to exp(most).

    Args:
      ink: float32[point, 3]; an empty one comes back empty.
      seed: int32[2].
      most: Largest logarithm of a factor.
    """
    seed = _own(seed, "scale")
    factors = tf.exp(tf.random.stateless_uniform([2], seed, -most, most))
    return _turned(ink, tf.linalg.diag(factors))


def slant(ink: tf.Tensor, seed: tf.Tensor, *, most: float = 0.3) -> tf.Tensor:
    """Shears the ink, so that upright strokes lean.

    Args:
      ink: float32[point, 3].
      seed: int32[2].
      most: Largest way in x for a unit of y, either side.
    """
    lean = _uniform(_own(seed, "slant"), 0, -most, most)
    return _turned(ink, tf.stack([tf.stack([1.0, lean]), tf.constant([0.0, 1.0])]))


def rotate(ink: tf.Tensor, seed: tf.Tensor, *, most: float = 0.2) -> tf.Tensor:
    """Turns the ink.

    Args:
      ink: float32[point, 3].
      seed: int32[2].
      most: Largest angle in radians, either side.
    """
    angle = _uniform(_own(seed, "rotate"), 0, -most, most)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return _turned(ink, tf.stack([tf.stack([cosine, -sine]), tf.stack([sine, cosine])]))


def change_speed(ink: tf.Tensor, seed: tf.Tensor, *, dropped: float = 0.15, doubled: float = 0.15) -> tf.Tensor:
    """Writes faster here and slower there: points drop out, which cuts corners, others get one more behind them.

    The first and the last point of every stroke stay.

    Args:
      ink: float32[point, 3].
      seed: int32[2].
      dropped: Share of the points within strokes that drop out.
      doubled: Share of the points that get another one halfway to the next.
    """
    draws = tf.random.stateless_uniform(tf.shape(ink)[:1], _own(seed, "change_speed"))
    ends = ink[:, 2] > 0.5
    starts = tf.concat([tf.ones_like(ends[:1]), ends[:-1]], 0)
    within = ~ends & ~starts & (tf.range(tf.shape(ink)[0]) < tf.shape(ink)[0] - 1)
    kept = tf.where(within & (draws < dropped), 0, tf.where(~ends & (draws > 1 - doubled), 2, 1))
    rows = tf.repeat(tf.range(tf.shape(ink)[0]), kept)
    second = tf.concat([tf.zeros_like(rows[:1], tf.bool), rows[1:] == rows[:-1]], 0)
    following = tf.gather(ink, tf.minimum(rows + 1, tf.shape(ink)[0] - 1))
    here = tf.gather(ink, rows)
    halfway = tf.concat([(here + following)[:, :2] / 2, here[:, 2:]], 1)
    return tf.where(second[:, None], halfway, here)


def jitter_strokes(ink: tf.Tensor, seed: tf.Tensor, *, spread: float = 0.04) -> tf.Tensor:
    """Moves every stroke by itself.

    Args:
      ink: float32[point, 3].
      seed: int32[2].
      spread: Standard deviation of the way in x and in y.
    """
    stroke = _stroke_of(ink)
    count = tf.reduce_max(tf.concat([stroke, [0]], 0)) + 1
    ways = spread * _size(ink) * tf.random.stateless_normal([count, 2], _own(seed, "jitter_strokes"))
    return tf.concat([ink[:, :2] + tf.gather(ways, stroke), ink[:, 2:]], 1)


def warp(ink: tf.Tensor, seed: tf.Tensor, *, spread: float = 0.04, waves: int = 3, shortest: float = 0.7) -> tf.Tensor:
    """Bends the paper: every place moves by a sum of plane waves, so that what touches goes on touching.

    Args:
      ink: float32[point, 3].
      seed: int32[2].
      spread: Standard deviation of the way in x and in y.
      waves: Number of waves.
      shortest: Wavelength of the fastest; they go up to three times that.

    Source:
      The idea of Simard, Steinkraus and Platt 2003, Best Practices for Convolutional Neural Networks Applied to Visual
      Document Analysis (elastic distortions), with waves in place of blurred noise.
    """
    seed = _own(seed, "warp")
    draws = tf.random.stateless_uniform([3, waves], seed)
    angle, phase = 2 * np.pi * draws[0], 2 * np.pi * draws[1]
    number = 2 * np.pi / (shortest * tf.pow(3.0, draws[2]))
    size = _size(ink)
    places = tf.math.divide_no_nan(ink[:, :2] - _middle(ink), size)
    along = tf.matmul(places, tf.stack([tf.cos(angle), tf.sin(angle)]) * number) + phase
    strength = tf.random.stateless_normal([waves, 2], tf.random.experimental.stateless_fold_in(seed, 1))
    moved = spread * np.sqrt(2 / waves) * tf.matmul(tf.sin(along), strength)
    return tf.concat([ink[:, :2] + size * moved, ink[:, 2:]], 1)


def trim(ink: tf.Tensor, seed: tf.Tensor, *, most: float = 0.15) -> tf.Tensor:
    """Cuts up to a share of its points off each end of every stroke; at least one point stays.

    Args:
      ink: float32[point, 3].
      seed: int32[2].
      most: Largest share of a stroke's points that one end loses, below 1/2.
    """
    stroke = _stroke_of(ink)
    count = tf.reduce_max(tf.concat([stroke, [0]], 0)) + 1
    sizes = tf.math.unsorted_segment_sum(tf.ones_like(stroke), stroke, count)
    ends = tf.cumsum(sizes)
    place = tf.range(tf.shape(ink)[0]) - tf.gather(ends - sizes, stroke)
    shares = tf.random.stateless_uniform([2, count], _own(seed, "trim"), 0, most)
    cut = tf.cast(tf.floor(shares * tf.cast(sizes, tf.float32)), tf.int32)
    left = tf.gather(sizes - cut[1], stroke)
    kept = (place >= tf.gather(cut[0], stroke)) & (place < left)
    raised = tf.cast(place == left - 1, tf.float32) * tf.gather(_lifted(ink, stroke, count), stroke)
    return tf.boolean_mask(tf.concat([ink[:, :2], raised[:, None]], 1), kept)


def _lifted(ink: tf.Tensor, stroke: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """float32[stroke]: 1 where the pen is up at a stroke's end; it may be down at the last one's."""
    return tf.math.unsorted_segment_max(ink[:, 2], stroke, count)
