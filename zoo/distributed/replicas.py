"""One training on several devices, or several machines, with the results that it has on one.

Every batch is that of a single device, cut into a part for each replica; what a part adds to loss and gradients is
weighed by what is in it, so that parts may differ in size.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.chain import Chain
from zoo.distributed.keras_mend import averageable, mend, takes_one_number
from zoo.recipe import Recipe

Counted = Callable[[Any, tf.Tensor], tf.Tensor]  # of inputs and target


@dataclass(frozen=True)
class Cluster:
    """The processes that train together.

    Args:
      workers: Their addresses, the chief's first.
      index: Which of them this is.
    """

    workers: tuple[str, ...]
    index: int


class Replicas:
    """The devices of a run, and how it trains on them.

    Args:
      strategy: Of TensorFlow.
      cluster: The processes, where there are several.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None):
        self.strategy, self.cluster = strategy, cluster
        self.vote = None if cluster is None else Vote()

    @property
    def chief(self) -> bool:
        """Whether this is the process that records, saves and exports."""
        return self.cluster is None or self.cluster.index == 0

    @property
    def about(self) -> dict[str, int]:
        """What to record of them."""
        count = self.strategy.num_replicas_in_sync
        return {"devices": count} | ({} if self.cluster is None else {"workers": len(self.cluster.workers)})

    @contextlib.contextmanager
    def network_of(self, recipe: Recipe, chain: Chain) -> Iterator[None]:
        """Inside, the chain's network is one on all devices; what it learns is in the plain one afterwards."""
        plain, drawn = chain.network, random.getstate()
        with self.strategy.scope():
            chain.network = recipe.network(chain.features, chain.target)
        random.setstate(drawn)  # what is drawn later does not depend on the number of devices
        try:
            for variable, value in zip(chain.network.variables, plain.variables, strict=True):
                variable.assign(value.numpy())
            yield
            plain.set_weights(chain.network.get_weights())
        finally:
            chain.network = plain

    def prepare(
        self,
        model: keras.Model,
        spec: tuple[Any, tf.TensorSpec],
        averaged_over: Counted | None = None,
        weighed: bool = False,
    ) -> None:
        """Has a compiled model take parts of batches, as `split` makes them.

        Args:
          model: Made and compiled in the strategy's scope.
          spec: Of a whole batch `(inputs, target)`.
          averaged_over: How many values the loss of a batch is the mean of, float32[]; its examples without one.
          weighed: Whether examples have weights in the loss.
        """
        mend(model)
        steps = _Steps(model, averaged_over, weighed, self.vote)
        model.train_step, model.test_step = steps.train, steps.test
        with self.strategy.scope():
            model._symbolic_build(data_batch=(*spec, tf.TensorSpec([None], tf.float32)))

    def split(
        self, batches: tf.data.Dataset, class_weight: Mapping[int, float] | None = None
    ) -> tf.distribute.DistributedDataset:
        """Parts `(inputs, target, weight: float32[part])` of batches, for each replica in turn, again and again.

        A part that would be empty, as cuDNN takes none, is the first example with the weight 0.

        Args:
          batches: `(inputs, target)`.
          class_weight: Weight of the examples of each class, by its index; 1 without.
        """
        count = self.strategy.num_replicas_in_sync
        table = None
        if class_weight is not None:
            table = np.array([class_weight.get(index, 1.0) for index in range(max(class_weight) + 1)], np.float32)

        def part(number: tf.Tensor, inputs: Any, target: tf.Tensor) -> tuple[Any, tf.Tensor, tf.Tensor]:
            rows = tf.shape(target, tf.int64)[0]
            begin, end = number * rows // count, (number + 1) * rows // count
            there = end > begin
            begin, end = tf.where(there, begin, 0), tf.where(there, end, 1)
            inputs, target = tf.nest.map_structure(lambda value: value[begin:end], (inputs, target))
            weight = tf.ones([end - begin]) if table is None else tf.gather(table, tf.cast(target, tf.int32))
            return inputs, target, weight * tf.cast(there, tf.float32)

        def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
            here = count // context.num_input_pipelines
            numbers = tf.data.Dataset.range(here).map(lambda number: number + here * context.input_pipeline_id)
            cut = batches.flat_map(lambda *batch: numbers.map(lambda number: part(number, *batch)))
            return cut.repeat().prefetch(2 * here)

        return self.strategy.distribute_datasets_from_function(parts)


