"""The linear forecast, beside least squares by NumPy and ridge regression by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from zoo.tasks.linear_forecast import CHUNK, RIDGE, linear_forecast
from zoo.types import Series

BACK, AHEAD = 5, 3
CENTER, SCALE = (10.0, -4.0), (2.0, 30.0)


def windows(count: int, series: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Own units: past float32[window, step, series] and future, a linear function of it with noise."""
    draws = np.random.default_rng(seed)
    mix = np.random.default_rng(9).normal(0, 0.5, (BACK, AHEAD))
    past = draws.normal(0, 1, (count, BACK, series))
    future = (
        np.einsum("nbs,ba->nas", past - past[:, -1:], mix) + past[:, -1:] + draws.normal(0, 0.1, (count, AHEAD, series))
    )
    scale, center = np.array(SCALE[:series]), np.array(CENTER[:series])
    return (past * scale + center).astype(np.float32), (future * scale + center).astype(np.float32)


def flat(values: np.ndarray) -> np.ndarray:
    """[window x series, step]."""
    return np.swapaxes(values, 1, 2).reshape(-1, values.shape[1]).astype(np.float64)


def standardised(values: np.ndarray) -> np.ndarray:
    return (values - np.array(CENTER)) / np.array(SCALE)


@pytest.mark.parametrize("count", [40, CHUNK + 30])  # within one piece and over its border
def test_against_ridge_regression(count):
    past, future = windows(count)
    asked, _ = windows(20, seed=1)
    series = Series(ahead=AHEAD, center=CENTER, scale=SCALE)
    found = linear_forecast(past, standardised(future).astype(np.float32), asked, series)
    x, y = flat(standardised(past)), flat(standardised(future))
    rows = x - x[:, -1:]
    strength = RIDGE * np.square(rows).sum() / BACK
    model = Ridge(alpha=strength).fit(rows, y - x[:, -1:])
    wanted = flat(standardised(asked))
    expected = model.predict(wanted - wanted[:, -1:]) + wanted[:, -1:]
    np.testing.assert_allclose(flat(standardised(found)), expected, atol=1e-5)


def test_against_least_squares_where_there_is_plenty_of_data():
    past, future = windows(400)
    asked, truth = windows(100, seed=1)
    series = Series(ahead=AHEAD, center=CENTER, scale=SCALE)
    found = linear_forecast(past, standardised(future).astype(np.float32), asked, series)
    x, y = flat(standardised(past)), flat(standardised(future))
    rows = np.concatenate([x - x[:, -1:], np.ones((len(x), 1))], axis=1)
    weights = np.linalg.lstsq(rows, y - x[:, -1:], rcond=None)[0]
    wanted = flat(standardised(asked))
    expected = np.concatenate([wanted - wanted[:, -1:], np.ones((len(wanted), 1))], axis=1) @ weights + wanted[:, -1:]
    np.testing.assert_allclose(flat(standardised(found)), expected, atol=5e-3)
    assert np.abs(standardised(found) - standardised(truth)).mean() == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.1)


def test_a_window_that_is_scaled_by_itself_is_told_at_any_height():
    draws = np.random.default_rng(0)
    past, future = windows(200, series=1)
    series = Series(ahead=AHEAD)
    asked = draws.normal(0, 1, (10, BACK, 1)).astype(np.float32)
    plain = linear_forecast(past, future, asked, series)
    np.testing.assert_allclose(linear_forecast(past, future, asked * 1000 + 5e4, series), plain * 1000 + 5e4, rtol=1e-4)
    scaled = past * 1000 + 5e4, future * 1000 + 5e4
    np.testing.assert_allclose(linear_forecast(*scaled, asked, series), plain, atol=2e-3)


def test_steps_of_known_columns_are_not_looked_at():
    past, future = windows(50)
    asked, _ = windows(5, seed=1)
    plain = linear_forecast(past, future, asked, Series(ahead=AHEAD, center=CENTER, scale=SCALE))
    longer = (np.concatenate([part, np.full((len(part), AHEAD, 2), 7.0, np.float32)], axis=1) for part in (past, asked))
    series = Series(ahead=AHEAD, center=CENTER, scale=SCALE, known=("promo",))
    np.testing.assert_array_equal(linear_forecast(next(longer), future, next(longer), series), plain)


def test_fewer_windows_than_steps_and_windows_that_never_change_can_be_solved():
    past, future = windows(2)
    assert np.isfinite(linear_forecast(past, future, past, Series(ahead=AHEAD, center=CENTER, scale=SCALE))).all()
    flat_past, flat_future = np.full((4, BACK, 1), 3.0, np.float32), np.full((4, AHEAD, 1), 5.0, np.float32)
    told = linear_forecast(flat_past, flat_future, flat_past[:1], Series(ahead=AHEAD))
    np.testing.assert_allclose(told, flat_future[:1], rtol=1e-6)
