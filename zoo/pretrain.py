"""Learning from examples without labels, before those with labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import reduce

import keras
import numpy as np
import tensorflow as tf

from zoo import features
from zoo.chain import Chain
from zoo.distributed.replicas import Replicas
from zoo.fit import Progress, Reporter, fit_spans, optimizer
from zoo.recipe import Recipe
from zoo.saver import Saver, Stage


def pretrain(
    recipe: Recipe,
    chain: Chain,
    prepared: Sequence[tf.data.Dataset],
    *,
    seed: int,
    progress: Progress,
    log: Callable[[dict[str, float], int], None],
    saver: Saver | None = None,
    replicas: Replicas | None = None,
) -> None:
    """Fits the recipe's `pretraining` model, whose layers are those of the chain's network.

    Args:
      recipe: Has `pretraining` and `pretraining_network`.
      chain: Its network learns.
      prepared: Features of the splits to learn from, as `features.prepare` gives them; their targets are not seen.
      seed: Of the order of the examples.
      progress: Where to show.
      log: Called with ({"pretrain_loss": ...}, epoch) after each epoch.
      saver: Keeps checkpoints, and has what a resumed run goes on from.
      replicas: The devices that the network is on; None for one.

    Raises:
      FloatingPointError: The loss was not a number.
    """
    training = recipe.pretraining
    plain = dataclasses.replace(recipe, training=training, augment_features=None)
    examples = reduce(lambda one, other: one.concatenate(other), prepared)
    steps = features.batches_per_epoch(examples, training.batch_size)
    with chain.network.distribute_strategy.scope():
        model = recipe.pretraining_network(chain.network)
        model.compile(optimizer(training, steps), loss=lambda target, loss: loss, jit_compile=False)
    progress.start("pretraining", training.epochs * steps)

    def named(metrics: dict[str, float], epoch: int) -> None:
        log({"pretrain_loss": metrics["train_loss"]}, epoch)

    def batches(first: int) -> tf.data.Dataset:
        return features.train_batches(examples, plain, seed=seed, first=first)

    if replicas is not None:
        replicas.prepare(model, batches(0).element_spec, getattr(model, "averaged_over", None))
    stage = None if saver is None else Stage(saver, "pretraining", training.epochs, steps)
    reporter = Reporter(progress, training.epochs, named, "pretraining epoch")
    losses = fit_spans(
        model,
        batches,
        training.epochs,
        steps,
        progress,
        stage,
        {"callbacks": [reporter, keras.callbacks.TerminateOnNaN()]},
        None if replicas is None else replicas.split,
    )
    if not np.isfinite(losses).all():
        raise FloatingPointError("the pretraining loss is not a number; try a lower learning rate")
    if stage is not None and stage.resumed is not None:  # nothing was left to learn
        stage.put_back(model)
    if training.average:
        model.optimizer.finalize_variable_values(model.trainable_variables)
