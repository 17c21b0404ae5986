"""Strided convolutions against NumPy, and that they see neither padding nor future."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import ConvolutionFront


def layer(**settings: object) -> ConvolutionFront:
    keras.utils.set_random_seed(1)
    made = ConvolutionFront(**{"channels": (3, 4), "strides": (2, 2), "width": 5, **settings})
    made.build((None, None, 7))
    return made


def reference(made: ConvolutionFront, values: np.ndarray) -> np.ndarray:
    """One example float64[step, band], frame by frame: each sees its step and the two before it."""
    steps = values[..., None].astype(np.float64)
    for convolution, stride in zip(made.convolutions, made.strides, strict=True):
        kernel, bias = (weight.numpy().astype(np.float64) for weight in convolution.weights)
        padded = np.pad(steps, [(2, 0), (1, 1), (0, 0)])
        frames, bands = -(-steps.shape[0] // stride), -(-steps.shape[1] // 2)
        found = np.zeros((frames, bands, kernel.shape[-1]))
        for frame in range(frames):
            for band in range(bands):
                seen = padded[frame * stride : frame * stride + 3, 2 * band : 2 * band + 3]
                found[frame, band] = np.tensordot(seen, kernel, 3) + bias
        steps = np.maximum(found, 0)
    kernel, bias = (weight.numpy().astype(np.float64) for weight in made.dense.weights)
    dense = steps.reshape(len(steps), -1) @ kernel + bias
    mean, deviation = dense.mean(-1, keepdims=True), dense.std(-1, keepdims=True)
    return np.maximum((dense - mean) / np.sqrt(deviation**2 + made.normalise.epsilon), 0)


@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (2, 2)])
def test_frames_are_those_of_numpy_for_every_length(strides: tuple[int, int]):
    made = layer(strides=strides)
    lengths = [1, 2, 5, 8, 11]
    values = np.random.default_rng(0).normal(size=(len(lengths), 11, 7)).astype(np.float32)
    for row, length in enumerate(lengths):
        values[row, length:] = 0
    frames, found = made(tf.constant(values), tf.constant(lengths))
    assert found.numpy().tolist() == [-(-length // (strides[0] * strides[1])) for length in lengths]
    for row, length in enumerate(lengths):
        wanted = reference(made, values[row, :length])
        np.testing.assert_allclose(frames[row, : len(wanted)], wanted, atol=2e-5)
        assert not np.any(frames[row, len(wanted) :])


def test_a_frame_does_not_see_what_comes_after_its_step():
    made = layer()
    values = np.random.default_rng(1).normal(size=(1, 13, 7)).astype(np.float32)
    later = values.copy()
    later[:, 9:] = 5.0
    one, two = (made(tf.constant(given), tf.constant([13]))[0].numpy() for given in (values, later))
    np.testing.assert_array_equal(one[:, :3], two[:, :3])  # of steps 0, 4 and 8
    assert np.abs(one - two).max() > 0.1


def test_settings_come_back():
    made = layer()
    assert ConvolutionFront.from_config(made.get_config()).get_config() == made.get_config()
