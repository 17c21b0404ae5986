"""How well a model did for each speaker, writer or other group of a test split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zoo.types import Answers, Spec, Task

SHOWN = 40  # groups in the picture, the worst; more cannot be read
FALLING = ("accuracy", "bleu")  # headline metrics that fall as answers get worse; the others rise


def by_group(
    task: Task, answers: Answers, truth: np.ndarray, target: Spec, groups: Sequence[str], badness: Sequence[float]
) -> pd.DataFrame:
    """A row for each group, worst first: `group`, its `examples` and the task's headline metric over them.

    Args:
      task: Scores.
      answers: To every example of a split.
      truth: Of every example.
      target: What answers are.
      groups: Of every example, "" where it has none; those are left out.
      badness: Of every answer, whose mean over a group says which of two with the same metric is worse.
    """
    badness, rows = np.asarray(badness), []
    for group, places in pd.Series(groups).groupby(list(groups)).indices.items():
        if group:
            part = {name: value[places] for name, value in answers.items()}
            score = task.score(part, truth[places], target)[task.headline]
            worse = -score if task.headline in FALLING else score
            row = {"group": group, "examples": len(places), task.headline: score}
            rows.append((worse, badness[places].mean(), row))
    rows.sort(key=lambda row: row[:2], reverse=True)
    return pd.DataFrame([row for *_, row in rows])


def picture(found: pd.DataFrame, metric: str, noun: str) -> Figure:
    """Bars of the worst 40 groups, with the number of their examples.

    Args:
      found: As `by_group` gives it.
      metric: Its column.
      noun: What a group is, such as "speaker".
    """
    shown = found.head(SHOWN)
    figure = Figure(figsize=(6, 0.22 * len(shown) + 1.3), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(shown))
    axes.barh(places, shown[metric])
    names = [f"{group} ({count})" for group, count in zip(shown["group"], shown["examples"], strict=True)]
    axes.set_yticks(places, names, fontsize=7, parse_math=False)
    axes.invert_yaxis()
    axes.axvline(found[metric].mean(), color="C1", label=f"mean over {len(found)} {noun}s")
    axes.legend(fontsize=8)
    which = f"the worst {SHOWN} of {len(found)} {noun}s" if len(found) > SHOWN else f"{len(found)} {noun}s"
    axes.set(xlabel=metric, ylabel=f"{noun} (examples)", title=f"{metric} by {noun}, {which}")
    return figure
