"""Text in: strings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.signatures import Edges, Signature
from zoo.types import Spec

LONGEST_WORDS = 5_000


def signatures(input: Spec) -> dict[str, Signature]:
    """`serving_default(text: string[batch])`, UTF-8."""

    def to_raw(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return text, tf.ones(tf.shape(text), tf.int32)

    def pack(examples: Sequence[bytes]) -> dict[str, np.ndarray]:
        return {"text": np.array(list(examples), object)}

    return {"serving_default": Signature(inputs=(tf.TensorSpec([None], tf.string, "text"),), to_raw=to_raw, pack=pack)}


def edges(input: Spec, longest: int) -> Edges:
    """Nothing, space, one letter, emoji, bytes that are no UTF-8, and 5,000 words; numbers, and a wrong rank."""
    words = np.random.default_rng(0).choice(["a", "good", "film", "unheard-of", "."], LONGEST_WORDS)
    return Edges(
        legal={
            "empty": b"",
            "space": b" \t\n ",
            "shortest": b"a",
            "emoji": "\U0001f600 \U0001f44d\U0001f3fd caf\u00e9".encode(),
            "not UTF-8": b"caf\xe9 \xff",
            "longest": " ".join(words).encode(),
        },
        malformed={
            "numbers": ("serving_default", {"text": np.zeros(1, np.float32)}),
            "wrong rank": ("serving_default", {"text": np.array([["a", "b"]], object)}),
        },
    )
