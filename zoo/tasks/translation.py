"""A text in one language for a text in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from sacrebleu.metrics import BLEU, CHRF

from zoo.layers.subwords import SPACE, joined
from zoo.tasks.word_by_word import word_by_word
from zoo.types import Answers, Spec

LENGTHS = (5, 10, 15, 20, 30)  # words; edges of the groups of references in the picture


@dataclass(frozen=True, kw_only=True)
class Translation:
    """Translation: the next piece of the answer, given those before it, while training; the best answer afterwards.

    Targets are ids int32[batch, step] of pieces, begin mark first and end mark last, padded with -1. Logits at t are of
    the piece at t + 1. Truth and answers are texts; BLEU and chrF read them in lower case.

    Args:
      label_smoothing: Share of the target probability spread over all pieces while training (Szegedy et al. 2016,
        Rethinking the Inception Architecture, section 7).
    """

    label_smoothing: float = 0.0

    name: ClassVar[str] = "translation"
    headline: ClassVar[str] = "bleu"
    watch: ClassVar[str] = "val_cross_entropy"
    watch_mode: ClassVar[Literal["max", "min"]] = "min"
    forced: ClassVar[bool] = True  # the network is shown the target while training

    def loss(self) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Smoothed cross-entropy on (int32[batch, step], logits float32[batch, step - 1, piece]).

        It gives float32[batch]: each example's sum over its pieces, scaled so that the mean over the batch is the mean
        over all of its pieces.
        """

        def smoothed_cross_entropy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            wanted, real = next_pieces(target)
            totals = tf.reduce_logsumexp(logits, -1)
            right = totals - tf.gather(logits, wanted, batch_dims=2)
            spread = totals - tf.reduce_mean(logits, -1)
            values = (1 - self.label_smoothing) * right + self.label_smoothing * spread
            rows = tf.reduce_sum(tf.where(real, values, 0.0), 1)
            count = tf.reduce_sum(tf.cast(real, tf.float32))
            return rows * tf.cast(tf.shape(rows)[0], tf.float32) / tf.maximum(count, 1.0)

        return smoothed_cross_entropy

    def averaged_over(self, inputs: tuple[tf.Tensor, ...], target: tf.Tensor) -> tf.Tensor:
        """How many pieces the loss of a batch is the mean of, from (what the network takes, int32[batch, step])."""
        return tf.reduce_sum(tf.cast(next_pieces(target)[1], tf.float32))

    def metrics(self) -> list[keras.metrics.Metric]:
        """Cross-entropy in nats, unsmoothed (perplexity is its exponential), and accuracy, both over real pieces."""

        def cross_entropy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            wanted, real = next_pieces(target)
            values = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
            return tf.boolean_mask(values, real)

        def accuracy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            wanted, real = next_pieces(target)
            right = tf.argmax(logits, -1, tf.int32) == wanted
            return tf.boolean_mask(tf.cast(right, tf.float32), real)

        return [
            keras.metrics.MeanMetricWrapper(cross_entropy, name="cross_entropy"),
            keras.metrics.MeanMetricWrapper(accuracy, name="accuracy"),
        ]

    def answer(self, logits: dict[str, tf.Tensor], target: Spec) -> dict[str, tf.Tensor]:
        """The translation with its score.

        Args:
          logits: What the network's search gives: `pieces: int32[batch, step]`, `length: int32[batch]` and
            `score: float32[batch]`.
          target: Its classes are the pieces.

        Returns:
          `translation: string[batch]`, `score: float32[batch]`, the log-probability over the length penalty.
        """
        return {
            "translation": joined(logits["pieces"], logits["length"], target.classes),
            "score": logits["score"],
        }

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """BLEU and chrF of the whole corpus in points, and the share of answers that are the truth but for case.

        Args:
          answers: `translation`, bytes[example].
          truth: bytes[example], as they were published.
          target: Not looked at.
        """
        found, wanted = texts(answers["translation"]), texts(truth)
        same = [one.lower().split() == other.lower().split() for one, other in zip(found, wanted, strict=True)]
        return {
            "bleu": float(BLEU(lowercase=True).corpus_score(found, [wanted]).score),
            "chrf": float(CHRF(lowercase=True).corpus_score(found, [wanted]).score),
            "exact": float(np.mean(same)),
        }

    def signature(self) -> str:
        """How sacreBLEU counted, in its own words, to be published with the score."""
        metric = BLEU(lowercase=True)
        metric.corpus_score([""], [[""]])  # it says how many references there were
        return str(metric.get_signature())

    def example_scores(self, answers: Answers, truth: np.ndarray, target: Spec) -> np.ndarray:
        """float64[example]: BLEU of each answer by itself, over the orders of n-grams that it has."""
        metric = BLEU(lowercase=True, effective_order=True)
        pairs = zip(texts(answers["translation"]), texts(truth), strict=True)
        return np.array([metric.sentence_score(one, [other]).score for one, other in pairs])

    def baseline(self, train: tuple[Sequence[bytes], np.ndarray], test: Sequence[bytes], target: Spec) -> Answers:
        """Every word by its likeliest translation, in the order of the source.

        Args:
          train: Source texts and bytes[example] truths.
          test: Source texts.
          target: Not looked at.

        Returns:
          `translation: bytes[example]` for the test examples.
        """
        return {"translation": np.array(word_by_word((train[0], list(train[1])), test), object)}

    def beside(self, test: Sequence[bytes], target: Spec) -> dict[str, Answers]:
        """`copied`, the source texts as they are: what names and figures alone are worth."""
        return {"copied": {"translation": np.array(list(test), object)}}

    def describe(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, list]:
        """Columns for a table of examples; `badness`, 100 less the BLEU of the sentence, sorts worst first."""
        scores = self.example_scores(answers, truth, target)
        return {
            "truth": texts(truth),
            "translation": texts(answers["translation"]),
            "bleu": scores.round(2).tolist(),
            "badness": (100 - scores).round(2).tolist(),
        }

    def pictures(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, Figure]:
        """BLEU by length of the reference, and lengths of answers beside those of references."""
        found, wanted = texts(answers["translation"]), texts(truth)
        lengths = np.array([[len(one.split()), len(other.split())] for one, other in zip(found, wanted, strict=True)])
        return {"bleu_by_length": _bleu_by_length(found, wanted, lengths[:, 1]), "lengths": _lengths(lengths)}


