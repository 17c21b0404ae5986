"""Pictures of how far forecasts were off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

MOST_SERIES = 40  # bars that can be read
ROOM = 3  # times the model's error; forecasts that are off by more leave the picture


def by_step(error: np.ndarray, others: Mapping[str, np.ndarray], unit: str, frequency: str) -> Figure:
    """The mean absolute error at each step ahead, with the band of the middle half of the windows.

    Args:
      error: float64[window, ahead, series].
      others: Means float64[ahead] of simple forecasts, by name.
      unit: What errors are counted in.
      frequency: Time between two steps, "" where they are only counted.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    steps = np.arange(1, error.shape[1] + 1)
    windows = error.mean(axis=2)
    low, high = np.quantile(windows, [0.25, 0.75], axis=0)
    axes.fill_between(steps, low, high, alpha=0.2, label="middle half of the windows")
    marker = "o" if len(steps) == 1 else ""
    axes.plot(steps, windows.mean(axis=0), marker=marker, label="this model")
    for number, (name, means) in enumerate(others.items(), 1):
        axes.plot(steps, means, color=f"C{number}", linewidth=0.9, marker=marker, label=name.replace("_", " "))
    every = f" ({frequency})" if frequency else ""
    axes.set(xlabel=f"steps ahead{every}", ylabel=f"absolute error\n{unit}".strip())
    axes.set_ylim(0, min(axes.get_ylim()[1], ROOM * max(high.max(), windows.mean(axis=0).max())) or None)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(f"Error by step ahead, {len(error):,} test windows")
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    return figure


def by_series(means: Mapping[str, float], unit: str) -> Figure:
    """The mean absolute error of each series, of the worst ones where there are many.

    Args:
      means: Of each series.
      unit: What it is counted in.
    """
    worst = sorted(means, key=lambda name: -means[name])[:MOST_SERIES]
    figure = Figure(figsize=(6, 0.28 * len(worst) + 1.4), layout="constrained")
    axes = figure.subplots()
    axes.barh(worst, [means[name] for name in worst])
    axes.set_ylim(len(worst) - 0.4, -0.6)  # the worst on top
    shown = f"the worst {len(worst)} of {len(means)}" if len(worst) < len(means) else f"{len(means)} in all"
    axes.set(xlabel=f"mean absolute error {unit}".strip(), title=f"Error by series, {shown}")
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
