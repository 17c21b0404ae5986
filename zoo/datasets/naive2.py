"""Naive 2: the last value, seasonally adjusted, which the M4 competition measures every forecast against."""

from __future__ import annotations

import numpy as np

CRITICAL = 1.645  # of the standard normal distribution, 90 % two-sided


def naive2(values: np.ndarray, season: int, ahead: int) -> np.ndarray:
    """Forecasts a series by its last value without the season, times the season to come.

    Args:
      values: float64[step], all there is; seasons are only taken out of positive ones, for they multiply.
      season: Steps of a season.
      ahead: Steps to be told.

    Returns:
      float64[ahead].

    Source:
      Makridakis, Spiliotis and Assimakopoulos 2020, The M4 Competition, and the organisers' "Benchmarks and
      Evaluation.R": classical multiplicative decomposition where the autocorrelation at the season passes a test.
    """
    factors = np.ones(season)
    if season > 1 and values.min() > 0 and is_seasonal(values, season):
        from statsmodels.tsa.seasonal import seasonal_decompose

        # of the last `season` steps, so that the first is that of the step to come
        factors = seasonal_decompose(values, model="multiplicative", period=season).seasonal[-season:]
    return values[-1] / factors[-1] * np.resize(factors, ahead)


def is_seasonal(values: np.ndarray, season: int) -> bool:
    """Whether values a season apart go together, by the organisers' test; no for fewer than three seasons.

    Args:
      values: float64[step].
      season: Steps of a season.
    """
    if len(values) < 3 * season or np.ptp(values) == 0:
        return False
    from statsmodels.tsa.stattools import acf

    found = acf(values, nlags=season, fft=False)[1:]
    limit = CRITICAL / np.sqrt(len(values)) * np.sqrt(1 + 2 * np.sum(np.square(found[:-1])))
    return bool(abs(found[-1]) > limit)
