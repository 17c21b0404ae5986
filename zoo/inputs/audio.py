"""Audio files in and out: any rate, any channel count, any container that libsndfile reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from zoo.types import UsageError

FULL_SCALE = 32768  # of a 16-bit sample, so that int16 values and floats in [-1, 1) map onto each other exactly


def read_audio(path: Path | str, rate_hz: int) -> np.ndarray:
    """Reads an audio file as one channel at one rate.

    Args:
      path: WAV, FLAC, Ogg (Vorbis or Opus), MP3 or whatever else libsndfile reads.
      rate_hz: Samples per second wanted; other rates are resampled by soxr, quality HQ.

    Returns:
      float32[sample] in [-1, 1], the mean of all channels.

    Raises:
      UsageError: No such file, a folder, not audio, no samples, or samples that are not finite.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"`{path}` does not exist; give the path of an audio file.")
    if path.is_dir():
        raise UsageError(f"`{path}` is a folder; give the path of an audio file.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}; give a file that you may open.") from None
    try:
        return decode_audio(content, rate_hz)
    except ValueError as error:
        raise UsageError(f"`{path}`: {error}; give a WAV, FLAC, Ogg, Opus or MP3 file.") from None


def decode_audio(content: bytes, rate_hz: int) -> np.ndarray:
    """Decodes the bytes of an audio file as one channel at one rate.

    Args:
      content: A whole file.
      rate_hz: Samples per second wanted.

    Returns:
      float32[sample] in [-1, 1], at least one sample.

    Raises:
      ValueError: The reason why these bytes are no usable audio, as half a sentence.
    """
    if not content:
        raise ValueError("the file is empty (0 bytes)")
    try:
        channels, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
        raise ValueError(f"not audio that can be read ({reason})") from None
    if not len(channels):
        raise ValueError("zero-length audio (no samples)")
    if not np.isfinite(channels).all():
        raise ValueError("has samples that are NaN or infinite")
    samples = channels.mean(axis=1, dtype=np.float32)
    if rate != rate_hz:
        seconds = len(samples) / rate
        samples = soxr.resample(samples, rate, rate_hz, "HQ")
        if not len(samples):
            raise ValueError(f"zero-length audio at {rate_hz} Hz (it lasts {seconds:.6f} s)")
    return np.clip(samples, -1.0, 1.0)  # resampling and MP3 overshoot by a little


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Rounds float32[sample] in [-1, 1] to int16[sample]; what came from int16 comes back unchanged."""
    scaled = np.round(np.asarray(samples, np.float32) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def wav_bytes(samples: np.ndarray, rate_hz: int) -> bytes:
    """Writes samples as the bytes of a mono 16-bit PCM WAV file, what the exported model takes.

    Args:
      samples: float32[sample] in [-1, 1], or int16[sample].
      rate_hz: Samples per second.
    """
    pcm = samples if samples.dtype == np.int16 else to_int16(samples)
    file = io.BytesIO()
    soundfile.write(file, pcm, rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()
