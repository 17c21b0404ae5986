"""One label out of several at every step of an example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from zoo.types import Answers, Spec

SMALLEST = 1e-12  # probability; float32 may round one to 0, whose logarithm says nothing


@dataclass(frozen=True, kw_only=True)
class StepClassification:
    """Classification of every step of sequences that are all of one length.

    Targets are int32[batch, step], -1 where nothing is asked; the cross-entropy is the mean over the steps asked.
    """

    name: ClassVar[str] = "step_classification"
    headline: ClassVar[str] = "cross_entropy"
    watch: ClassVar[str] = "val_loss"
    watch_mode: ClassVar[Literal["max", "min"]] = "min"
    forced: ClassVar[bool] = False

    def loss(self) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Cross-entropy float32[batch] in nats on (int32[batch, step], logits float32[batch, step, class])."""

        def cross_entropy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            label, asked = asked_of(target)
            values = tf.nn.sparse_softmax_cross_entropy_with_logits(label, logits)
            return tf.reduce_sum(values * asked, 1) / tf.maximum(tf.reduce_sum(asked, 1), 1.0)

        return cross_entropy

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy over the steps asked, and the share of sequences with a wrong step."""

        def accuracy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            label, asked = asked_of(target)
            # Not ==, whose shape is unknown where a size is known on one side alone.
            right = tf.cast(tf.equal(tf.argmax(logits, -1, tf.int32), label), tf.float32)
            return tf.boolean_mask(right, asked > 0)

        def wrong(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            label, asked = asked_of(target)
            off = tf.not_equal(tf.argmax(logits, -1, tf.int32), label)
            return tf.reduce_max(tf.cast(off, tf.float32) * asked, 1)

        return [
            keras.metrics.MeanMetricWrapper(accuracy, name="accuracy"),
            keras.metrics.MeanMetricWrapper(wrong, name="wrong"),
        ]

    def answer(self, logits: tf.Tensor, target: Spec) -> dict[str, tf.Tensor]:
        """The labels with their scores; those past the length of a shorter row of a batch say nothing.

        Args:
          logits: float32[batch, step, class].
          target: Its classes name the labels.

        Returns:
          `labels: string[batch, step]`, `scores: float32[batch, step, class]`.
        """
        labels = tf.gather(tf.constant(target.classes), tf.argmax(logits, axis=-1))
        return {"labels": labels, "scores": tf.nn.softmax(logits)}

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """Cross-entropy in nats, accuracy over the steps asked, and the share of sequences with a wrong step.

        Args:
          answers: `scores: float32[example, step, class]`.
          truth: int32[example, step].
          target: Not looked at.
        """
        right, asked = _right(answers, truth), truth >= 0
        entropy = float(self.example_scores(answers, truth, target).mean())
        return {
            "cross_entropy": entropy,
            "accuracy": float(right[asked].mean()),
            "wrong": float((~right & asked).any(axis=1).mean()),
            "loss": entropy,
        }

    def example_scores(self, answers: Answers, truth: np.ndarray, target: Spec) -> np.ndarray:
        """float64[example]: mean cross-entropy over the steps asked."""
        asked = truth >= 0
        return (_entropies(answers, truth) * asked).sum(axis=1) / np.maximum(asked.sum(axis=1), 1)

    def baseline(
        self, train: tuple[Sequence[np.ndarray], np.ndarray], test: Sequence[np.ndarray], target: Spec
    ) -> Answers:
        """How often each label stands at each step of the train targets: what can be told without any memory.

        Args:
          train: Features of each train example, unused, and int32[example, step] truths.
          test: Features of each test example; only their number counts.
          target: Its classes.

        Returns:
          `scores: float32[example, step, class]`, every label counted once more than it is there.
        """
        counts = 1.0 + np.stack([(train[1] == label).sum(axis=0) for label in range(len(target.classes))], axis=1)
        shares = (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
        return {"scores": np.broadcast_to(shares, (len(test), *shares.shape))}

    def describe(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, list]:
        """Columns for a table of examples: wrong steps and cross-entropy; `badness`, the same, sorts worst first."""
        entropy = self.example_scores(answers, truth, target)
        wrong = (~_right(answers, truth) & (truth >= 0)).sum(axis=1)
        shown = entropy.round(6).tolist()
        return {"wrong_steps": wrong.tolist(), "cross_entropy": shown, "badness": shown}

    def pictures(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, Figure]:
        """Cross-entropy and share of wrong labels step by step."""
        asked = truth >= 0
        count = np.maximum(asked.sum(axis=0), 1)
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True)
        above.plot((_entropies(answers, truth) * asked).sum(axis=0) / count)
        above.set(ylabel="cross-entropy, nats", title=f"{len(truth)} test examples, step by step", ylim=(0, None))
        below.plot((~_right(answers, truth) & asked).sum(axis=0) / count)
        below.set(xlabel="step", ylabel="share wrong", ylim=(0, 1.02))
        return {"by_step": figure}


def asked_of(target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Labels int32[batch, step], 0 where nothing is asked, and float32[batch, step], 1 where something is."""
    target = tf.cast(target, tf.int32)  # Keras makes floats of them
    return tf.maximum(target, 0), tf.cast(target >= 0, tf.float32)


def _right(answers: Answers, truth: np.ndarray) -> np.ndarray:
    return answers["scores"].argmax(axis=-1) == truth


def _entropies(answers: Answers, truth: np.ndarray) -> np.ndarray:
    scores = np.take_along_axis(answers["scores"], np.maximum(truth, 0)[:, :, None], axis=-1)[:, :, 0]
    return -np.log(np.maximum(scores.astype(np.float64), SMALLEST))
