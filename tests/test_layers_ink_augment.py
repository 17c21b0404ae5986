from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from test_layers_ink import cut, handwriting

from zoo.layers import ink_augment as augment

SEED = tf.constant([3, 4], tf.int32)
CHANGES = [
    augment.scale,
    augment.slant,
    augment.rotate,
    partial(augment.change_speed, dropped=0.3, doubled=0.3),
    augment.jitter_strokes,
    augment.warp,
    partial(augment.trim, most=0.4),
]
INK = handwriting(5, strokes=4)


def seeds(count: int) -> list[tf.Tensor]:
    return [tf.constant([9, number], tf.int32) for number in range(count)]


@pytest.mark.parametrize("change", CHANGES)
def test_depends_on_the_seed_alone_and_runs_in_tf_data(change: Callable):
    data = tf.data.Dataset.from_tensors(INK).repeat(2).map(lambda ink: change(ink, SEED))
    first, second = data.as_numpy_iterator()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, change(INK, SEED), atol=1e-5)
    drawn = [change(INK, seed).numpy() for seed in seeds(8)]
    assert any(drawn[0].shape != other.shape or np.abs(drawn[0] - other).max() > 1e-3 for other in drawn[1:])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("ink", [INK[:0], INK[:1], INK[:2], np.repeat(INK[:1], 5, 0), np.array([[1, 2, 1.0]] * 4)])
def test_shortest_inks_pass(change: Callable, ink: np.ndarray):
    for seed in seeds(5):
        changed = change(tf.constant(ink, tf.float32), seed).numpy()
        assert changed.shape[1] == 3
        assert (len(changed) == 0) == (len(ink) == 0)
        assert np.isfinite(changed).all()
        assert set(np.unique(changed[:, 2])) <= {0, 1}


@pytest.mark.parametrize("change", CHANGES)
def test_strokes_stay_as_many_and_end_as_they_did(change: Callable):
    for ink in (INK, np.concatenate([INK[:-1], [[*INK[-1, :2], 0]]]).astype(np.float32)):
        for seed in seeds(6):
            changed = change(ink, seed).numpy()
            assert len(cut(changed)) == len(cut(ink)) == 4
            assert changed[:, 2].sum() == ink[:, 2].sum()
            assert changed[-1, 2] == ink[-1, 2]


@pytest.mark.parametrize("change", CHANGES)
def test_place_and_size_of_the_ink_do_not_matter(change: Callable):
    larger = (INK * [50, 50, 1] + [400, -300, 0]).astype(np.float32)
    expected = change(INK, SEED).numpy() * [50, 50, 1] + [400, -300, 0]
    np.testing.assert_allclose(change(larger, SEED), expected, atol=0.01)


def test_scale_stretches_each_axis_within_its_bounds():
    before = np.ptp(INK[:, :2], axis=0)
    factors = np.array([np.ptp(augment.scale(INK, seed, most=0.5)[:, :2], axis=0) / before for seed in seeds(60)])
    assert np.exp(-0.5) <= factors.min() < 0.65
    assert 1.55 < factors.max() <= np.exp(0.5)
    assert abs(np.corrcoef(factors.T)[0, 1]) < 0.4


def test_slant_moves_x_by_a_share_of_y():
    moved = (augment.slant(INK, SEED, most=0.4) - INK).numpy()
    np.testing.assert_allclose(moved[:, 1:], 0, atol=1e-6)
    share = np.polyfit(INK[:, 1], moved[:, 0], 1)
    np.testing.assert_allclose(moved[:, 0], np.polyval(share, INK[:, 1]), atol=1e-5)
    assert 0.001 < abs(share[0]) <= 0.4


