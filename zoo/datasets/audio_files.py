"""The user's audio files, decoded anew each time they are passed over, so that hours of sound need no memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.datasets import tables
from zoo.datasets.listed_files import Entry
from zoo.datasets.unchanged_files import CHANGED
from zoo.inputs.audio import FULL_SCALE, decode_audio, to_int16


@dataclass(frozen=True)
class Audio:
    """What a file holds: seconds of sound, and the SHA-256 of its bytes."""

    seconds: float
    checksum: str


def read_all(entries: Sequence[Entry], rate_hz: int) -> list[Audio | str]:
    """What each file holds at the rate wanted, or the reason why it is no usable audio."""

    def read(entry: Entry) -> Audio | str:
        named = "" if entry.place == str(entry.file) else f"`{entry.id}` "
        try:
            samples, checksum = _decoded(entry.file, rate_hz)
        except ValueError as error:
            return f"{named}{error}"
        return Audio(len(samples) / rate_hz, checksum)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # libsndfile and soxr let go of the GIL
        return list(pool.map(read, entries))


def as_dataset(
    entries: Sequence[Entry], audio: Mapping[str, Audio], targets: Sequence[str] | np.ndarray, rate_hz: int
) -> tf.data.Dataset:
    """Recordings as `{"id": string[], "input": float32[sample] in [-1, 1], "target"}`, in the order given.

    A pass over them raises where a file has changed since it was checked; `unchanged_files.unchanged` makes one line of
    that.

    Args:
      entries: Where they are.
      audio: What each held when it was checked, by its id.
      targets: A text for each, or int64[entry] indices of classes.
      rate_hz: Samples per second.
    """

    def read(file: bytes, checksum: bytes) -> np.ndarray:
        try:
            samples, found = _decoded(Path(os.fsdecode(file)), rate_hz)
        except ValueError:
            found = ""
        if found != checksum.decode():
            raise ValueError(f"`{os.fsdecode(file)}` {CHANGED}")
        return samples.astype(np.float32) / FULL_SCALE

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        samples = tf.numpy_function(read, [row["file"], row["checksum"]], tf.float32)
        return {"id": row["id"], "input": tf.ensure_shape(samples, (None,)), "target": row["target"]}

    columns = {
        "id": [entry.id for entry in entries],
        "file": [os.fsencode(entry.file) for entry in entries],
        "checksum": [audio[entry.id].checksum for entry in entries],
        "target": targets,
    }
    return tf.data.Dataset.from_tensor_slices(columns).map(example, num_parallel_calls=tf.data.AUTOTUNE)


def _decoded(file: Path, rate_hz: int) -> tuple[np.ndarray, str]:
    """int16[sample] and the SHA-256 of the file; 16 bits, so that a run hears what a WAV sent to its export would say.

    Raises:
      ValueError: The reason why there are none, as half a sentence.
    """
    content = tables.content(file)
    return to_int16(decode_audio(content, rate_hz)), hashlib.sha256(content).hexdigest()
