"""One label out of several for a whole example, where only a sure answer counts."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from zoo.tasks.classification import Classification, scores_of
from zoo.types import Answers, Spec


@dataclass(frozen=True, kw_only=True)
class SureClassification(Classification):
    """Classification that also counts the answers which are not sure enough, though the label may be right.

    Args:
      tolerance: An answer is wrong if any of its scores is further than this from what it should be, 0 or 1.

    Source:
      Hochreiter and Schmidhuber 1997, section 5.6 (at 0.3).
    """

    tolerance: float = 0.3

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy, and the share of wrong answers."""

        def wrong(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            one_hot = tf.one_hot(tf.cast(tf.reshape(target, [-1]), tf.int32), tf.shape(logits)[-1])
            return tf.cast(tf.reduce_max(tf.abs(scores_of(logits) - one_hot), -1) > self.tolerance, tf.float32)

        return [*super().metrics(), keras.metrics.MeanMetricWrapper(wrong, name="wrong")]

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """As of `Classification`, and `wrong`, the share of answers that are not right by the tolerance."""
        off = np.abs(answers["scores"] - np.eye(len(target.classes))[truth]).max(axis=1)
        return {**super().score(answers, truth, target), "wrong": float((off > self.tolerance).mean())}
