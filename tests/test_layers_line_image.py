"""Line images as columns of ink."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zoo.layers import LineImage
from zoo.types import Spec, UsageError


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def page(shape: tuple[int, int], paper: int = 255) -> np.ndarray:
    """Paper with an L of ink, 16 high and 8 wide, from row 10 and column 20."""
    made = np.full(shape, paper, np.uint8)
    made[10:26, 20:22] = 0
    made[24:26, 20:28] = 0
    return made


LETTER = (255 - page((40, 60))[10:26, 20:28]) / 255.0


def test_ink_is_cut_out_and_scaled_in_its_proportions():
    features, length = LineImage(height=16)(tf.constant([png(page((40, 60)))]))
    assert (features.shape, length.numpy().tolist()) == ((1, 8, 16), [8])
    np.testing.assert_allclose(features[0].numpy().T, LETTER, atol=1e-6)
    assert LineImage(height=32)(tf.constant([png(page((40, 60)))]))[1].numpy().tolist() == [16]


def test_margins_paper_and_the_size_of_the_scan_change_nothing():
    layer = LineImage(height=16)
    wanted = layer(tf.constant([png(page((40, 60)))]))[0].numpy()
    for other in (page((90, 300)), page((40, 60), paper=200)):
        features, length = layer(tf.constant([png(other)]))
        assert length.numpy().tolist() == [8]
        np.testing.assert_allclose(features, wanted, atol=1e-5)
    features, length = layer(tf.constant([png(np.kron(page((40, 60)), np.ones((3, 3), np.uint8)))]))
    assert length.numpy().tolist() == [8]
    assert np.abs(features - wanted).mean() < 0.05  # smoothed at the edges


def test_other_images_of_the_batch_change_nothing():
    layer = LineImage(height=16)
    wide = np.full((20, 400), 255, np.uint8)
    wide[5:15, 10:390] = 30
    together, length = layer(tf.constant([png(page((40, 60))), png(wide)]))
    alone = layer(tf.constant([png(page((40, 60)))]))[0]
    np.testing.assert_array_equal(together[0, :8], alone[0])
    assert not np.any(together[0, 8:])
    assert length.numpy().tolist() == [8, 380 * 16 // 10]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "I;16"])
def test_every_mode_of_png_shows_the_same(mode: str):
    grey = Image.fromarray(page((40, 60)))
    file = io.BytesIO()
    if mode == "I;16":
        Image.fromarray(page((40, 60)).astype(np.uint16) * 257).save(file, "PNG")
    elif mode == "RGBA":
        clear = np.zeros((40, 60, 4), np.uint8)
        clear[..., 3] = 255 - page((40, 60))
        Image.fromarray(clear).save(file, "PNG")
    else:
        grey.convert(mode).save(file, "PNG")
    features, _ = LineImage(height=16)(tf.constant([file.getvalue()]))
    np.testing.assert_allclose(features[0].numpy().T, LETTER, atol=0.01)


def test_paper_without_ink_is_one_column_of_zeros():
    features, length = LineImage(height=16)(tf.constant([png(np.full((30, 30), 250, np.uint8))]))
    assert length.numpy().tolist() == [1]
    assert features.shape == (1, 1, 16) and not np.any(features)


def test_a_very_long_line_is_cut():
    line = np.full((10, 900), 255, np.uint8)
    line[2:8, ::2] = 0
    assert LineImage(height=16, widest=100)(tf.constant([png(line)]))[1].numpy().tolist() == [100]


def test_what_is_no_png_is_an_error():
    for content in (b"", b"no image"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            LineImage()(tf.constant([content]))
    audio = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)
    with pytest.raises(UsageError, match="`LineImage` takes the bytes of an image, got audio"):
        LineImage().features(audio)
