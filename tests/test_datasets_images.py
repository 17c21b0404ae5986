"""Image files: any mode and kind becomes a grey PNG file, in our own lists too."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import images, own
from zoo.types import BadData, UsageError

PIXELS = np.array([[0, 100, 200, 255]] * 3, np.uint8)


def content(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        return np.asarray(image)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_lossless_files_keep_their_grey_values(kind: str):
    np.testing.assert_array_equal(pixels(images.png_bytes(content(Image.fromarray(PIXELS), kind))), PIXELS)


def test_transparent_places_are_white_and_sixteen_bits_are_scaled():
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[0, 0] = (0, 0, 0, 255)
    assert pixels(images.png_bytes(content(Image.fromarray(clear)))).tolist() == [[0, 255], [255, 255]]
    deep = Image.fromarray(np.array([[0, 32768, 65535]], np.uint16))
    assert pixels(images.png_bytes(content(deep))).tolist() == [[0, 127, 255]]


@pytest.mark.parametrize(
    ("given", "reason"), [(b"", "the file is empty"), (b"text", "not an image that can be read (cannot identify")]
)
def test_what_is_no_image_has_a_reason(given: bytes, reason: str):
    with pytest.raises(ValueError, match=re.escape(reason)):
        images.png_bytes(given)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"must be an image file, and there is none; give the path of a PNG"):
        images.read_image(tmp_path / "none.png")
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(UsageError, match=r"a\.png`: not an image that can be read .*; give a PNG, JPEG"):
        images.read_image(tmp_path / "a.png")


def test_own_images_are_read_with_their_texts(tmp_path: Path):
    lines = ["path,text,split"]
    for number, split in enumerate(["train", "train", "val", "test"]):
        Image.fromarray(PIXELS).save(tmp_path / f"{number}.jpg" if number else tmp_path / "0.png")
        lines.append(f"{number}.{'jpg' if number else 'png'},line  {number},{split}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    dataset = own.load(tmp_path / "list.csv", images.INPUT, "transcription")
    assert dataset.sizes == {"train": 2, "val": 1, "test": 1}
    first = next(iter(dataset.splits["train"].as_numpy_iterator()))
    assert (first["id"], first["target"]) == (b"0.png", b"line 0")
    np.testing.assert_array_equal(pixels(first["input"]), PIXELS)


def test_all_faults_of_own_images_are_reported_at_once(tmp_path: Path):
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "list.csv").write_text("path,text\ntext.png,a\nfolder.png,b\nmissing.png,c\n")
    with pytest.raises(BadData) as caught:
        own.load(tmp_path / "list.csv", images.INPUT, "transcription")
    for wanted in (
        "list.csv:2: `text.png` not an image that can be read",
        "list.csv:3: `folder.png` is a folder",
        "list.csv:4: `missing.png` does not exist",
    ):
        assert wanted in str(caught.value)
