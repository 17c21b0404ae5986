"""Images of lines of text as the bytes of PNG files, and the `tf.data` that reads them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from zoo.types import Spec, UsageError

if TYPE_CHECKING:
    import tensorflow as tf

INPUT = Spec(name="image", kind="image", shape=(), dtype="string", axes=())
MOST_PIXELS = 50_000_000  # of one line; more is a page, or an attack


@dataclass(frozen=True)
class Line:
    """One image of a line of text.

    Args:
      id: Names it within its data set.
      image: Bytes of a PNG file.
      text: What is written there.
    """

    id: str
    image: bytes
    text: str


def png_bytes(content: bytes) -> bytes:
    """The bytes of an 8-bit PNG file with the same picture, grey, transparent places white.

    Args:
      content: Of a PNG, JPEG, TIFF, BMP or GIF file, in any mode.

    Raises:
      ValueError: The reason why these bytes are no usable image, as half a sentence.
    """
    if not content:
        raise ValueError("the file is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"has {image.width} x {image.height} pixels, a line may have {MOST_PIXELS:,}")
            if image.mode.startswith("I;16") or image.mode in ("I", "F"):
                values = np.asarray(image, np.float64)
                made = Image.fromarray((255 * values / max(1.0, values.max())).astype(np.uint8))
            else:
                colours = image.convert("RGBA")
                white = Image.new("RGBA", colours.size, "white")
                made = Image.alpha_composite(white, colours).convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"not an image that can be read ({' '.join(str(error).split())[:100]})") from None
    file = io.BytesIO()
    made.save(file, "PNG")
    return file.getvalue()


def read_image(path: Path | str) -> bytes:
    """Reads an image file as the bytes of a PNG file, as of `png_bytes`.

    Raises:
      UsageError: No such file, a folder, or no image.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"`{path}` must be an image file, and there is none; give the path of a PNG or JPEG file.")
    try:
        return png_bytes(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"`{path}`: {error}; give a PNG, JPEG, TIFF, BMP or GIF file.") from None


def as_dataset(lines: Sequence[Line]) -> tf.data.Dataset:
    """Lines as `{"id": string[], "input": string[] PNG, "target": string[]}`, in the order given."""
    import tensorflow as tf

    columns = {
        "id": tf.constant([line.id for line in lines], tf.string),
        "input": tf.constant([line.image for line in lines], tf.string),
        "target": tf.constant([line.text for line in lines], tf.string),
    }
    return tf.data.Dataset.from_tensor_slices(columns)
