"""Audio in: bytes of WAV files, or samples with their length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.inputs.audio import wav_bytes
from zoo.signatures import Edges, Signature
from zoo.types import Spec


def signatures(input: Spec) -> dict[str, Signature]:
    """`serving_default(audio: string[batch])` and `samples(samples: float32[batch, sample], length: int32[batch])`."""
    rate = input.rate_hz

    def from_wav(audio: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return decode_wav(audio, rate)

    def from_samples(samples: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return samples, length

    def pack_wav(examples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return {"audio": np.array([wav_bytes(samples, rate) for samples in examples], object)}

    def pack_samples(examples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        padded = np.zeros((len(examples), max(map(len, examples))), np.float32)
        for row, samples in zip(padded, examples, strict=True):
            row[: len(samples)] = samples
        return {"samples": padded, "length": np.array([len(samples) for samples in examples], np.int32)}

    wav = Signature(inputs=(tf.TensorSpec([None], tf.string, "audio"),), to_raw=from_wav, pack=pack_wav)
    plain = Signature(
        inputs=(tf.TensorSpec([None, None], tf.float32, "samples"), tf.TensorSpec([None], tf.int32, "length")),
        to_raw=from_samples,
        pack=pack_samples,
    )
    return {"serving_default": wav, "samples": plain}


def decode_wav(audio: tf.Tensor, rate_hz: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Samples of WAV files, channels averaged.

    Args:
      audio: string[batch], each the bytes of a 16-bit PCM WAV file.
      rate_hz: The rate that the files must have.

    Returns:
      float32[batch, sample] in [-1, 1], right-padded with zeros, and int32[batch] lengths.

    Raises:
      tf.errors.InvalidArgumentError: A file has another rate (both are named), or is not 16-bit PCM WAV.
    """

    def decode(contents: tf.Tensor) -> tf.Tensor:
        samples, rate = tf.audio.decode_wav(contents)  # float32[sample, channel]
        message = ["the audio has another sample rate than the model, in Hz: got", rate, "but the model takes", rate_hz]
        with tf.control_dependencies([tf.debugging.Assert(tf.equal(rate, rate_hz), message)]):
            return tf.reduce_mean(samples, axis=-1)

    rows = tf.map_fn(decode, audio, fn_output_signature=tf.RaggedTensorSpec([None], tf.float32))
    return rows.to_tensor(), tf.cast(rows.row_lengths(), tf.int32)


def edges(input: Spec, longest: int) -> Edges:
    """Silence, one sample, and noise ten times as long as anything seen; a wrong rate, no WAV, a wrong rank."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 10 * longest)
    sixteen_bit = (np.round(noise * 32767) / 32768).astype(np.float32)
    wrong_rate = np.array([wav_bytes(np.zeros(100, np.float32), input.rate_hz * 2)], object)
    return Edges(
        legal={
            "empty": np.zeros(0, np.float32),
            "shortest": np.full(1, 0.25, np.float32),
            "silent": np.zeros(input.rate_hz, np.float32),
            "longest": sixteen_bit,
        },
        malformed={
            "wrong rate": ("serving_default", {"audio": wrong_rate}),
            "not a WAV file": ("serving_default", {"audio": np.array([b"no audio at all"], object)}),
            "wrong rank": ("samples", {"samples": np.zeros(8, np.float32), "length": np.zeros(1, np.int32)}),
        },
    )
