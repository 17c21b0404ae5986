from __future__ import annotations

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo.layers
from zoo.layers.audio import LogMel, hz_of_mel, mel_matrix, mel_of_hz
from zoo.types import Spec, UsageError

RATE = 8000
SOUND = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=RATE)


def sound(samples: int, seed: int = 0) -> np.ndarray:
    draws = np.random.default_rng(seed)
    time = np.arange(samples) / RATE
    tone = 0.3 * np.sin(2 * np.pi * (300 + 900 * time) * time)
    return (tone + 0.01 * draws.normal(size=samples)).astype(np.float32)


def batch(clips: list[np.ndarray], padding: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    length = np.array([len(clip) for clip in clips], np.int32)
    values = np.full((len(clips), max(1, length.max())), padding, np.float32)
    for row, clip in zip(values, clips, strict=True):
        row[: len(clip)] = clip
    return values, length


def reference(
    clip: np.ndarray, bands: int, low: float, high: float, range_db: float | None, share: float
) -> np.ndarray:
    """Log-mel by SciPy, with the triangles of librosa built band by band in a loop."""
    window = scipy.signal.get_window("hann", 200)
    transform = scipy.signal.ShortTimeFFT(window, 80, RATE, mfft=256, phase_shift=None)
    first = np.arange(0, len(clip) - 200 + 80, 80)
    clip = np.pad(clip, (0, 80))
    power = np.stack([np.abs(np.fft.rfft(clip[start : start + 200] * window, 256)) ** 2 for start in first])
    hz = transform.f
    edges = []
    bottom, top = (f * 3 / 200 if f < 1000 else 15 + np.log(f / 1000) / (np.log(6.4) / 27) for f in (low, high))
    for mel in np.linspace(bottom, top, bands + 2):
        edges.append(mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27))
    matrix = np.zeros((bands, len(hz)))
    for band in range(bands):
        left, centre, right = edges[band : band + 3]
        matrix[band] = np.interp(hz, [left, centre, right], [0, 2 / (right - left), 0], left=0, right=0)
    values = np.log(np.maximum(power @ matrix.T, 1e-10))
    if range_db is not None:
        values = np.maximum(values, values.max() - range_db / (10 * np.log10(np.e)))
    values = values - values.mean()
    return (values - share * values.mean(0)) / 4


def test_mel_scale_has_published_points():
    np.testing.assert_allclose(mel_of_hz(np.array([0, 500, 1000, 6400])), [0, 7.5, 15, 42], atol=1e-9)
    frequencies = np.linspace(0, 20_000, 97)
    np.testing.assert_allclose(hz_of_mel(mel_of_hz(frequencies)), frequencies, rtol=1e-12)


def test_mel_bands_have_equal_area():
    # one triangle of height 2 / width has area 1 in Hz, whatever the band
    matrix = mel_matrix(8001, 20, 16_000, 100.0, 7000.0)
    np.testing.assert_allclose(matrix.sum(0) * 1.0, np.ones(20), rtol=1e-3)


@pytest.mark.parametrize(("range_db", "share"), [(None, 0.0), (None, 1.0), (35.0, 0.5), (20.0, 0.25)])
def test_log_mel_equals_scipy(range_db: float | None, share: float):
    clip = sound(3217)
    layer = LogMel(rate_hz=RATE, mel=24, low_hz=60.0, high_hz=3800.0, range_db=range_db, band_mean=share)
    features, length = layer(clip[None], np.array([len(clip)], np.int32))
    expected = reference(clip, 24, 60.0, 3800.0, range_db, share)
    assert length.numpy().tolist() == [len(expected)] == [1 + -(-(3217 - 200) // 80)]
    np.testing.assert_allclose(features[0], expected, atol=1e-4)


def test_stacked_steps_hold_consecutive_frames():
    clip = sound(2040)  # 24 frames: the fifth step of five is filled up with one frame of zeros
    plain = LogMel(rate_hz=RATE, mel=10)(clip[None], np.array([2040], np.int32))[0].numpy()[0]
    stacked, length = LogMel(rate_hz=RATE, mel=10, stack=5)(clip[None], np.array([2040], np.int32))
    assert plain.shape == (24, 10)
    assert stacked.shape == (1, 5, 50)
    assert length.numpy().tolist() == [5]
    np.testing.assert_array_equal(stacked.numpy().reshape(25, 10), np.vstack([plain, np.zeros((1, 10))]))


@settings(max_examples=25, deadline=None)
@given(
    samples=st.lists(st.integers(0, 3000), min_size=2, max_size=5),
    stack=st.integers(1, 4),
    padding=st.sampled_from([0.0, 1.0, np.nan]),
)
def test_a_clip_alone_equals_the_clip_in_a_batch(samples: list[int], stack: int, padding: float):
    layer = LogMel(rate_hz=RATE, mel=16, stack=stack)
    clips = [sound(count, seed) for seed, count in enumerate(samples)]
    features, lengths = layer(*batch(clips, padding))
    assert features.shape[1] == max(lengths.numpy())
    assert min(lengths.numpy()) >= 1
    for row, length, clip in zip(features.numpy(), lengths.numpy(), clips, strict=True):
        alone, alone_length = layer(*batch([clip]))
        assert alone_length.numpy()[0] == length
        np.testing.assert_allclose(alone[0], row[:length], atol=1e-5)
        assert not row[length:].any()


@pytest.mark.parametrize("samples", [0, 1, 199, 200, 280, 281, 360])
def test_shortest_clips_give_at_least_one_step(samples: int):
    features, length = LogMel(rate_hz=RATE, mel=8, stack=3)(*batch([sound(samples)]))
    assert features.shape == (1, 1, 24)
    assert length.numpy().tolist() == [1]
    assert np.isfinite(features).all()


def test_a_batch_without_any_sample_answers():
    features, length = LogMel(rate_hz=RATE, mel=8)(np.zeros((2, 0), np.float32), np.zeros(2, np.int32))
    assert features.shape == (2, 1, 8)
    assert length.numpy().tolist() == [1, 1]
    assert not features.numpy().any()


def test_gain_does_not_matter():
    clip = sound(2000)
    layer = LogMel(rate_hz=RATE)
    loud, soft = layer(*batch([clip]))[0], layer(*batch([clip / 8]))[0]
    np.testing.assert_allclose(loud, soft, atol=1e-4)


def test_saved_model_equals_the_layer(tmp_path):
    layer = LogMel(rate_hz=RATE, mel=12, stack=2)
    module = tf.Module()
    module.layer = layer
    signature = [tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None], tf.int32)]
    module.run = tf.function(lambda values, length: layer(values, length), input_signature=signature)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for samples in ([1200, 700], [0], [3000, 200, 1]):
        values, length = batch([sound(count) for count in samples])
        for expected, got in zip(layer(values, length), loaded.run(values, length), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-6)