class Vote:
    """What one worker wants of all: to save, to stop. It travels with the counts of a training step.

    Attributes:
      mine: float32[2], more than 0 for yes.
      all: float32[2], the sums of the last step.
    """

    def __init__(self):
        self.mine, self.all = tf.Variable([0.0, 0.0], trainable=False), tf.Variable([0.0, 0.0], trainable=False)

    def cast(self, save: bool, stop: bool) -> None:
        """Says what is wanted, before a step."""
        self.mine.assign([float(save), float(stop)])

    @property
    def passed(self) -> tuple[bool, bool]:
        """Whether any worker wants to save, and whether any wants to stop, after a step; all see the same."""
        save, stop = self.all.numpy() > 0
        return bool(save), bool(stop)


class _Steps:
    """What a replica does with its part of a batch, in place of Keras's means over parts."""

    def __init__(self, model: keras.Model, averaged_over: Counted | None, weighed: bool, vote: Vote | None):
        self.model, self.averaged_over, self.weighed, self.vote = model, averaged_over, weighed, vote

    def train(self, data: tuple[Any, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """A training step."""
        model = self.model
        with tf.GradientTape() as tape:
            told, loss, track = self._shared_loss(*data, training=True)
        pairs = zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights, strict=True)
        gradients, weights = zip(*(pair for pair in pairs if pair[0] is not None), strict=True)
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        model.optimizer.apply_gradients(zip(_summed(gradients), weights, strict=True))
        return self._told(data, told, track)

    def test(self, data: tuple[Any, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """A validation step."""
        told, _, track = self._shared_loss(*data, training=False)
        return self._told(data, told, track)

    def _shared_loss(
        self, inputs: Any, target: tf.Tensor, weight: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...]]:
        """What the model tells, what the part adds to the batch's loss, and (its loss, its examples, all examples)."""
        model = self.model
        told = model(inputs, training=training)
        there = tf.reduce_any(weight > 0)
        rows = tf.where(there, tf.cast(tf.shape(weight)[0], tf.float32), 0.0)
        terms = tf.where(there, self._terms(inputs, target, told, rows), 0.0)
        mine = tf.zeros([0]) if self.vote is None else tf.convert_to_tensor(self.vote.mine)
        sums = _summed(tf.concat([[rows, terms], mine], 0))
        all_rows, all_terms = sums[0], sums[1]
        if self.vote is not None and training:
            self.vote.all.assign(sums[2:])
        mean = model.compute_loss(inputs, target, told, weight if self.weighed else None, training=training)
        mean *= tf.distribute.get_strategy().num_replicas_in_sync  # by which Keras has divided
        added = mean * tf.math.divide_no_nan(terms, all_terms)
        return told, added, (tf.math.divide_no_nan(added * all_rows, rows), rows, all_rows)

    def _terms(self, inputs: Any, target: tf.Tensor, told: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """How many values the part's loss is the mean of."""
        if self.averaged_over is not None:
            return tf.cast(self.averaged_over(inputs, target), tf.float32)
        mask = getattr(told, "_keras_mask", None)  # Keras takes the mean over what is within
        return rows if mask is None else tf.reduce_sum(tf.cast(mask, tf.float32))

    def _told(self, data: tuple, told: tf.Tensor, track: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        model, (loss, rows, all_rows) = self.model, track
        model._loss_tracker.update_state(loss, sample_weight=rows)
        metrics = [] if model._compile_metrics is None else model._compile_metrics.metrics

        def updated() -> dict[str, tf.Tensor]:
            for metric in metrics:
                weight = {"sample_weight": rows / all_rows} if takes_one_number(metric, data[1], told) else {}
                metric.update_state(data[1], told, **weight)
            return model.get_metrics_result()

        logs = tf.cond(rows > 0, updated, model.get_metrics_result)
        return logs if self.vote is None else averageable(logs)


def _summed(values: Any) -> Any:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)
