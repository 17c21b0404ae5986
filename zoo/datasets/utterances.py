"""Transcribed audio held in memory as 16-bit samples, and the `tf.data` that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from zoo.datasets import clips
from zoo.types import Spec

TARGET = Spec(name="text", kind="text", shape=(), dtype="string", axes=())


@dataclass(frozen=True)
class Utterance:
    """One transcribed piece of audio.

    Args:
      id: Names it within its data set.
      samples: int16[sample].
      text: What was said.
    """

    id: str
    samples: np.ndarray
    text: str


def as_dataset(utterances: Sequence[Utterance]) -> tf.data.Dataset:
    """Utterances as `{"id": string[], "input": float32[sample] in [-1, 1], "target": string[]}`, in the order given."""
    texts = tf.constant([utterance.text for utterance in utterances], tf.string)
    numbered = [clips.Clip(each.id, each.samples, number) for number, each in enumerate(utterances)]
    return clips.as_dataset(numbered).map(lambda example: {**example, "target": texts[example["target"]]})
