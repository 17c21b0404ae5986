"""Pictures of how far forecasts were off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from zoo.types import Spec

MOST_SERIES = 40  # bars that can be read


def by_step(error: np.ndarray, target: Spec) -> Figure:
    """The mean absolute error at each step ahead, with the band of the middle half of the windows.

    Args:
      error: float64[window, ahead, series] in the target's unit.
      target: Names the step and the unit.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    steps = np.arange(1, error.shape[1] + 1)
    windows = error.mean(axis=2)
    low, high = np.quantile(windows, [0.25, 0.75], axis=0)
    axes.fill_between(steps, low, high, alpha=0.2, label="middle half of the windows")
    axes.plot(steps, windows.mean(axis=0), label="mean")
    every = f", one every {target.series.frequency}" if target.series.frequency else ""
    axes.set(xlabel=f"steps ahead{every}", ylabel=f"absolute error {_unit(target)}".strip(), ylim=(0, None))
    axes.set_title(f"Error by step ahead, {len(error)} test windows")
    axes.legend(loc="upper left")
    return figure


def by_series(error: np.ndarray, target: Spec) -> Figure:
    """The mean absolute error of each series, of the worst ones where there are many; arguments as of `by_step`."""
    means = error.mean(axis=(0, 1))
    chosen = np.argsort(-means, kind="stable")[:MOST_SERIES]
    names = [target.series.names[index] if index < len(target.series.names) else str(index) for index in chosen]
    figure = Figure(figsize=(5.5, 0.28 * len(chosen) + 1.4), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, means[chosen])
    axes.invert_yaxis()
    axes.set(xlabel=f"mean absolute error {_unit(target)}".strip(), title=f"Error by series, {error.shape[2]} in all")
    return figure


def calibration(told: np.ndarray, wanted: np.ndarray, quantiles: Sequence[float]) -> Figure:
    """How often the truth was below each quantile that was told.

    Args:
      told: float32[window, ahead, series, quantile].
      wanted: float64[window, ahead, series], in the same units.
      quantiles: Their levels.
    """
    below = [(wanted <= told[..., index]).mean() for index in range(len(quantiles))]
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dashed", label="perfectly calibrated")
    axes.plot(quantiles, below, marker="o", label="this model")
    axes.set(xlabel="quantile told", ylabel="share of the truth below it", xlim=(0, 1), ylim=(0, 1))
    axes.set_title("Calibration of the quantiles")
    axes.legend(loc="upper left")
    return figure


def _unit(target: Spec) -> str:
    return f"in {target.unit}" if target.unit else ""
