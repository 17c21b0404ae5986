"""Images in: bytes of PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from zoo.signatures import Edges, Signature
from zoo.types import Spec


def signatures(input: Spec) -> dict[str, Signature]:
    """`serving_default(image: string[batch])`, PNG of any size and mode."""

    def to_raw(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return image, tf.ones(tf.shape(image), tf.int32)

    def pack(examples: Sequence[bytes]) -> dict[str, np.ndarray]:
        return {"image": np.array(list(examples), object)}

    return {"serving_default": Signature(inputs=(tf.TensorSpec([None], tf.string, "image"),), to_raw=to_raw, pack=pack)}


def edges(input: Spec, longest: int) -> Edges:
    """White paper, one pixel, black throughout, a transparent and a very long image; no image, and a wrong rank."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 3000)).astype(np.uint8)
    clear = np.zeros((20, 60, 4), np.uint8)
    clear[8:12, 10:50] = (0, 0, 0, 255)
    return Edges(
        legal={
            "white": _png(np.full((40, 200), 255, np.uint8)),
            "one pixel": _png(np.zeros((1, 1), np.uint8)),
            "black": _png(np.zeros((40, 200), np.uint8)),
            "transparent": _png(clear),
            "long": _png(noise),
        },
        malformed={
            "empty": ("serving_default", {"image": np.array([b""], object)}),
            "not an image": ("serving_default", {"image": np.array([b"no image at all"], object)}),
            "wrong rank": ("serving_default", {"image": np.array([[b"a"]], object)}),
        },
    )


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
