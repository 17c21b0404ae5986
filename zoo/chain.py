"""The composed function: raw input -> frontend -> network -> answer. Evaluation and export both go through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.kernels import only_answers
from zoo.recipe import Recipe
from zoo.types import Answers, Spec


class Chain:
    """A recipe's layers, joined for one dataset.

    Args:
      recipe: Gives frontend, network and task.
      input: What raw examples are.
      target: What raw targets are.
      train: Single raw train examples, for the layers that learn something (a vocabulary) before training.
      learnt: What these learnt in another chain of the recipe, as its `learnt` gives it; train is not looked at then.

    Attributes:
      frontend: The layer from raw values to features, or None where raw values are features.
      features: Spec of the features.
      labels: The layer from target texts to label ids, or None where targets are learnt as they are.
      target: What the network has to give: the raw target, or the labels.
      network: The Keras model from `[features, length]` to logits.
    """

    def __init__(
        self,
        recipe: Recipe,
        input: Spec,
        target: Spec,
        train: tf.data.Dataset | None = None,
        learnt: Mapping[str, dict[str, object]] | None = None,
    ):
        self.task, self.input = recipe.task, input
        self.frontend: keras.layers.Layer | None = recipe.frontend() if recipe.frontend else None
        self.labels: keras.layers.Layer | None = recipe.labels() if recipe.labels else None
        for layer, part, spec in ((self.frontend, "input", input), (self.labels, "target", target)):
            if learnt is not None and hasattr(layer, "set_state"):
                layer.set_state(learnt[part])
            elif hasattr(layer, "adapt"):
                values = _one_by_one(train, part)  # hours of sound are too much to hold at once
                layer.adapt(list(values) if spec.kind == "text" else values)
        self.features: Spec = self.frontend.features(input) if self.frontend else input
        self.target: Spec = self.labels.features(target) if self.labels else target
        self.network: keras.Model = recipe.network(self.features, self.target)
        self._compiled: tuple[keras.Model, Callable[..., dict[str, tf.Tensor]]] | None = None

    @property
    def learnt(self) -> dict[str, dict[str, object]]:
        """What frontend and labels learnt before training, under "input" and "target", as plain values for JSON."""
        layers = {"input": self.frontend, "target": self.labels}
        return {part: layer.get_state() for part, layer in layers.items() if hasattr(layer, "get_state")}

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """What an export has to track."""
        model = getattr(self.labels, "language_model", None)
        return [layer for layer in (self.frontend, self.network, model) if layer is not None]

    def to_features(self, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features and their lengths int32[batch] of a right-padded raw batch; no training-time behaviour."""
        return self.frontend(values, length) if self.frontend else (values, length)

    def __call__(self, values: tf.Tensor, length: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers to a right-padded raw batch.

        Args:
          values: As the input spec says, with a batch axis first.
          length: int32[batch], true lengths; 1 where raw values have no steps, as texts.

        Returns:
          The task's named outputs.
        """
        features, length = self.to_features(values, length)
        missing = tf.maximum(1 - tf.shape(features)[1], 0)  # a recurrent layer needs at least one step
        features = tf.pad(features, [[0, 0], [0, missing], *([0, 0] for _ in self.features.shape[1:])])
        features = tf.ensure_shape(features, (None, *self.features.shape))
        within = tf.sequence_mask(length, tf.shape(features)[1])[(..., *(None,) * (len(self.features.shape) - 1))]
        features = tf.where(within, features, tf.zeros([], features.dtype))  # a row without a step reads the first one
        return self.answer(self.network([features, length], training=False))

    def answer(self, logits: Any) -> dict[str, tf.Tensor]:
        """The task's named outputs of what the network gives."""
        model = getattr(self.labels, "language_model", None)
        return self.task.answer(logits, self.target, *([] if model is None else [model]))

    def function(self) -> Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
        """The same, compiled once for all batch sizes and lengths, and for the CPU, as an export runs it there.

        It reads the weights that the network has when it is called.
        """
        if self._compiled is None or self._compiled[0] is not self.network:
            with tf.device("/CPU:0"):
                self._compiled = self.network, self.traced()
        return self._compiled[1]

    def traced(self) -> Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
        """The same, traced anew for all batch sizes and lengths, for the device asked for, or for any."""
        raw = tf.TensorSpec([None, *self.input.shape], self.input.dtype), tf.TensorSpec([None], tf.int32)
        with only_answers(self.network):
            return tf.function(self.__call__, autograph=False).get_concrete_function(*raw)


def _one_by_one(examples: tf.data.Dataset, part: str) -> Iterator[Any]:
    for example in examples.as_numpy_iterator():
        yield example[part]


def batches(examples: tf.data.Dataset, size: int) -> tf.data.Dataset:
    """Right-padded raw batches `(values, length: int32[batch])` of examples, in their order."""
    return examples.map(lambda example: (example["input"], steps(example["input"]))).padded_batch(size).prefetch(2)


def steps(values: tf.Tensor) -> tf.Tensor:
    """int32[]: how many steps one raw example has; 1 where it is a scalar, as a text is."""
    return tf.shape(values)[0] if values.shape.rank else tf.constant(1)


def answer_all(chain: Chain, examples: tf.data.Dataset, size: int = 64) -> Answers:
    """Answers to every example of a split on the CPU, in order.

    Args:
      chain: The composed function.
      examples: Single raw examples.
      size: Examples per batch.

    Returns:
      Each output with the examples along its first axis.
    """
    function = chain.function()
    return concatenate(
        {name: value.numpy() for name, value in function(values, length).items()}
        for values, length in batches(examples, size)
    )


def concatenate(parts: Iterable[Mapping[str, np.ndarray]]) -> Answers:
    """Joins the answers to several batches along the example axis."""
    rows = list(parts)
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def truths(examples: tf.data.Dataset) -> tuple[list[str], np.ndarray]:
    """Ids and raw targets of every example of a split, in order; texts as bytes in an object array."""
    rows = [(example["id"].decode(), example["target"]) for example in examples.as_numpy_iterator()]
    targets = [row[1] for row in rows]
    return [row[0] for row in rows], np.array(targets, object) if isinstance(targets[0], bytes) else np.stack(targets)
