"""NLinear: one linear function for all series, from a window less its last value to the steps ahead."""

from __future__ import annotations

import numpy as np

from zoo.types import Series

RIDGE = 1e-3  # of the mean square of the inputs; it decides where windows are fewer than their steps
CHUNK = 512  # windows at once


def linear_forecast(past: np.ndarray, future: np.ndarray, asked: np.ndarray, series: Series) -> np.ndarray:
    """Fits by least squares, with a small ridge, on train windows and forecasts others.

    Args:
      past: float32[window, step, series] in own units; steps behind the look-back are not looked at.
      future: float32[window, ahead, series] in the target's unit.
      asked: As `past`.
      series: Says how series were standardised; where they were not, each window is divided by its own deviation, and
        what is told of it multiplied.

    Returns:
      float32[window, ahead, series] in own units.
    """
    ahead, count = future.shape[1:]
    look_back = past.shape[1] - (ahead if series.known else 0)
    gram, product = np.zeros((look_back + 1, look_back + 1)), np.zeros((look_back + 1, ahead))
    for at in range(0, len(past), CHUNK):
        rows, last, spread = _rows(past[at : at + CHUNK, :look_back], series)
        wanted = np.swapaxes(future[at : at + CHUNK].astype(np.float64), 1, 2).reshape(len(rows), ahead)
        gram += rows.T @ rows
        product += rows.T @ ((wanted - last) / spread)
    strength = RIDGE * np.trace(gram[:-1, :-1]) / look_back or 1.0  # 0 where no window ever changes
    weights = np.linalg.solve(gram + np.diag([*[strength] * look_back, 0.0]), product)  # the constant is free
    told = []
    for at in range(0, len(asked), CHUNK):
        rows, last, spread = _rows(asked[at : at + CHUNK, :look_back], series)
        made = np.swapaxes((rows @ weights * spread + last).reshape(-1, count, ahead), 1, 2)
        told.append(made * np.array(series.scale[:count]) + np.array(series.center[:count]) if series.center else made)
    return np.concatenate(told).astype(np.float32)


def _rows(windows: np.ndarray, series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """float64[window x series, step + 1] with a constant behind, the last values and the spread, [..., 1] each."""
    values = windows.astype(np.float64)
    if series.center:
        count = values.shape[2]
        values = (values - np.array(series.center[:count])) / np.array(series.scale[:count])
    flat = np.swapaxes(values, 1, 2).reshape(-1, values.shape[1])
    last = flat[:, -1:]
    spread = np.ones_like(last)
    if not series.center:
        found = flat.std(axis=1, keepdims=True)
        spread = np.where(found > 0, found, 1.0)
    return np.concatenate([(flat - last) / spread, np.ones_like(last)], axis=1), last, spread
