"""Where a model of texts looked: pictures of a few test texts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.architectures.text import pooled_words
from zoo.chain import Chain
from zoo.types import Answers, Dataset

TEXTS = 10
MOST_WORDS = 80  # of a text in the picture, its last ones
LINE = 64  # characters
POINTS = 8  # size of the letters
FULL = 4  # times an equal share of the text has the full colour


def pictures(chain: Chain, dataset: Dataset, split: str, answers: Mapping[str, Answers]) -> dict[str, Figure]:
    """Pictures of ten texts of a split, evenly apart, by file name without suffix.

    Args:
      chain: A model of texts; of anything else there is no such picture.
      dataset: Has the split.
      split: Its name.
      answers: To every example, by split.
    """
    if chain.input.kind != "text":
        return {}
    size = dataset.sizes[split]
    chosen = [number * size // TEXTS for number in range(min(TEXTS, size))]
    examples = list(dataset.splits[split].as_numpy_iterator())
    texts = tf.constant([examples[index]["input"] for index in chosen])
    if chain.task.forced:
        answered = tf.constant([answers[split]["translation"][index] for index in chosen])
        return _alignments(chain, texts, answered)
    words = [[word.decode() for word in row] for row in chain.frontend.words(texts).to_list()]
    attention, largest = pooled_words(chain.network, *chain.to_features(texts, tf.ones(len(chosen), tf.int32)))
    classes = chain.target.classes
    titles = []
    for index in chosen:
        scores = answers[split]["scores"][index]
        truth, answer = classes[examples[index]["target"]], classes[scores.argmax()]
        titles.append(f"truth {truth}, answer {answer} ({scores.max():.2f})")
    return {"attention": _coloured(titles, words, {"attention pooling": attention, "max pooling": largest})}


def _alignments(chain: Chain, texts: tf.Tensor, answers: tf.Tensor) -> dict[str, Figure]:
    """For each text, where the network looked before it wrote each piece of its answer."""
    from zoo.tasks.translation import attention_figure  # loads sacrebleu

    ones = tf.ones(tf.shape(texts), tf.int32)
    read, lengths = chain.to_features(texts, ones)
    written, answered = chain.labels(answers, ones)
    weights = chain.network.attention([read, lengths, written]).numpy()
    made = {}
    for row, (steps, pieces) in enumerate(zip(lengths.numpy(), answered.numpy(), strict=True)):
        if steps == 0:
            continue
        source = [chain.features.classes[index] for index in read[row, :steps].numpy()]
        target = [chain.target.classes[index] for index in written[row, 1:pieces].numpy()]
        made[f"attention_{row + 1:02d}"] = attention_figure(weights[row, : pieces - 1, :steps], source, target)
    return made


def _coloured(titles: Sequence[str], words: Sequence[Sequence[str]], weights: Mapping[str, np.ndarray]) -> Figure:
    """A column a kind of pooling, a paragraph a text, a word the darker the more it weighs."""
    blocks = [_lines(row[-MOST_WORDS:]) for row in words]
    height = sum(len(block) + 2 for block in blocks)
    figure = Figure(figsize=(5.6 * len(weights), 0.17 * height + 0.4), layout="constrained")
    for axes, (kind, values) in zip(np.atleast_1d(figure.subplots(1, len(weights))), weights.items(), strict=True):
        axes.set(xlim=(0, LINE), ylim=(height, -1), title=f"{kind}: full colour at {FULL} times an equal share")
        axes.axis("off")
        top = 0
        for title, row, block, weight in zip(titles, words, blocks, values, strict=True):
            axes.text(0, top, title, fontsize=POINTS, weight="bold", va="center")
            _paragraph(axes, top + 1, block, weight[: len(row)][-MOST_WORDS:])
            top += len(block) + 2
    return figure


def _lines(words: Sequence[str]) -> list[list[str]]:
    """Words in lines of at most `LINE` characters."""
    lines: list[list[str]] = [[]]
    for word in (textwrap.shorten(word, LINE // 2, placeholder="...") for word in words):
        if sum(len(each) + 1 for each in lines[-1]) + len(word) > LINE:
            lines.append([])
        lines[-1].append(word)
    return lines


def _paragraph(axes: Axes, top: int, lines: Sequence[Sequence[str]], weights: np.ndarray) -> None:
    shades = iter(np.minimum(1.0, weights * len(weights) / FULL))
    for row, line in enumerate(lines):
        left = 0
        for word in line:
            colour = (0.95, 0.45, 0.1, float(next(shades)))
            box = {"facecolor": colour, "edgecolor": "none", "pad": 1.2}
            axes.text(
                left, top + row, word, fontsize=POINTS, family="monospace", va="center", bbox=box, parse_math=False
            )
            left += len(word) + 1
