"""Log-mel features of sound, with lengths carried along so that no clip sees its padding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from zoo.types import Spec, UsageError

SMALLEST_POWER = 1e-10  # below 16-bit quantisation noise in any band; keeps the logarithm finite in digital silence
ADAPT_BATCH = 32  # clips
LEAST_DEVIATION = 0.1  # nats; no band of real sound varies less, and one that does must not be blown up


def mel_of_hz(hz: np.ndarray) -> np.ndarray:
    """Mel of frequencies in Hz on Slaney's scale: linear below 1 kHz, logarithmic above.

    Source:
      Slaney 1998, Auditory Toolbox, Interval technical report 1998-010; librosa's `htk=False`.
    """
    hz = np.asarray(hz, np.float64)
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def hz_of_mel(mel: np.ndarray) -> np.ndarray:
    """The inverse of `mel_of_hz`."""
    mel = np.asarray(mel, np.float64)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * np.log(6.4) / 27))


def mel_matrix(bins: int, bands: int, rate_hz: int, low_hz: float, high_hz: float) -> np.ndarray:
    """float32[bin, band]: triangles of equal area over the bins of a spectrum from 0 Hz to half the rate.

    Source:
      `librosa.filters.mel` with `htk=False` and `norm="slaney"`.
    """
    edges = hz_of_mel(np.linspace(mel_of_hz(low_hz), mel_of_hz(high_hz), bands + 2))
    hz = np.linspace(0, rate_hz / 2, bins)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.maximum(0, np.minimum((hz - left) / (centre - left), (right - hz) / (right - centre)))
    return (triangles * 2 / (right - left)).astype(np.float32)


@keras.saving.register_keras_serializable(package="zoo")
class LogMel(keras.layers.Layer):
    """Log-mel spectrogram of right-padded sound, normalised clip by clip, or by what was learnt of the train split.

    `layer(values: float32[batch, sample], length: int32[batch])` gives `(features: float32[batch, step, mel * stack],
    length: int32[batch])` with at least one step for every clip, also for an empty one, and zeros past its length.

    Frames start at the clip's first sample, the last one is filled up with silence; Hann window, power spectrum, mel
    bands on Slaney's scale with equal area, natural logarithm. Values lower than the loudest of the clip by more
    than `range_db` are raised to that floor: recordings differ more in their noise floor than in their speech. Then
    the clip's mean over all frames and bands is taken off, which removes the gain, and the share `band_mean` of what
    remains of each band's own mean, which removes part of the microphone and of the speaker. All of it is measured on
    the clip's true frames alone.

    That needs the whole clip. A model that answers while it listens has `normalise="train"`: `adapt` learns the mean
    and the deviation of each band over the train clips, to be taken off and divided by; `range_db`, `band_mean` and
    `scale` are not looked at.

    Args:
      rate_hz: Samples per second of the input.
      mel: Number of mel bands.
      frame_ms: Length of the window.
      hop_ms: From one window to the next.
      low_hz: Lower edge of the lowest band.
      high_hz: Upper edge of the highest band; None for half the rate.
      stack: Frames joined into one step; the last step of a clip is filled up with zeros, the clip's mean.
      range_db: Depth of the floor under the clip's loudest value; None for no floor.
      band_mean: Share, 0 to 1, of each band's mean that is removed.
      scale: Nats that become 1 in the features.
      normalise: By what the clip itself shows, or by what `adapt` learnt.

    Raises:
      UsageError: `normalise` is neither, or a band's edges are out of order or above half the rate.
    """

    def __init__(
        self,
        *,
        rate_hz: int,
        mel: int = 40,
        frame_ms: float = 25.0,
        hop_ms: float = 10.0,
        low_hz: float = 20.0,
        high_hz: float | None = None,
        stack: int = 1,
        range_db: float | None = 35.0,
        band_mean: float = 0.5,
        scale: float = 4.0,
        normalise: Literal["clip", "train"] = "clip",
        **kwargs: object,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.rate_hz, self.mel, self.frame_ms, self.hop_ms = rate_hz, mel, frame_ms, hop_ms
        self.low_hz, self.high_hz, self.stack = low_hz, high_hz, stack
        self.range_db, self.band_mean, self.scale, self.normalise = range_db, band_mean, scale, normalise
        if normalise not in ("clip", "train"):
            raise UsageError(f"`normalise` must be clip or train, got {normalise!r}.")
        highest = rate_hz / 2 if high_hz is None else high_hz
        if not 0 <= low_hz < highest <= rate_hz / 2:
            raise UsageError(
                f"`low_hz` {low_hz} and `high_hz` {high_hz} must be in order and within 0 to {rate_hz / 2} Hz, half "
                f"of `rate_hz` {rate_hz}. Narrow the bands or raise the rate."
            )
        self.frame, self.hop = round(rate_hz * frame_ms / 1000), round(rate_hz * hop_ms / 1000)
        self._fft = 1 << (self.frame - 1).bit_length()
        self._matrix = mel_matrix(self._fft // 2 + 1, mel, rate_hz, low_hz, highest)
        if normalise == "train":
            self.mean, self.deviation = (
                self.add_weight(shape=(mel,), initializer=start, trainable=False, name=name)
                for name, start in (("mean", "zeros"), ("deviation", "ones"))
            )

    def adapt(self, clips: Iterable[np.ndarray]) -> None:
        """Learns the mean and the deviation of each band; nothing, and reads no clip, where clips show their own.

        Args:
          clips: float32[sample] of the train split, read once.
        """
        if self.normalise == "clip":
            return
        count, sums, squares = 0, np.zeros(self.mel), np.zeros(self.mel)
        clips = iter(clips)
        while group := list(itertools.islice(clips, ADAPT_BATCH)):
            length = tf.constant([len(clip) for clip in group], tf.int32)
            values = np.zeros((len(group), max(map(len, group))), np.float32)
            for row, clip in zip(values, group, strict=True):
                row[: len(clip)] = clip
            bands, frames = self._padded_bands(tf.constant(values), length)
            there = tf.boolean_mask(bands, tf.sequence_mask(frames, tf.shape(bands)[1])).numpy().astype(np.float64)
            count, sums, squares = count + len(there), sums + there.sum(0), squares + np.square(there).sum(0)
        mean = sums / count
        self.mean.assign(mean)
        self.deviation.assign(np.maximum(np.sqrt(np.maximum(squares / count - mean**2, 0)), LEAST_DEVIATION))

    def get_state(self) -> dict[str, list[list[float]]]:
        """What `adapt` learnt, as plain values for JSON."""
        return {"weights": [weight.numpy().tolist() for weight in self.weights]}

    def set_state(self, state: dict[str, list[list[float]]]) -> None:
        """Puts back what `get_state` gave."""
        self.set_weights([np.array(values, np.float32) for values in state["weights"]])

    def frames(self, length: tf.Tensor) -> tf.Tensor:
        """int32[...]: how many frames there are of so many samples, the last one perhaps filled up with silence."""
        return 1 - tf.minimum(self.frame - length, 0) // self.hop

    def bands(self, values: tf.Tensor) -> tf.Tensor:
        """float32[batch, frame, mel]: log power of each whole frame of float32[batch, sample]."""
        spectrum = tf.signal.stft(values, self.frame, self.hop, self._fft)
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        return tf.math.log(tf.maximum(tf.tensordot(power, self._matrix, 1), SMALLEST_POWER))

    def standardised(self, bands: tf.Tensor) -> tf.Tensor:
        """Bands float32[batch, frame, mel] by what `adapt` learnt; every frame by itself."""
        return (bands - self.mean) / self.deviation

    def _padded_bands(self, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        values = tf.where(tf.sequence_mask(length, tf.shape(values)[1]), values, 0.0)
        return self.bands(tf.pad(values, [[0, 0], [0, self.frame]])), self.frames(length)

    def call(self, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features float32[batch, step, mel * stack] and their lengths int32[batch].

        Args:
          values: float32[batch, sample], in -1 to 1, anything past `length`.
          length: int32[batch], true samples.
        """
        length = tf.minimum(tf.cast(length, tf.int32), tf.shape(values)[1])
        bands, frames = self._padded_bands(values, length)
        steps = -(-frames // self.stack)
        most = tf.reduce_max(steps)
        mask = tf.sequence_mask(frames, tf.shape(bands)[1])
        if self.normalise == "clip":
            bands = self._normalised(bands, mask)
        else:
            bands = tf.where(mask[:, :, None], self.standardised(bands), 0.0)
        missing = tf.maximum(most * self.stack - tf.shape(bands)[1], 0)
        bands = tf.pad(bands, [[0, 0], [0, missing], [0, 0]])[:, : most * self.stack]
        return tf.reshape(bands, [-1, most, self.mel * self.stack]), steps

    def _normalised(self, bands: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        weight = tf.cast(mask, bands.dtype)[:, :, None]
        if self.range_db is not None:
            loudest = tf.reduce_max(tf.where(mask[:, :, None], bands, -np.inf), axis=[1, 2], keepdims=True)
            bands = tf.maximum(bands, loudest - self.range_db * np.log(10) / 10)
        band_means = tf.reduce_sum(bands * weight, 1, keepdims=True) / tf.reduce_sum(weight, 1, keepdims=True)
        mean = tf.reduce_mean(band_means, 2, keepdims=True)
        return (bands - mean - self.band_mean * (band_means - mean)) / self.scale * weight

    def features(self, input: Spec) -> Spec:
        """What this layer makes of `input`.

        Raises:
          UsageError: `input` is not sound at this layer's rate.
        """
        if input.kind != "audio" or input.rate_hz != self.rate_hz:
            raise UsageError(f"`LogMel` takes audio at {self.rate_hz} Hz, got {input}. Resample it or set `rate_hz`.")
        shape = (None, self.mel * self.stack)
        return Spec(
            name="features", kind="series", shape=shape, dtype="float32", axes=("step", "band"), unit="log power"
        )

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        names = ("rate_hz", "mel", "frame_ms", "hop_ms", "low_hz", "high_hz", "stack")
        names += ("range_db", "band_mean", "scale", "normalise")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
