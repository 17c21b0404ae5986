"""Pictures of test inks with what was answered and what they are, worst first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.chain import Chain, truths
from zoo.datasets.ink import strokes_of
from zoo.types import Answers, Dataset

MOST = 24
WIDE = 2.5  # times as wide as tall: from there on, in half of the inks, a row has fewer of them
SHADES = colormaps["viridis_r"]
TITLE = 48  # characters of an answer above an ink


def pictures(chain: Chain, dataset: Dataset, split: str, answers: Mapping[str, Answers]) -> dict[str, Figure]:
    """Up to 24 inks, the worst answered first, by file name without suffix.

    A stroke is the darker the later it was written, and has a dot where it was begun.

    Args:
      chain: A model of ink; of anything else there is no such picture.
      dataset: Has the split.
      split: Its name.
      answers: To every example, by split.
    """
    if chain.input.kind != "ink":
        return {}
    ids, truth = truths(dataset.splits[split])
    told = chain.task.describe(answers[split], truth, dataset.target)
    order = np.argsort(-np.asarray(told["badness"]), kind="stable")[:MOST]
    inks = [example["input"] for example in dataset.splits[split].as_numpy_iterator()]
    answered = next(name for name in told if name not in ("truth", "badness"))  # what each task gives first
    columns = 2 if np.median([_ratio(inks[index]) for index in order]) > WIDE else 6
    rows = -(-len(order) // columns)
    figure = Figure(figsize=(12, rows * (1.3 if columns == 2 else 2.2) + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, index in zip(panels, order, strict=False):
        _draw(axes, inks[index])
        score = f" ({told['score'][index]:.2f})" if "score" in told else ""
        title = f"{ids[index]}\ntruth {_short(told['truth'][index])}\nanswer {_short(told[answered][index])}{score}"
        axes.set_title(title, fontsize=7, parse_math=False)
    for axes in panels:
        axes.axis("off")
    return {"inks": figure}


def _ratio(ink: np.ndarray) -> float:
    """Width by height."""
    wide, tall = np.ptp(ink[:, :2], axis=0) if len(ink) else (0.0, 0.0)
    return float(wide / tall) if tall else 1.0


def _draw(axes: Axes, ink: np.ndarray) -> None:
    strokes = strokes_of(ink)
    for number, stroke in enumerate(strokes):
        shade = SHADES(0.25 + 0.75 * (number + 1) / len(strokes))
        axes.plot(*stroke.T, color=shade, linewidth=1.1, solid_capstyle="round")
        axes.plot(*stroke[0], color=shade, marker=".", markersize=4)
    axes.set_aspect("equal", adjustable="datalim")
    axes.invert_yaxis()  # y grows downwards


def _short(text: str) -> str:
    return text if len(text) <= TITLE else f"{text[: TITLE - 3]}..."
