"""Random changes of one training clip, each a pure function of the clip and a seed.

Sound is `float32[sample]`, features are `float32[frame, bin]` with one frame per row; `seed` is int32[2]. All of it
runs inside `tf.data`. `frames_of` and `steps_of` undo and redo the stacking of `LogMel`.
Every function draws for itself: the same seed may be handed to several of them.
"""

from __future__ import annotations

import zlib

import numpy as np
import tensorflow as tf


def _own(seed: tf.Tensor, name: str) -> tf.Tensor:
    """A seed of the function `name`, so that functions given the same seed draw independently."""
    return tf.random.experimental.stateless_fold_in(seed, zlib.crc32(name.encode()) >> 1)


def _uniform(seed: tf.Tensor, number: int, low: float | tf.Tensor, high: float | tf.Tensor) -> tf.Tensor:
    draw = tf.random.experimental.stateless_fold_in(seed, number)
    return tf.random.stateless_uniform([], draw, low, high)


def _at(values: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Rows of `values` at fractional places float32[place], by linear interpolation, the ends held."""
    places = tf.clip_by_value(places, 0.0, tf.cast(tf.shape(values)[0] - 1, tf.float32))
    below = tf.cast(tf.floor(places), tf.int32)
    above = tf.minimum(below + 1, tf.shape(values)[0] - 1)
    share = places - tf.cast(below, tf.float32)
    share = tf.reshape(share, tf.concat([[-1], tf.ones(tf.rank(values) - 1, tf.int32)], 0))
    return tf.gather(values, below) * (1 - share) + tf.gather(values, above) * share


def change_speed(sound: tf.Tensor, seed: tf.Tensor, *, low: float = 0.8, high: float = 1.25) -> tf.Tensor:
    """Plays sound faster or slower, so that pitch, formants and tempo move together.

    Args:
      sound: float32[sample]; an empty one comes back empty.
      seed: int32[2].
      low: Slowest factor.
      high: Fastest factor; factors are drawn evenly on a logarithmic scale.

    Source:
      Ko et al. 2015, Audio Augmentation for Speech Recognition.
    """
    seed = _own(seed, "change_speed")
    factor = tf.exp(_uniform(seed, 0, tf.math.log(low), tf.math.log(high)))
    before = tf.shape(sound)[0]
    after = tf.cast(tf.round(tf.cast(before, tf.float32) / factor), tf.int32)
    # by Fourier transform: linear interpolation between samples would dull the fricatives
    spectrum = tf.signal.rfft(tf.pad(sound, [[0, 2 - tf.minimum(before, 2)]]))
    kept = tf.minimum(tf.shape(spectrum)[0], after // 2 + 1)
    spectrum = tf.pad(spectrum[:kept], [[0, after // 2 + 1 - kept]])
    scale = tf.cast(after, tf.float32) / tf.cast(tf.maximum(before, 2), tf.float32)
    return tf.cond(after > 1, lambda: tf.signal.irfft(spectrum, [after]) * scale, lambda: tf.identity(sound))


def add_noise(
    sound: tf.Tensor, seed: tf.Tensor, *, low_db: float = 8.0, high_db: float = 30.0, share: float = 0.5
) -> tf.Tensor:
    """Adds white noise to a share of the clips.

    Args:
      sound: float32[sample].
      seed: int32[2].
      low_db: Loudest noise, as ratio of the clip's mean power to the noise's.
      high_db: Faintest noise.
      share: Probability that noise is added at all.
    """
    seed = _own(seed, "add_noise")
    power = tf.math.divide_no_nan(tf.reduce_sum(tf.square(sound)), tf.cast(tf.size(sound), tf.float32))
    level = tf.sqrt(power) * tf.pow(10.0, -_uniform(seed, 0, low_db, high_db) / 20)
    noise = tf.random.stateless_normal(tf.shape(sound), tf.random.experimental.stateless_fold_in(seed, 1))
    return sound + tf.cast(_uniform(seed, 2, 0.0, 1.0) < share, tf.float32) * level * noise


def change_gain(sound: tf.Tensor, seed: tf.Tensor, *, most_db: float = 10.0) -> tf.Tensor:
    """Makes sound louder or softer.

    Args:
      sound: float32[sample].
      seed: int32[2].
      most_db: Largest change, up or down.
    """
    seed = _own(seed, "change_gain")
    return sound * tf.pow(10.0, _uniform(seed, 0, -most_db, most_db) / 20)


def shift_time(sound: tf.Tensor, seed: tf.Tensor, *, most: int) -> tf.Tensor:
    """Moves sound earlier or later within its length, with silence where it came from.

    Args:
      sound: float32[sample].
      seed: int32[2].
      most: Samples.

    Source:
      Warden 2018, Speech Commands, section 6 (100 ms of one-second clips).
    """
    seed = _own(seed, "shift_time")
    size = tf.shape(sound)[0]
    most = tf.minimum(most, size)
    shift = tf.cast(tf.floor(_uniform(seed, 0, 0.0, 1.0) * tf.cast(2 * most + 1, tf.float32)), tf.int32) - most
    padded = tf.pad(sound, [[most, most]])
    return padded[most - shift : most - shift + size]


def frames_of(steps: tf.Tensor, stack: int) -> tf.Tensor:
    """float32[step * stack, bin] of stacked float32[step, stack * bin]."""
    return tf.reshape(steps, [tf.shape(steps)[0] * stack, steps.shape[1] // stack])


def steps_of(frames: tf.Tensor, stack: int) -> tf.Tensor:
    """The inverse of `frames_of`; the last step is filled up with zeros."""
    frames = tf.pad(frames, [[0, -tf.shape(frames)[0] % stack], [0, 0]])
    return tf.reshape(frames, [tf.shape(frames)[0] // stack, stack * frames.shape[1]])


def stretch_time(
    frames: tf.Tensor, seed: tf.Tensor, *, low: float = 0.8, high: float = 1.25, share: float = 0.5
) -> tf.Tensor:
    """Changes the tempo alone of a share of the clips, by interpolating between frames; at least one frame stays.

    Args:
      frames: float32[frame, bin].
      seed: int32[2].
      low: Slowest factor.
      high: Fastest factor; drawn evenly on a logarithmic scale.
      share: Probability that the tempo is changed at all.
    """
    seed = _own(seed, "stretch_time")
    factor = tf.exp(_uniform(seed, 0, tf.math.log(low), tf.math.log(high)))
    factor = tf.where(_uniform(seed, 1, 0.0, 1.0) < share, factor, 1.0)
    count = tf.cast(tf.math.ceil(tf.cast(tf.shape(frames)[0], tf.float32) / factor), tf.int32)
    return _at(frames, tf.cast(tf.range(count), tf.float32) * factor)


def shift_mel(frames: tf.Tensor, seed: tf.Tensor, *, most: float = 2.0) -> tf.Tensor:
    """Moves the spectrum up or down the mel axis by up to `most` bins, a fraction of a bin included.

    Args:
      frames: float32[frame, bin].
      seed: int32[2].
      most: Bins.
    """
    seed = _own(seed, "shift_mel")
    places = tf.range(frames.shape[1], dtype=tf.float32) + _uniform(seed, 0, -most, most)
    return tf.transpose(_at(tf.transpose(frames), places))


def colour(frames: tf.Tensor, seed: tf.Tensor, *, spread: float = 0.12, waves: int = 4) -> tf.Tensor:
    """Filters the clip by a smooth random frequency response, as another microphone or throat would.

    The response in the log-mel domain is a sum of cosines over the bins, of 1/2 to `waves` / 2 periods, the faster
    ones weaker.

    Args:
      frames: float32[frame, bin].
      seed: int32[2].
      spread: Standard deviation of the slowest cosine, in the features' unit.
      waves: Number of cosines.

    Source:
      The idea of Nam, Kim and Park 2022, FilterAugment, with cosines in place of random bands.
    """
    seed = _own(seed, "colour")
    order = tf.range(1, waves + 1, dtype=tf.float32)
    weights = spread * tf.random.stateless_normal([waves], seed) / (1 + 0.5 * (order - 1))
    place = tf.linspace(0.0, 1.0, frames.shape[1])
    return frames + tf.linalg.matvec(tf.cos(np.pi * place[:, None] * order), weights)


def raise_floor(frames: tf.Tensor, seed: tf.Tensor, *, depth: float, most: float, share: float = 0.5) -> tf.Tensor:
    """Lifts the floor of a share of the clips, as in a recording with more noise.

    Args:
      frames: float32[frame, bin].
      seed: int32[2].
      depth: How far the floor lies under the clip's loudest value, in the features' unit.
      most: Largest lift, in the same unit.
      share: Probability that the floor is lifted at all.
    """
    seed = _own(seed, "raise_floor")
    lift = tf.where(_uniform(seed, 0, 0.0, 1.0) < share, _uniform(seed, 1, 0.0, most), 0.0)
    return tf.maximum(frames, tf.reduce_max(frames) - depth + lift)


def change_contrast(frames: tf.Tensor, seed: tf.Tensor, *, most: float = 0.15) -> tf.Tensor:
    """Multiplies the features by a factor from exp(-most) to exp(most).

    Args:
      frames: float32[frame, bin].
      seed: int32[2].
      most: Largest logarithm of the factor.
    """
    seed = _own(seed, "change_contrast")
    return frames * tf.exp(_uniform(seed, 0, -most, most))


def mask_time(frames: tf.Tensor, seed: tf.Tensor, *, most: float = 0.12, count: int = 1) -> tf.Tensor:
    """Sets stretches of frames to zero, the clip's mean.

    Args:
      frames: float32[frame, bin].
      seed: int32[2].
      most: Longest stretch, as a share of the frames.
      count: Number of stretches.

    Source:
      Park et al. 2019, SpecAugment, with lengths relative to the clip as in Park et al. 2020.
    """
    seed = _own(seed, "mask_time")
    return _masked(frames, seed, most * tf.cast(tf.shape(frames)[0], tf.float32), count, axis=0)


def mask_mel(frames: tf.Tensor, seed: tf.Tensor, *, most: int = 8, count: int = 1) -> tf.Tensor:
    """Sets ranges of bins to zero, the clip's mean.

    Args:
      frames: float32[frame, bin].
      seed: int32[2].
      most: Widest range in bins.
      count: Number of ranges.

    Source:
      Park et al. 2019, SpecAugment.
    """
    seed = _own(seed, "mask_mel")
    return _masked(frames, seed, tf.cast(most, tf.float32), count, axis=1)


def _masked(frames: tf.Tensor, seed: tf.Tensor, most: tf.Tensor, count: int, axis: int) -> tf.Tensor:
    size = tf.shape(frames)[axis]
    for number in range(count):
        width = tf.cast(tf.floor(_uniform(seed, 2 * number, 0.0, 1.0) * (most + 1)), tf.int32)
        room = tf.cast(size - width + 1, tf.float32)
        start = tf.cast(tf.floor(_uniform(seed, 2 * number + 1, 0.0, 1.0) * room), tf.int32)
        places = tf.range(size)
        kept = tf.cast((places < start) | (places >= start + width), frames.dtype)
        frames = frames * tf.expand_dims(kept, 1 - axis)
    return frames
