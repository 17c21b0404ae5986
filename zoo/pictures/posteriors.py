"""What a model heard or read where: features or ink, and under them the symbols it was sure of, or its attention."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.chain import Chain, steps, truths
from zoo.tasks import ctc
from zoo.types import Answers, Dataset

EXAMPLES = 6
SEEN = 0.1  # probability from which a symbol's curve is drawn
SHORT = 60  # characters of a title
POINTS = 7  # size of the letters


def pictures(chain: Chain, dataset: Dataset, split: str, answers: Mapping[str, Answers]) -> dict[str, Figure]:
    """The six worst examples of a split, by file name without suffix: `posteriors` of a transcriber, the probability of
    every symbol at every frame, and where on the ink it was read; `attention` of a classifier with attention pooling,
    the weight of every step.

    Args:
      chain: Of anything else, and of texts, there is no such picture.
      dataset: Has the split.
      split: Its name.
      answers: To every example, by split.
    """
    names = {layer.name for layer in chain.network.layers}
    name = {"transcription": "posteriors", "classification": "attention"}.get(chain.task.name)
    if chain.input.kind == "text" or name is None or (name == "attention" and "pooling" not in names):
        return {}
    ids, truth = truths(dataset.splits[split])
    described = chain.task.describe(answers[split], truth, chain.target)
    worst = np.argsort(-np.asarray(described["badness"]), kind="stable")[:EXAMPLES].tolist()
    chosen = {
        place: example["input"]
        for place, example in enumerate(dataset.splits[split].as_numpy_iterator())
        if place in worst
    }
    answer = "text" if name == "posteriors" else "label"
    figure = Figure(figsize=(11, 2.9 * -(-len(worst) // 2)), layout="constrained")
    for place, part in zip(worst, _panels(figure, len(worst)), strict=True):
        above, below = part
        values = tf.constant(chosen[place])
        features, length = chain.to_features(values[None], steps(values)[None])
        features = features[:, : int(length[0])]
        title = f"{ids[place]}: {described['truth'][place]} > {described[answer][place]}"
        title = title if len(title) <= SHORT else f"{title[: SHORT - 3]}..."
        above.set_title(title, fontsize=POINTS + 1, parse_math=False)
        if name == "posteriors":
            chances = _chances(chain, features, length)
            _posteriors(below, chain, chances)
        else:
            _attention(below, chain, features, length)
        if name == "posteriors" and chain.input.kind == "ink":
            _read(above, chain, values, chances)
        else:
            _features(above, features[0].numpy(), _seconds(chain))
        below.set_xlim(0, features.shape[1] * _seconds(chain))
    return {name: figure}


def _panels(figure: Figure, count: int) -> list[tuple[Axes, Axes]]:
    rows = -(-count // 2)
    grid = figure.subplots(2 * rows, 2, squeeze=False, gridspec_kw={"height_ratios": [3, 2] * rows})
    panels = [(grid[2 * row][column], grid[2 * row + 1][column]) for row in range(rows) for column in range(2)]
    for axes in (axes for pair in panels[count:] for axes in pair):
        axes.axis("off")
    return panels[:count]


def _seconds(chain: Chain) -> float:
    """How long a step of the features is; 1 where they are no sound."""
    hop, stack = getattr(chain.frontend, "hop", None), getattr(chain.frontend, "stack", 1)
    return hop * stack / chain.input.rate_hz if hop and chain.input.rate_hz else 1.0


def _features(axes: Axes, features: np.ndarray, seconds: float) -> None:
    rows = features.reshape(len(features), -1).T
    axes.imshow(rows, origin="lower", aspect="auto", cmap="magma", extent=(0, len(features) * seconds, 0, len(rows)))
    axes.tick_params(labelsize=POINTS, labelbottom=False)


def _read(axes: Axes, chain: Chain, values: tf.Tensor, chances: np.ndarray) -> None:
    """The ink as the network sees it, and each symbol at the point that was being written where it is surest."""
    places, stroke, count = (part[0].numpy() for part in chain.frontend.resampled(values[None], steps(values)[None]))
    for number in range(stroke[:count].max() + 1):
        axes.plot(*places[:count][stroke[:count] == number].T, color="grey", linewidth=1.0)
    for frame, symbol in peaks(chances):
        place = places[min(frame * chain.network.stride + chain.network.stride // 2, count - 1)]
        axes.plot(*place, color="C3", marker=".", markersize=4)
        axes.annotate(
            _shown(chain, symbol), place, color="C3", fontsize=POINTS + 1, ha="center", va="bottom", parse_math=False
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.invert_yaxis()  # y grows downwards
    axes.axis("off")


def _shown(chain: Chain, symbol: int) -> str:
    return chain.target.classes[symbol].strip() or "_"


def _chances(chain: Chain, features: tf.Tensor, length: tf.Tensor) -> np.ndarray:
    """float32[frame, symbol + 1] of one example."""
    logits, frames = ctc.frames(chain.network([features, length], training=False))
    return tf.nn.softmax(logits)[0, : int(frames[0])].numpy()


def _posteriors(axes: Axes, chain: Chain, chances: np.ndarray) -> None:
    step = _seconds(chain) * chain.network.stride
    places = np.arange(len(chances)) * step
    blank = chances.shape[1] - 1
    axes.plot(places, chances[:, blank], color="grey", linewidth=0.6, linestyle="dotted")
    for symbol in np.flatnonzero(chances[:, :blank].max(0) >= SEEN):
        axes.plot(places, chances[:, symbol], linewidth=0.9)
    for place, symbol in peaks(chances):
        axes.annotate(
            _shown(chain, symbol),
            (places[place], chances[place, symbol]),
            fontsize=POINTS,
            ha="center",
            va="bottom",
            parse_math=False,
        )
    axes.set_ylim(0, 1.25)
    _label(axes, chain, "probability")


def _attention(axes: Axes, chain: Chain, features: tf.Tensor, length: tf.Tensor) -> None:
    pooling = chain.network.get_layer("pooling")
    inputs = keras.tree.flatten(pooling.input)
    values, *mask = keras.Model(chain.network.inputs, inputs)([features, length], training=False)
    weights = np.asarray(pooling.attention(values, *mask))[0]
    count = int(np.sum(mask[0])) if mask else len(weights)
    places = (np.arange(count) + 0.5) * features.shape[1] / count * _seconds(chain)
    for head in range(weights.shape[1]):
        axes.plot(places, weights[:count, head], linewidth=0.9, label=f"head {head + 1}")
    axes.legend(fontsize=POINTS - 1, loc="upper right", ncols=2)
    _label(axes, chain, "attention")


def _label(axes: Axes, chain: Chain, what: str) -> None:
    axes.set_ylabel(what, fontsize=POINTS)
    axes.set_xlabel("seconds" if _seconds(chain) != 1 else "steps", fontsize=POINTS)
    axes.tick_params(labelsize=POINTS)


def peaks(chances: np.ndarray) -> list[tuple[int, int]]:
    """Where each symbol of the greedy answer is surest: (frame, symbol), in order.

    Args:
      chances: float32[frame, symbol + 1], the last one that of none.
    """
    best, found = chances.argmax(1), []
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
    for begin, end in itertools.pairwise(edges):
        if end > begin and best[begin] < chances.shape[1] - 1:
            symbol = int(best[begin])
            found.append((begin + int(chances[begin:end, symbol].argmax()), symbol))
    return found
