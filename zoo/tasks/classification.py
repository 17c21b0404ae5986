"""One label out of several for a whole example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, f1_score, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from zoo.tasks.nearest_ink import nearest_ink
from zoo.types import Answers, Spec

RELIABILITY_BINS = 10
BAG_OF_WORDS_C = 10.0  # tf-idf rows have length 1; at 1 the model is far from done on a few thousand texts


@dataclass(frozen=True, kw_only=True)
class Classification:
    """Classification of whole sequences: softmax over the classes of the target.

    Args:
      label_smoothing: Share of the target probability spread over all classes while training (Szegedy et al. 2016,
        Rethinking the Inception Architecture, section 7).
      neighbour_points: The baseline of ink is its nearest neighbour by so many points evenly along it; 0 for logistic
        regression on the features.
    """

    label_smoothing: float = 0.0
    neighbour_points: int = 0

    name: ClassVar[str] = "classification"
    headline: ClassVar[str] = "accuracy"
    watch: ClassVar[str] = "val_loss"  # a few hundred examples rank epochs better by loss than by accuracy
    watch_mode: ClassVar[Literal["max", "min"]] = "min"
    forced: ClassVar[bool] = False

    @property
    def baseline_reads_input(self) -> bool:
        """Whether the baseline is given raw input and not features."""
        return self.neighbour_points > 0

    def loss(self) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Smoothed cross-entropy on (int64[batch], logits float32[batch, class] or float32[batch, member, class])."""

        def smoothed_cross_entropy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            one_hot = tf.one_hot(tf.cast(tf.reshape(target, [-1]), tf.int32), tf.shape(logits)[-1])
            one_hot = one_hot if logits.shape.rank == 2 else tf.repeat(one_hot[:, None], tf.shape(logits)[1], axis=1)
            return keras.losses.categorical_crossentropy(
                one_hot, logits, from_logits=True, label_smoothing=self.label_smoothing
            )

        return smoothed_cross_entropy

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy on (int64[batch], logits as of `loss`)."""

        def right(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            return tf.equal(tf.cast(tf.reshape(target, [-1]), tf.int64), tf.argmax(scores_of(logits), axis=-1))

        return [keras.metrics.MeanMetricWrapper(right, name="accuracy")]

    def answer(self, logits: tf.Tensor, target: Spec) -> dict[str, tf.Tensor]:
        """The label with its score.

        Args:
          logits: float32[batch, class], or float32[batch, member, class] of networks whose scores are averaged.
          target: Its classes name the labels.

        Returns:
          `label: string[batch]`, `score: float32[batch]` in (0, 1], `scores: float32[batch, class]`.
        """
        scores = scores_of(logits)
        best = tf.argmax(scores, axis=-1)
        label = tf.gather(tf.constant(target.classes), best)
        return {"label": label, "score": tf.reduce_max(scores, axis=-1), "scores": scores}

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """Accuracy, macro-averaged F1 and cross-entropy in nats of answers to int64[example] truths."""
        best = answers["scores"].argmax(axis=-1)
        scores = answers["scores"].astype(np.float64)
        scores /= scores.sum(axis=-1, keepdims=True)  # float32 sums to one only nearly
        every = range(len(target.classes))
        return {
            "accuracy": float(accuracy_score(truth, best)),
            "macro_f1": float(f1_score(truth, best, average="macro", labels=every, zero_division=0.0)),
            "loss": float(log_loss(truth, scores, labels=every)),
        }

    def example_scores(self, answers: Answers, truth: np.ndarray, target: Spec) -> np.ndarray:
        """float64[example]: 1 where the answer is right, else 0."""
        return (answers["scores"].argmax(axis=-1) == truth).astype(np.float64)

    def baseline(
        self, train: tuple[Sequence[np.ndarray], np.ndarray], test: Sequence[np.ndarray], target: Spec
    ) -> Answers:
        """Logistic regression on features averaged over time, which knows what occurs but not in which order.

        Of texts it sees how often words and pairs of words occur (tf-idf; Wang and Manning 2012); of ink, with
        `neighbour_points`, it is the nearest neighbour.

        Args:
          train: Features float32[time, feature] of each train example, texts as bytes or ink as float32[point, 3], and
            int64[example] truths.
          test: The same of each test example.
          target: Its classes.

        Returns:
          `scores: float32[example, class]` for the test examples.
        """
        features, truth = train
        if len(np.unique(truth)) == 1:  # a few examples by --limit; logistic regression refuses them
            return {"scores": np.tile(np.eye(len(target.classes), dtype=np.float32)[truth[0]], (len(test), 1))}
        if isinstance(features[0], bytes):
            counted = TfidfVectorizer(
                ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+", decode_error="replace"
            )
            model = make_pipeline(counted, LogisticRegression(C=BAG_OF_WORDS_C, max_iter=2000))
        elif self.neighbour_points:
            model = nearest_ink(self.neighbour_points)
        else:
            means = FunctionTransformer(_time_means)
            model = make_pipeline(means, StandardScaler(), LogisticRegression(max_iter=2000))
        model.fit(features, truth)
        scores = np.zeros((len(test), len(target.classes)), np.float32)
        scores[:, model.classes_] = model.predict_proba(test)
        return {"scores": scores}

    def describe(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, list]:
        """Columns for a table of examples: what is right, what was answered, how sure; `badness` sorts worst first."""
        scores = answers["scores"].astype(np.float64)
        right = scores[np.arange(len(truth)), truth]
        return {
            "truth": [target.classes[index] for index in truth],
            "label": [target.classes[index] for index in scores.argmax(axis=-1)],
            "score": scores.max(axis=-1).round(4).tolist(),
            "badness": (1 - right).round(4).tolist(),
        }

    def pictures(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, Figure]:
        """A confusion matrix and a reliability diagram."""
        return {
            "confusion_matrix": _confusion_matrix(answers["scores"], truth, target),
            "reliability": _reliability(answers["scores"], truth),
        }


def scores_of(logits: tf.Tensor) -> tf.Tensor:
    """float32[batch, class]: probabilities, averaged over the members where there are some."""
    scores = tf.nn.softmax(logits)
    return scores if scores.shape.rank == 2 else tf.reduce_mean(scores, axis=1)


def calibration_error(scores: np.ndarray, truth: np.ndarray) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error, and (mean confidence, accuracy, count) of each bin that is not empty.

    Args:
      scores: float32[example, class].
      truth: int64[example].

    Source:
      Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    confidence = scores.max(axis=-1)
    right = scores.argmax(axis=-1) == truth
    bins = np.clip((confidence * RELIABILITY_BINS).astype(int), 0, RELIABILITY_BINS - 1)
    groups = [bins == index for index in range(RELIABILITY_BINS) if (bins == index).any()]
    rows = [(float(confidence[group].mean()), float(right[group].mean()), int(group.sum())) for group in groups]
    error = sum(count * abs(accuracy - mean) for mean, accuracy, count in rows) / len(truth)
    return float(error), rows


def _time_means(features: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([example.mean(axis=0) for example in features])


def _confusion_matrix(scores: np.ndarray, truth: np.ndarray, target: Spec) -> Figure:
    side = max(4.5, 0.5 * len(target.classes) + 1.5)
    figure = Figure(figsize=(side, side), layout="constrained")
    ConfusionMatrixDisplay.from_predictions(
        truth,
        scores.argmax(axis=-1),
        labels=range(len(target.classes)),
        display_labels=target.classes,
        cmap="Blues",
        colorbar=False,
        xticks_rotation="vertical" if max(map(len, target.classes)) > 3 else "horizontal",
        ax=figure.subplots(),
    )
    figure.axes[0].set(xlabel="answer", ylabel="truth", title=f"Confusion matrix, {len(truth)} test examples")
    return figure


def _reliability(scores: np.ndarray, truth: np.ndarray) -> Figure:
    error, rows = calibration_error(scores, truth)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dashed", label="perfectly calibrated")
    confidence, accuracy, count = zip(*rows, strict=True)
    axes.plot(confidence, accuracy, color="C0", linewidth=1)
    axes.scatter(confidence, accuracy, s=[20 + 300 * size / sum(count) for size in count], label="bins, area by count")
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"Reliability, expected calibration error {error:.3f}")
    axes.legend(loc="best")
    return figure
