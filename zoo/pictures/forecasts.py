"""Pictures of forecasts behind the past they were made from, and of how far they were off."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.chain import Chain
from zoo.datasets.windows import look_back
from zoo.tasks import forecast_pictures
from zoo.tasks.forecasting import standardised
from zoo.types import Answers, Dataset

KINDS = ("good", "median", "bad")
SHARES = (0.05, 0.5, 0.95)  # of the windows that are better
PAST = 3  # times as many steps of the past as of the future
MOST_SERIES = 3


def pictures(chain: Chain, dataset: Dataset, split: str, answers: Mapping[str, Answers]) -> dict[str, Figure]:
    """A good, a median and a bad forecast of up to three series, and errors by step and by series.

    Args:
      chain: A forecaster; of anything else there are no such pictures.
      dataset: Has the split.
      split: Its name.
      answers: To every example, by split.

    Returns:
      Pictures by file name without suffix.
    """
    if dataset.target.series is None:
        return {}
    examples = list(dataset.splits[split].as_numpy_iterator())
    truth = np.stack([example["target"] for example in examples])
    error, unit = _errors(dataset, split, answers[split], truth)
    simple = chain.task.beside([example["input"] for example in examples], dataset.target)
    others = {name: _errors(dataset, split, given, truth)[0].mean(axis=(0, 2)) for name, given in simple.items()}
    series = dataset.target.series
    drawn = {
        "forecasts": _examples(dataset, examples, answers[split], error, unit),
        "error_by_step": forecast_pictures.by_step(error, others, unit, series.frequency),
    }
    named = dataset.references.get(split, {}).get("series")
    means = dict(zip(series.names, error.mean(axis=(0, 1)).tolist(), strict=True))
    if named is not None:
        means = pd.Series(error.mean(axis=(1, 2))).groupby(named).mean().to_dict()
    return drawn | ({"error_by_series": forecast_pictures.by_series(means, unit)} if len(means) > 1 else {})


def _errors(dataset: Dataset, split: str, answers: Answers, truth: np.ndarray) -> tuple[np.ndarray, str]:
    """float64[example, ahead, series], where the split allows such that series can be compared, and their unit."""
    error = np.abs(standardised(answers["forecast"], dataset.target) - truth)
    seasonal = dataset.references.get(split, {}).get("seasonal_error")
    if dataset.target.unit or seasonal is None:
        return error, f"in {dataset.target.unit}" if dataset.target.unit else ""
    return error / np.where(seasonal > 0, seasonal, 1)[:, None], "over that of the seasonal naive forecast"


def _examples(dataset: Dataset, examples: list[dict], answers: Answers, error: np.ndarray, unit: str) -> Figure:
    scores = error.mean(axis=(1, 2))
    order = np.argsort(scores, kind="stable")
    chosen = [int(order[round(share * (len(order) - 1))]) for share in SHARES]
    names = dataset.target.series.names
    columns = np.unique(np.linspace(0, len(names) - 1, MOST_SERIES).round().astype(int))
    figure = Figure(figsize=(4.6 * len(chosen), 2.4 * len(columns) + 0.6), layout="constrained")
    figure.suptitle(f"Forecasts, with their mean absolute error {unit}".strip(), fontsize=10)
    panels = figure.subplots(len(columns), len(chosen), squeeze=False)
    for across, (index, kind) in enumerate(zip(chosen, KINDS, strict=True)):
        example, answer = examples[index], {name: value[index] for name, value in answers.items()}
        for down, column in enumerate(columns):
            _draw(panels[down][across], dataset, example, answer, column)
        panels[0][across].set_title(f"{kind}: {example['id'].decode()}, error {scores[index]:.3g}", fontsize=9)
        panels[-1][across].set_xlabel("steps from the forecast")
    for down, column in enumerate(columns):
        panels[down][0].set_ylabel(names[column])
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def _draw(axes: Axes, dataset: Dataset, example: dict, answer: Mapping[str, np.ndarray], column: int) -> None:
    series = dataset.target.series
    back = look_back(dataset.input)
    past = example["input"][:back, column][-PAST * series.ahead :]
    scale, center = (series.scale[column], series.center[column]) if series.center else (1.0, 0.0)
    axes.plot(np.arange(1 - len(past), 1), past, color="grey", linewidth=0.8, label="past")
    ahead = np.arange(1, series.ahead + 1)
    if "quantiles" in answer:
        band = answer["quantiles"][:, column]
        axes.fill_between(ahead, band[:, 0], band[:, -1], color="C0", alpha=0.25, label="interval")
    truth = example["target"][:, column] * scale + center
    axes.plot([0, *ahead], [past[-1], *truth], color="black", linewidth=0.9, label="truth")
    axes.plot(ahead, answer["forecast"][:, column], color="C0", linewidth=1.2, label="forecast")
