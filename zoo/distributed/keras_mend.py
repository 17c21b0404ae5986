"""What Keras 3.15 does wrong where `tf.distribute` trains a model, mended here alone.

`tests/test_keras_mend.py` fails on the day that Keras does it right, and says which of these to delete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf


def mend(model: keras.Model) -> None:
    """Lets a model of a strategy be fitted as it is on one device.

    Keras builds a model from the first batch, averaged over the replicas: that fails between workers, and where parts
    differ in size; `zoo.distributed.replicas` builds it from shapes. And it clips the gradients of each replica before
    it adds them up, so that the norm is not that of the batch; here they come added up.

    Args:
      model: Compiled with the optimizer to mend.
    """
    model._maybe_symbolic_build = lambda iterator=None, data_batch=None: None
    model.optimizer._all_reduce_sum_gradients = lambda pairs: pairs


def averageable(logs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What a step tells, for Keras to average between workers: it does so over a first axis, which a number has not."""
    return {name: tf.reshape(value, [1]) for name, value in logs.items()}


def vector(loss: keras.losses.Loss | Callable[..., tf.Tensor]) -> keras.losses.Loss | Callable[..., tf.Tensor]:
    """The same loss, its values never a single number.

    Keras divides the mean of a loss by the number of replicas, but not what a loss gives as one number, as those of
    Keras do for float32[batch].
    """
    plain = loss.call if isinstance(loss, keras.losses.Loss) else loss

    def values(target: tf.Tensor, told: tf.Tensor) -> tf.Tensor:
        made = plain(target, told)
        return tf.reshape(made, [1]) if made.shape.rank == 0 else made

    if isinstance(loss, keras.losses.Loss):
        loss.call = values
        return loss
    return values


def takes_one_number(metric: keras.metrics.Metric, target: tf.Tensor, told: tf.Tensor) -> bool:
    """Whether a metric counts a batch as one value whatever its size, as the means of Keras do of float32[batch].

    Parts of a batch have to be weighed then.
    """
    return isinstance(metric, keras.metrics.MeanMetricWrapper) and metric._fn(target, told).shape.rank == 0