def next_pieces(target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pieces to be written int32[batch, step - 1], and which of them are real, of targets [batch, step]."""
    wanted = tf.cast(target, tf.int32)[:, 1:]  # Keras makes floats of them
    return tf.maximum(wanted, 0), wanted >= 0


def texts(values: np.ndarray | Sequence[bytes]) -> list[str]:
    """Texts of UTF-8 bytes; what is no UTF-8 is replaced."""
    return [bytes(value).decode(errors="replace") for value in values]


def attention_figure(weights: np.ndarray, source_pieces: Sequence[str], target_pieces: Sequence[str]) -> Figure:
    """Where a translator looked before it wrote each piece.

    Args:
      weights: float32[target piece, source piece], rows adding up to 1; rows and columns past the pieces are left out.
      source_pieces: Along the bottom.
      target_pieces: From top to bottom, those that were written.
    """
    shown = np.asarray(weights)[: len(target_pieces), : len(source_pieces)]
    figure = Figure(figsize=(2 + 0.3 * len(source_pieces), 1.5 + 0.3 * len(target_pieces)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shown, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    labels = [[piece.replace(SPACE, "\N{MIDDLE DOT}") for piece in side] for side in (source_pieces, target_pieces)]
    axes.set_xticks(range(len(source_pieces)), labels[0], rotation="vertical")
    axes.set_yticks(range(len(target_pieces)), labels[1])
    axes.set(xlabel="source", ylabel="translation", title="Attention")
    figure.colorbar(image, ax=axes, label="weight")
    return figure


def _bleu_by_length(found: list[str], wanted: list[str], lengths: np.ndarray) -> Figure:
    groups = np.searchsorted(LENGTHS, lengths)
    edges = [0, *LENGTHS]
    names, scores, counts = [], [], []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        references = [[wanted[row] for row in rows]]
        scores.append(BLEU(lowercase=True).corpus_score([found[row] for row in rows], references).score)
        names.append(f"{edges[group] + 1} to {edges[group + 1]}" if group < len(LENGTHS) else f"over {edges[-1]}")
        counts.append(len(rows))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.bar_label(axes.bar(names, scores), [f"{count} sentences" for count in counts], fontsize="small")
    axes.set(xlabel="words of the reference", ylabel="BLEU", title=f"BLEU by length, {len(found)} test examples")
    return figure


def _lengths(lengths: np.ndarray) -> Figure:
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    most = int(lengths.max(initial=1)) + 1
    axes.hexbin(lengths[:, 1], lengths[:, 0], gridsize=min(most, 30), bins="log", cmap="Blues", mincnt=1)
    axes.plot([0, most], [0, most], color="grey", linestyle="dashed", label="as long as the reference")
    ratio = lengths[:, 0].sum() / max(lengths[:, 1].sum(), 1)
    axes.set(xlabel="words of the reference", ylabel="words of the translation", xlim=(0, most), ylim=(0, most))
    axes.set_title(f"Lengths, {ratio:.3f} of the references' in all")
    axes.legend(loc="upper left")
    return figure
