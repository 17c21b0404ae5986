from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import audio_augment as augment

SEED = tf.constant([3, 4], tf.int32)
SOUND = [
    partial(augment.change_speed, low=0.8, high=1.25),
    partial(augment.add_noise, share=1.0),
]
FEATURES = [
    partial(augment.stretch_time, share=1.0),
    augment.shift_mel,
    augment.colour,
    partial(augment.raise_floor, depth=3.0, most=2.0, share=1.0),
    augment.change_contrast,
    partial(augment.mask_time, most=0.5),
    augment.mask_mel,
]


def tone(samples: int, hz: float = 200.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(samples) / 8000).astype(np.float32)


def frames(count: int, bins: int = 40) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, bins)).astype(np.float32)


def seeds(count: int) -> list[tf.Tensor]:
    return [tf.constant([9, number], tf.int32) for number in range(count)]


@pytest.mark.parametrize("change", SOUND + FEATURES)
def test_depends_on_the_seed_alone_and_runs_in_tf_data(change: Callable):
    values = tone(700) if change in SOUND else frames(21)
    data = tf.data.Dataset.from_tensors(values).repeat(2).map(lambda row: change(row, SEED))
    first, second = data.as_numpy_iterator()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, change(values, SEED), atol=1e-5)
    drawn = [change(values, seed).numpy() for seed in seeds(8)]
    assert any(drawn[0].shape != other.shape or np.abs(drawn[0] - other).max() > 1e-3 for other in drawn[1:])


@pytest.mark.parametrize("change", SOUND)
@pytest.mark.parametrize("samples", [0, 1, 2])
def test_shortest_sounds_pass(change: Callable, samples: int):
    changed = change(tone(samples), SEED).numpy()
    assert len(changed) <= 3
    assert np.isfinite(changed).all()
    assert (samples == 0) == (len(changed) == 0)


@pytest.mark.parametrize("change", FEATURES)
@pytest.mark.parametrize("count", [1, 2])
def test_shortest_features_keep_a_frame(change: Callable, count: int):
    for seed in seeds(5):
        changed = change(frames(count), seed).numpy()
        assert changed.shape[0] >= 1
        assert changed.shape[1] == 40
        assert np.isfinite(changed).all()


def test_change_speed_moves_pitch_and_length_together():
    for seed in seeds(6):
        changed = augment.change_speed(tone(8000), seed, low=0.5, high=2.0).numpy()
        factor = 8000 / len(changed)
        peak = np.argmax(np.abs(np.fft.rfft(changed, 8000)))  # in Hz
        assert 0.499 < factor < 2.01
        assert peak == pytest.approx(200 * factor, abs=2)


def test_speeds_fill_their_range():
    lengths = [len(augment.change_speed(tone(1000), seed, low=0.8, high=1.25)) for seed in seeds(60)]
    assert 800 <= min(lengths) < 830
    assert 1210 < max(lengths) <= 1250


def test_noise_has_the_ratio_asked_for():
    sound = 0.1 * tone(40_000)
    noise = augment.add_noise(sound, SEED, low_db=12.0, high_db=12.0, share=1.0).numpy() - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(noise**2)) == pytest.approx(12, abs=0.2)


def test_noise_reaches_the_share_asked_for():
    changed = [np.abs(augment.add_noise(tone(50), seed, share=0.3) - tone(50)).max() > 0 for seed in seeds(100)]
    assert 20 <= sum(changed) <= 40


def test_silence_stays_silent():
    np.testing.assert_array_equal(augment.add_noise(np.zeros(100, np.float32), SEED, share=1.0), np.zeros(100))


def test_stacking_is_undone_and_redone():
    steps = frames(6, 12)
    unstacked = augment.frames_of(steps, 3)
    np.testing.assert_array_equal(unstacked, steps.reshape(18, 4))
    np.testing.assert_array_equal(augment.steps_of(unstacked, 3), steps)
    filled = augment.steps_of(unstacked[:17], 3).numpy()
    np.testing.assert_array_equal(filled[-1, 8:], np.zeros(4))
    np.testing.assert_array_equal(filled.reshape(18, 4)[:17], unstacked[:17])


def test_stretch_time_keeps_a_ramp_a_ramp():
    ramp = np.repeat(np.arange(20, dtype=np.float32)[:, None], 3, 1)
    stretched = augment.stretch_time(ramp, SEED, low=0.5, high=0.5, share=1.0).numpy()
    assert stretched.shape == (40, 3)
    np.testing.assert_allclose(stretched[:, 1], np.minimum(np.arange(40) / 2, 19), atol=1e-5)


