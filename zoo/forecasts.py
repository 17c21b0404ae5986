"""Pictures of forecasts behind the past they were made from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.chain import Chain
from zoo.datasets.windows import look_back
from zoo.types import Answers, Dataset

KINDS = ("good", "median", "bad")
SHARES = (0.05, 0.5, 0.95)  # of the windows that are better
PAST = 3  # times as many steps of the past as of the future
MOST_SERIES = 3


def pictures(chain: Chain, dataset: Dataset, split: str, answers: Mapping[str, Answers]) -> dict[str, Figure]:
    """A good, a median and a bad forecast of up to three series, by file name without suffix.

    Args:
      chain: A forecaster; of anything else there is no such picture.
      dataset: Has the split.
      split: Its name.
      answers: To every example, by split.
    """
    if dataset.target.series is None:
        return {}
    examples = list(dataset.splits[split].as_numpy_iterator())
    truth = np.stack([example["target"] for example in examples])
    scores = chain.task.example_scores(answers[split], truth, dataset.target)
    order = np.argsort(scores, kind="stable")
    chosen = [int(order[round(share * (len(order) - 1))]) for share in SHARES]
    names = dataset.target.series.names
    columns = np.unique(np.linspace(0, len(names) - 1, MOST_SERIES).round().astype(int))
    figure = Figure(figsize=(4.6 * len(chosen), 2.4 * len(columns) + 0.4), layout="constrained")
    panels = figure.subplots(len(columns), len(chosen), squeeze=False)
    for across, (index, kind) in enumerate(zip(chosen, KINDS, strict=True)):
        example = examples[index]
        for down, column in enumerate(columns):
            axes = panels[down][across]
            _draw(axes, dataset, example, {name: value[index] for name, value in answers[split].items()}, column)
            axes.set_ylabel(names[column])
        title = f"{kind}: {example['id'].decode()}, {chain.task.headline} {scores[index]:.3g}"
        panels[0][across].set_title(title, fontsize=9)
        panels[-1][across].set_xlabel("steps from the forecast")
    panels[0][0].legend(loc="best", fontsize=7)
    return {"forecasts": figure}


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
    axes.plot(ahead, example["target"][:, column] * scale + center, color="black", linewidth=0.9, label="truth")
    axes.plot(ahead, answer["forecast"][:, column], color="C0", linewidth=1.2, label="forecast")
