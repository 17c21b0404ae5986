"""One number for a whole example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from sklearn.metrics import mean_absolute_error, mean_squared_error

from zoo.types import Answers, Spec


@dataclass(frozen=True, kw_only=True)
class Regression:
    """Regression on whole sequences by squared error.

    Args:
      tolerance: An answer further than this from the truth, in the target's unit, counts as wrong.
    """

    tolerance: float

    name: ClassVar[str] = "regression"
    headline: ClassVar[str] = "mse"
    watch: ClassVar[str] = "val_loss"
    watch_mode: ClassVar[Literal["max", "min"]] = "min"
    forced: ClassVar[bool] = False

    def loss(self) -> keras.losses.Loss:
        """Mean squared error on (float32[batch], float32[batch])."""
        return keras.losses.MeanSquaredError()

    def metrics(self) -> list[keras.metrics.Metric]:
        """Mean absolute error, and the share of wrong answers."""

        def wrong(target: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
            return tf.cast(tf.abs(target - value) > self.tolerance, tf.float32)

        return [keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.MeanMetricWrapper(wrong, name="wrong")]

    def answer(self, logits: tf.Tensor, target: Spec) -> dict[str, tf.Tensor]:
        """`value: float32[batch]`, which is what the network gives."""
        return {"value": logits}

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """Mean squared and absolute error, and the share of wrong answers, for float32[example] truths."""
        value = answers["value"].astype(np.float64)
        return {
            "mse": float(mean_squared_error(truth, value)),
            "mae": float(mean_absolute_error(truth, value)),
            "wrong": float(np.mean(np.abs(truth - value) > self.tolerance)),
            "loss": float(mean_squared_error(truth, value)),
        }

    def example_scores(self, answers: Answers, truth: np.ndarray, target: Spec) -> np.ndarray:
        """float64[example]: squared errors."""
        return np.square(answers["value"].astype(np.float64) - truth)

    def baseline(
        self, train: tuple[Sequence[np.ndarray], np.ndarray], test: Sequence[np.ndarray], target: Spec
    ) -> Answers:
        """The mean of the train targets for every example: what a model without memory can do on the adding problem.

        Args:
          train: Features of each train example, unused, and float32[example] truths.
          test: Features of each test example; only their number counts.
          target: Unused.

        Returns:
          `value: float32[example]`.
        """
        return {"value": np.full(len(test), train[1].mean(), np.float32)}

    def describe(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, list]:
        """Columns for a table of examples; `badness`, the absolute error, sorts worst first."""
        value, truth = answers["value"].astype(np.float64), truth.astype(np.float64)
        return {
            "truth": truth.round(4).tolist(),
            "value": value.round(4).tolist(),
            "badness": np.abs(truth - value).round(4).tolist(),
        }

    def pictures(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, Figure]:
        """Answers against truths, with the tolerance as a band."""
        figure = Figure(figsize=(5, 5), layout="constrained")
        axes = figure.subplots()
        ends = np.array([min(truth.min(), answers["value"].min()), max(truth.max(), answers["value"].max())])
        axes.fill_between(ends, ends - self.tolerance, ends + self.tolerance, alpha=0.2, label=f"± {self.tolerance}")
        axes.plot(ends, ends, color="grey", linewidth=1)
        axes.scatter(truth, answers["value"], s=4)
        axes.set(xlabel=f"truth {target.unit}".strip(), ylabel="answer", title=f"{len(truth)} test examples")
        axes.legend(loc="upper left")
        return {"answer_against_truth": figure}