def test_stretch_time_leaves_the_other_share_alone():
    assert sum(len(augment.stretch_time(frames(40), seed, share=0.4)) == 40 for seed in seeds(50)) in range(22, 39)


def test_two_functions_draw_independently_from_one_seed():
    # masks of the same relative width on both axes, from the same seeds
    widths = []
    for seed in seeds(80):
        in_time = (augment.mask_time(frames(40), seed, most=0.5) == 0).numpy().all(1).sum()
        in_mel = (augment.mask_mel(frames(40), seed, most=20) == 0).numpy().all(0).sum()
        widths.append((in_time, in_mel))
    assert abs(np.corrcoef(np.array(widths).T)[0, 1]) < 0.3


def test_shift_mel_moves_every_frame_alike():
    ramp = np.repeat(np.arange(30, dtype=np.float32)[None], 4, 0)
    moved = augment.shift_mel(ramp, SEED, most=2.5).numpy()
    inner = (moved - ramp)[:, 3:-3]
    np.testing.assert_allclose(inner, np.full_like(inner, inner[0, 0]), atol=1e-4)
    assert 0 < abs(inner[0, 0]) <= 2.5
    assert moved.min() >= 0
    assert moved.max() <= 29


def test_colour_adds_one_smooth_curve_without_changing_the_mean():
    added = augment.colour(frames(9), SEED, spread=0.5).numpy() - frames(9)
    np.testing.assert_allclose(added, np.repeat(added[:1], 9, 0), atol=1e-5)
    spectrum = np.abs(np.fft.rfft(np.concatenate([added[0], added[0, ::-1]])))
    assert spectrum[6:].max() < 0.1 * spectrum.max()
    spread = np.std(
        [augment.colour(frames(1), seed, spread=0.5, waves=1).numpy()[0, 0] - frames(1)[0, 0] for seed in seeds(200)]
    )
    assert spread == pytest.approx(0.5, rel=0.15)


def test_raise_floor_only_lifts_what_lies_low():
    values = frames(30)
    lifted = augment.raise_floor(values, SEED, depth=4.0, most=3.0, share=1.0).numpy()
    floor = lifted.min()
    assert values.max() - 4 <= floor <= values.max() - 1
    np.testing.assert_array_equal(lifted, np.maximum(values, floor))


def test_change_contrast_is_one_factor():
    ratio = augment.change_contrast(frames(5), SEED, most=0.3).numpy() / frames(5)
    np.testing.assert_allclose(ratio, np.full_like(ratio, ratio[0, 0]), rtol=1e-4)
    assert np.exp(-0.3) <= ratio[0, 0] <= np.exp(0.3)


@pytest.mark.parametrize(("change", "axis"), [(augment.mask_time, 0), (augment.mask_mel, 1)])
def test_masks_are_one_run_no_longer_than_asked(change: Callable, axis: int):
    widths = []
    for seed in seeds(60):
        changed = change(frames(20, 20), seed, most=0.25 if axis == 0 else 5).numpy()
        gone = (changed == 0).all(1 - axis)
        np.testing.assert_array_equal(np.compress(~gone, changed, axis), np.compress(~gone, frames(20, 20), axis))
        assert np.count_nonzero(np.diff(np.flatnonzero(gone)) > 1) == 0
        widths.append(gone.sum())
    assert set(widths) == {0, 1, 2, 3, 4, 5}


def test_change_gain_is_one_factor_within_its_decibels():
    factors = [float(augment.change_gain(np.ones(3, np.float32), seed, most_db=6.0).numpy()[1]) for seed in seeds(80)]
    decibels = 20 * np.log10(factors)
    assert -6 <= decibels.min() < -4
    assert 4 < decibels.max() <= 6


def test_shift_time_moves_whole_samples_and_fills_up_with_silence():
    sound = np.arange(1, 21, dtype=np.float32)
    seen = set()
    for seed in seeds(80):
        moved = augment.shift_time(sound, seed, most=3).numpy()
        assert len(moved) == 20
        place = int(np.flatnonzero(moved)[0]) - (int(moved[moved > 0][0]) - 1)
        expected = np.zeros(20, np.float32)
        expected[max(0, place) : 20 + min(0, place)] = sound[max(0, -place) : 20 - max(0, place)]
        np.testing.assert_array_equal(moved, expected)
        seen.add(place)
    assert seen == {-3, -2, -1, 0, 1, 2, 3}
    assert augment.shift_time(np.zeros(0, np.float32), SEED, most=5).shape == (0,)
