"""What stands beside keywords and behind them: other words, silence and noise, some of it another at every draw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from zoo.datasets.clips import Clip
from zoo.inputs.audio import FULL_SCALE

NOISY, LOUDEST = 0.8, 0.1  # share of clips with noise behind them, and the largest factor of it
VAL_NOISE = 0.2  # share of each recording of noise, its end, from which silence for val is cut
Example = dict[str, tf.Tensor]


def parts(recordings: Sequence[np.ndarray], most: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise for train and noise for val, int16[sample] each, from recordings int16[sample], joined.

    Args:
      recordings: Each is cut once.
      most: Samples of one cut, which each of the two has at least; the recordings are repeated where they are shorter.
    """
    cuts = [round(len(recording) * (1 - VAL_NOISE)) for recording in recordings]
    train = np.concatenate([recording[:cut] for recording, cut in zip(recordings, cuts, strict=True)])
    val = np.concatenate([recording[cut:] for recording, cut in zip(recordings, cuts, strict=True)])
    return tuple(np.resize(noise, max(most, len(noise))) for noise in (train, val))


def silences(noise: np.ndarray, count: int, size: int, label: int, name: str) -> list[Clip]:
    """Clips of noise alone, evenly apart in int16[sample]; `name` and a number are their ids."""
    starts = np.linspace(0, len(noise) - size, count).astype(int)
    return [
        Clip(f"{name}-{number:05d}", noise[start : start + size], label) for number, start in enumerate(starts.tolist())
    ]


def some(ids: Sequence[str], count: int) -> list[int]:
    """Places of `count` ids, by a hash of them, so that nobody chose."""
    order = sorted(range(len(ids)), key=lambda place: hashlib.sha256(ids[place].encode()).digest())
    return order[:count]


class Pool:
    """Clips to draw from, int16[clip, sample], padded at the end; `add` fills it.

    Args:
      count: Of clips.
      size: Samples of the longest.
    """

    def __init__(self, count: int, size: int):
        self.samples = np.zeros((count, size), np.int16)
        self.lengths = np.zeros(count, np.int32)
        self.ids: list[str] = []

    def add(self, id: str, samples: np.ndarray) -> None:
        """Puts one clip behind the others."""
        place = len(self.ids)
        self.samples[place, : len(samples)] = samples
        self.lengths[place] = len(samples)
        self.ids.append(id)

    def clip(self, place: int, label: int) -> Clip:
        """One of them."""
        return Clip(self.ids[place], self.samples[place, : self.lengths[place]], label)


def noisy(noise: np.ndarray) -> Callable[[Example, tf.Tensor], Example]:
    """`(example, seed: int32[2]) -> example` with noise behind it.

    Args:
      noise: int16[sample], as long as the longest example or longer.
    """
    heard = tf.constant(noise)

    def vary(example: Example, seed: tf.Tensor) -> Example:
        return {**example, "input": _with_noise(example["input"], heard, seed)}

    return vary


def drawn(noise: np.ndarray, others: Pool, *, unknown: int, silence: int) -> Callable[[Example, tf.Tensor], Example]:
    """The same, which also puts another one of the others in the place of an unknown word, and another silence.

    Args:
      noise: As of `noisy`.
      others: Words that are unknown.
      unknown: Their class.
      silence: That of noise alone, which is as loud as recorded or softer.
    """
    heard, samples, lengths = (tf.constant(values) for values in (noise, others.samples, others.lengths))

    def another(seed: tf.Tensor) -> tf.Tensor:
        place = tf.random.stateless_uniform([], seed, 0, tf.shape(lengths)[0], tf.int32)
        return _floats(samples[place, : lengths[place]])

    def vary(example: Example, seed: tf.Tensor) -> Example:
        seeds = [tf.random.experimental.stateless_fold_in(seed, number) for number in range(101, 104)]
        audio = tf.cond(example["target"] == unknown, lambda: another(seeds[0]), lambda: example["input"])
        loudness = tf.random.stateless_uniform([], seeds[1])
        audio = tf.cond(
            example["target"] == silence,
            lambda: loudness * _cut(heard, tf.shape(audio)[0], seeds[2]),
            lambda: _with_noise(audio, heard, seed),
        )
        return {**example, "input": audio}

    return vary


def _with_noise(audio: tf.Tensor, noise: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    draw, volume, place = (tf.random.experimental.stateless_fold_in(seed, number) for number in range(104, 107))
    factor = tf.random.stateless_uniform([], volume, 0.0, LOUDEST)
    factor = tf.where(tf.random.stateless_uniform([], draw) < NOISY, factor, 0.0)
    return audio + factor * _cut(noise, tf.shape(audio)[0], place)


def _cut(noise: tf.Tensor, size: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    start = tf.random.stateless_uniform([], seed, 0, tf.shape(noise)[0] - size + 1, tf.int32)
    return _floats(noise[start : start + size])


def _floats(samples: tf.Tensor) -> tf.Tensor:
    return tf.cast(samples, tf.float32) / FULL_SCALE
