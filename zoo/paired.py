"""Two answers to the same examples: how far apart they are, and whether chance alone could be the reason."""

from __future__ import annotations

import numpy as np
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar


def block_numbers(ahead: int, series: np.ndarray) -> np.ndarray:
    """What a bootstrap may draw from windows that overlap with the next ones: runs of `ahead` windows of one series.

    Args:
      ahead: Steps told by a window; each begins one step behind the one before.
      series: [window], which series it is of; windows are in the order of the series and of time.

    Returns:
      int64[window], the number of the block that each is in; some are a little longer or, at a short series, shorter.

    Source:
      Carlstein 1986, The Use of Subseries Values for Estimating the Variance of a General Statistic from a Stationary
      Sequence (blocks that do not overlap).
    """
    parts = np.split(np.arange(len(series)), np.flatnonzero(series[1:] != series[:-1]) + 1)
    runs = [run for part in parts for run in np.array_split(part, max(1, len(part) // ahead))]
    return np.repeat(np.arange(len(runs)), [len(run) for run in runs])


def block_means(difference: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """float64[block] with the same mean as float64[example], the examples of a block drawn together."""
    sums = np.bincount(blocks, weights=difference)
    return sums * len(sums) / len(difference)


def interval(difference: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean of paired differences float64[example], by the percentile bootstrap.

    Source:
      Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    if np.ptp(difference) == 0:
        return float(difference[0]), float(difference[0])
    found = bootstrap((difference,), np.mean, n_resamples=2000, batch=200, method="percentile", rng=0)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def by_chance(before: np.ndarray, after: np.ndarray) -> float:
    """How likely so different answers are if neither is better, of bool[example], those that are right: McNemar's test.

    Source:
      McNemar 1947, Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages; exact.
    """
    table = [[int((before & after).sum()), int((before & ~after).sum())]]
    table.append([int((~before & after).sum()), int((~before & ~after).sum())])
    return float(mcnemar(table, exact=True).pvalue)