def test_config_makes_the_same_layer():
    layer = LogMel(
        rate_hz=RATE, mel=13, frame_ms=20, hop_ms=5, low_hz=50, high_hz=3000, stack=3, range_db=None, scale=2
    )
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    values, length = batch([sound(1000)])
    np.testing.assert_array_equal(layer(values, length)[0], copy(values, length)[0])
    assert copy.get_config() == layer.get_config()


def test_features_spec_tells_what_comes_out():
    layer = LogMel(rate_hz=RATE, mel=20, stack=2)
    spec = layer.features(SOUND)
    assert str(spec) == "features: float32[step, band=40] in log power"
    assert layer(*batch([sound(900)]))[0].shape[2] == spec.shape[1]


def test_another_rate_is_refused():
    with pytest.raises(UsageError, match=r"`LogMel` takes audio at 16000 Hz, got audio: float32\[sample\] at 8000 Hz"):
        LogMel(rate_hz=16_000).features(SOUND)


def test_edges_beyond_half_the_rate_are_refused():
    with pytest.raises(UsageError, match=r"`high_hz` 8000 must be in order and within 0 to 4000.0 Hz"):
        LogMel(rate_hz=RATE, high_hz=8000)


def test_layers_are_found_by_name():
    assert zoo.layers.LogMel is LogMel
    assert "LogMel" in dir(zoo.layers)
    with pytest.raises(AttributeError, match=r"`zoo.layers` has no `Nothing`. It has AttentionPooling, "):
        _ = zoo.layers.Nothing


@pytest.fixture(scope="module")
def adapted() -> LogMel:
    layer = LogMel(rate_hz=RATE, mel=14, normalise="train")
    layer.adapt(iter([sound(1000 + 331 * number, number) for number in range(40)]))
    return layer


def plain(clip: np.ndarray) -> np.ndarray:
    """Log power of each band by SciPy, nothing taken off."""
    window = scipy.signal.get_window("hann", 200)
    padded = np.pad(clip, (0, 200))
    starts = range(0, max(1, len(clip) - 200 + 80), 80)
    power = np.stack([np.abs(np.fft.rfft(padded[start : start + 200] * window, 256)) ** 2 for start in starts])
    return np.log(np.maximum(power @ mel_matrix(129, 14, RATE, 20.0, 4000.0).astype(np.float64), 1e-10))


def test_bands_are_standardised_by_the_train_clips(adapted: LogMel):
    rows = np.concatenate([plain(sound(1000 + 331 * number, number)) for number in range(40)])
    np.testing.assert_allclose(adapted.mean, rows.mean(0), atol=1e-3)
    np.testing.assert_allclose(adapted.deviation, rows.std(0), atol=1e-3)
    clip = sound(2345, 77) / 3
    features, length = adapted(*batch([clip, sound(1200)]))
    expected = (plain(clip) - rows.mean(0)) / rows.std(0)
    assert length.numpy()[0] == len(expected)
    np.testing.assert_allclose(features[0], expected, atol=1e-3)
    assert not features.numpy()[1, length.numpy()[1] :].any()


def test_frames_so_far_do_not_depend_on_what_comes(adapted: LogMel):
    clip = sound(4000, 3)
    begun, whole = adapted(*batch([clip[:2040]]))[0], adapted(*batch([clip]))[0]
    np.testing.assert_allclose(begun[0], whole[0, : begun.shape[1]], atol=1e-5)


def test_a_band_that_never_varies_is_not_blown_up():
    layer = LogMel(rate_hz=RATE, mel=6, normalise="train")
    layer.adapt([np.zeros(900, np.float32)] * 3)
    np.testing.assert_allclose(layer.deviation, np.full(6, 0.1), rtol=1e-6)
    assert np.abs(layer(*batch([sound(900)]))[0]).max() < 1000


def test_a_layer_that_looks_at_each_clip_learns_nothing():
    def never():
        raise AssertionError("read")
        yield

    LogMel(rate_hz=RATE).adapt(never())


def test_what_was_learnt_is_saved_and_in_the_config(adapted: LogMel, tmp_path):
    copy = keras.layers.deserialize(keras.layers.serialize(adapted))
    copy.set_weights(adapted.get_weights())
    values, length = batch([sound(1000)])
    np.testing.assert_array_equal(adapted(values, length)[0], copy(values, length)[0])


def test_another_way_to_normalise_is_refused():
    with pytest.raises(UsageError, match="`normalise` must be clip or train, got 'batch'"):
        LogMel(rate_hz=RATE, normalise="batch")