def test_rotate_keeps_distances_and_the_middle():
    turned = augment.rotate(INK, SEED, most=0.7).numpy()
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(turned[:, :2], axis=0), axis=1),
        np.linalg.norm(np.diff(INK[:, :2], axis=0), axis=1),
        atol=1e-5,
    )
    angles = []
    for seed in seeds(60):
        turned = augment.rotate(INK, seed, most=0.7).numpy()
        first, last = INK[-1, :2] - INK[0, :2], turned[-1, :2] - turned[0, :2]
        angles.append(np.arctan2(first[0] * last[1] - first[1] * last[0], first @ last))
    assert -0.7 <= min(angles) < -0.55
    assert 0.55 < max(angles) <= 0.7


def test_change_speed_drops_and_doubles_the_shares_asked_for():
    line = np.zeros((2001, 3), np.float32)
    line[:, 0] = np.arange(2001)
    line[[1000, 2000], 2] = 1
    changed = augment.change_speed(line, SEED, dropped=0.2, doubled=0.1).numpy()
    halves = changed[:, 0] % 1 == 0.5
    assert 150 < halves.sum() < 250
    assert 1500 < (~halves).sum() < 1700
    assert (np.diff(changed[:, 0]) > 0).all()
    assert changed[changed[:, 2] == 1][:, 0].tolist() == [1000, 2000]
    assert changed[0, 0] == 0 and 1001 in changed[:, 0] and 1000.5 not in changed[:, 0]
    np.testing.assert_array_equal(augment.change_speed(line, SEED, dropped=0.0, doubled=0.0), line)


def test_jitter_moves_whole_strokes_apart():
    for before, after in zip(cut(INK), cut(augment.jitter_strokes(INK, SEED).numpy()), strict=True):
        moved = after - before
        np.testing.assert_allclose(moved, np.repeat(moved[:1], len(moved), 0), atol=1e-5)
    box = np.array([[0, 0, 0], [0, 2, 1]], np.float32)
    spread = np.std([augment.jitter_strokes(box, seed, spread=0.1).numpy()[0, :2] for seed in seeds(300)])
    assert spread == pytest.approx(0.2, rel=0.1)  # a tenth of the height


def test_warp_is_smooth_and_as_wide_as_asked():
    grid = np.zeros((400, 3), np.float32)
    grid[:, :2] = np.stack(np.meshgrid(np.arange(20), np.arange(20)), -1).reshape(400, 2)
    ways = [(augment.warp(grid, seed, spread=0.05) - grid).numpy()[:, :2] for seed in seeds(80)]
    assert np.std(ways) == pytest.approx(0.05 * 19, rel=0.15)
    for way in ways[:5]:
        field = way.reshape(20, 20, 2)
        # a wave of amplitude a and length w changes by at most 2 pi a / w a unit; neighbours are 1/19 apart
        assert np.abs(np.diff(field, axis=0)).max() < 2 * np.pi * np.abs(way).max() * 3 / 0.7 / 19
    same = np.array([[1, 2, 1], [5, 0, 0], [1, 2, 1]], np.float32)
    warped = augment.warp(same, SEED).numpy()
    np.testing.assert_array_equal(warped[0], warped[2])


def test_trim_cuts_the_ends_alone():
    line = np.zeros((200, 3), np.float32)
    line[:, 0] = np.arange(200)
    line[[99, 199], 2] = 1
    lost = []
    for seed in seeds(60):
        for stroke, first in zip(cut(augment.trim(line, seed, most=0.3).numpy()), (0, 100), strict=True):
            np.testing.assert_array_equal(np.diff(stroke[:, 0]), 1)
            lost += [stroke[0, 0] - first, first + 99 - stroke[-1, 0]]
    assert min(lost) == 0
    assert 25 < max(lost) < 30


def test_two_functions_draw_independently_from_one_seed():
    box = np.array([[0, 0, 0], [1, 1, 1]], np.float32)
    leans = [augment.slant(box, seed, most=0.3).numpy()[1, 0] for seed in seeds(80)]
    turns = [augment.rotate(box, seed, most=0.3).numpy()[1, 0] for seed in seeds(80)]
    assert abs(np.corrcoef(leans, turns)[0, 1]) < 0.3
