"""Naive 2, beside the definitions of classical decomposition and of the organisers' seasonality test."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets.naive2 import is_seasonal, naive2

SEASON = 4


def wave(steps: int, noise: float = 0.02) -> np.ndarray:
    draws = np.random.default_rng(0)
    return (
        (10 + 0.1 * np.arange(steps))
        * np.tile([0.7, 1.0, 1.5, 0.8], -(-steps // 4))[:steps]
        * (1 + noise * draws.normal(size=steps))
    )


def factors(values: np.ndarray, season: int) -> np.ndarray:
    """Of each place in the season, by ratios to a centred moving average, as R's `decompose(type="multiplicative")`."""
    half = season // 2
    weights = np.array([0.5, *[1] * (season - 1), 0.5]) / season if season % 2 == 0 else np.ones(season) / season
    trend = {t: values[t - half : t + half + 1] @ weights for t in range(half, len(values) - half)}
    ratios = [[values[t] / trend[t] for t in trend if t % season == place] for place in range(season)]
    means = np.array([np.mean(part) for part in ratios])
    return means / means.mean()


@pytest.mark.parametrize("steps", [40, 41, 43])
def test_seasonal_series_against_the_definition(steps):
    values = wave(steps)
    assert is_seasonal(values, SEASON)
    found = factors(values, SEASON)
    adjusted = values[-1] / found[(steps - 1) % SEASON]
    expected = [adjusted * found[(steps + ahead) % SEASON] for ahead in range(10)]
    np.testing.assert_allclose(naive2(values, SEASON, 10), expected, rtol=1e-10)


def test_an_odd_season():
    values = np.tile([1.0, 2.0, 4.0], 12) * (20 + np.arange(36))
    found = factors(values, 3)
    expected = [values[-1] / found[2] * found[ahead % 3] for ahead in range(5)]
    np.testing.assert_allclose(naive2(values, 3, 5), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).uniform(5, 6, 60),  # no season
        wave(40) - 12,  # not all positive
        wave(11),  # less than three seasons
        np.full(40, 3.0),
    ],
)
def test_else_it_is_the_last_value(values):
    np.testing.assert_array_equal(naive2(values, SEASON, 3), np.full(3, values[-1]))
    np.testing.assert_array_equal(naive2(values, 1, 3), np.full(3, values[-1]))


def noisy(strength: float) -> np.ndarray:
    return strength * np.tile([0.0, 1.0, 2.0, 1.0], 15) + np.random.default_rng(2).normal(5, 1, 60)


STRENGTHS = np.linspace(0, 1, 11)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_seasonality_test_against_its_formula(strength):
    """|acf at the season| > 1.645 / sqrt(n) * sqrt(1 + 2 * the sum of squares of those before)."""
    values = noisy(strength)
    off = values - values.mean()
    acf = [np.sum(off[lag:] * off[:-lag]) / np.sum(off * off) for lag in range(1, SEASON + 1)]
    limit = 1.645 / np.sqrt(60) * np.sqrt(1 + 2 * sum(value**2 for value in acf[:-1]))
    assert is_seasonal(values, SEASON) is bool(abs(acf[-1]) > limit)


def test_the_seasonality_test_tells_both_apart():
    assert {is_seasonal(noisy(strength), SEASON) for strength in STRENGTHS} == {True, False}
