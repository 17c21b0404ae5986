"""Intervals and tests of paired differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from zoo.paired import block_means, block_numbers, by_chance, interval


def blocks(difference: np.ndarray, ahead: int, series: np.ndarray) -> np.ndarray:
    return block_means(difference, block_numbers(ahead, series))


def test_interval_is_near_the_normal_one():
    sample = np.random.default_rng(0).normal(0.3, 2.0, 400)
    low, high = interval(sample)
    half = 1.96 * sample.std() / np.sqrt(len(sample))
    assert low == pytest.approx(sample.mean() - half, abs=0.03)
    assert high == pytest.approx(sample.mean() + half, abs=0.03)
    assert interval(sample) == (low, high)  # no draw differs from call to call


def test_interval_covers_the_mean_about_95_times_in_100():
    draws = np.random.default_rng(1)
    samples = [(draws.random(80) < 0.3) * 1.0 - (draws.random(80) < 0.2) for _ in range(60)]
    covered = [low <= 0.1 <= high for low, high in map(interval, samples)]
    assert 52 <= sum(covered) <= 60


def test_interval_of_equal_differences_is_a_point():
    assert interval(np.full(5, -0.25)) == (-0.25, -0.25)
    assert interval(np.array([0.5])) == (0.5, 0.5)


def test_blocks_of_overlapping_windows_keep_the_mean():
    difference = np.arange(10.0)
    found = blocks(difference, 4, np.zeros(10))
    np.testing.assert_allclose(found, np.array([0 + 1 + 2 + 3 + 4, 5 + 6 + 7 + 8 + 9]) / 5)
    series = np.array(["a"] * 5 + ["b"] * 3 + ["a"] * 2)  # never over the border of a series
    found = blocks(difference, 2, series)
    np.testing.assert_allclose(found, np.array([0 + 1 + 2, 3 + 4, 5 + 6 + 7, 8 + 9]) * 4 / 10)
    assert found.mean() == pytest.approx(difference.mean())
    np.testing.assert_array_equal(blocks(difference, 1, np.zeros(10)), difference)
    np.testing.assert_array_equal(blocks(difference, 48, np.arange(10)), difference)  # a window each, none overlap


def test_blocks_give_intervals_that_hold_for_windows_that_overlap():
    """A moving mean of 20 independent values is off by far more than so many independent windows would be."""
    covered = {"blocks": 0, "windows": 0}
    for seed in range(100):
        noise = np.random.default_rng(seed).normal(0, 1, 619)
        difference = np.convolve(noise, np.ones(20) / 20, "valid")  # mean 0
        for name, drawn in (("windows", difference), ("blocks", blocks(difference, 20, np.zeros(600)))):
            low, high = interval(drawn)
            covered[name] += low <= 0 <= high
    assert covered["blocks"] >= 75
    assert covered["windows"] <= 50


@pytest.mark.parametrize(("lost", "won"), [(0, 5), (3, 9), (20, 21), (0, 0)])
def test_chance_is_that_of_a_fair_coin_over_what_changed(lost: int, won: int):
    before = np.array([True] * lost + [False] * won + [True] * 40 + [False] * 7)
    after = np.array([False] * lost + [True] * won + [True] * 40 + [False] * 7)
    expected = binomtest(lost, lost + won).pvalue if lost + won else 1.0
    assert by_chance(before, after) == pytest.approx(expected)
