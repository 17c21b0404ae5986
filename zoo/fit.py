"""Fitting a network: optimizer, schedule, averaged weights, the best epoch, progress."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

from zoo.distributed.keras_mend import vector
from zoo.distributed.replicas import Replicas
from zoo.saver import Saver, Stage
from zoo.types import Task, Training

FEW, ENOUGH = 100, 500  # updates of the weights; with fewer than FEW, an LSTM has hardly left its first weights


class Progress(Protocol):
    """Where the advance of a run is shown."""

    def start(self, stage: str, total: int) -> None:
        """A stage of `total` units of work begins; 0 where nobody knows how many."""
        ...

    def rename(self, stage: str) -> None:
        """The stage goes on under another name."""
        ...

    def advance(self, count: int, values: Mapping[str, float] | None = None) -> None:
        """So many units more are done; `values` are worth showing."""
        ...

    def say(self, line: str) -> None:
        """A line that stays."""
        ...


def optimizer(training: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """AdamW with warm-up, cosine decay to zero, clipping and averaged weights, as the training settings say.

    Source:
      Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization; 2017, SGDR (cosine); Polyak and Juditsky 1992
      for averaging, here exponential.
    """
    steps = max(2, training.epochs * steps_per_epoch)
    warmup = max(1, math.ceil(training.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=max(1, steps - warmup), warmup_target=training.learning_rate, warmup_steps=warmup
    )
    made = keras.optimizers.AdamW(
        schedule,
        weight_decay=training.weight_decay,
        global_clipnorm=training.clip_norm,
        use_ema=training.average > 0,
        ema_momentum=training.average or 0.99,
    )
    made.exclude_from_weight_decay(var_names=["bias"])
    return made


class Keeper(keras.callbacks.Callback):
    """Validates the averaged weights where there are some, and leaves those of the epoch to keep in the model.

    Keras's own `SwapEMAWeights` swaps by adding and subtracting, which rounds the weights; this one copies them.

    Args:
      task: Names the metric to watch.
      training: Which epoch to keep, patience, and whether weights are averaged.

    Attributes:
      epoch: The epoch kept, counted from 0; -1 before the first.
      metrics: `val_*` of that epoch.
      kept: Its weights.
    """

    def __init__(self, task: Task, training: Training):
        super().__init__()
        self.task, self.training = task, training
        self.epoch, self.metrics = -1, {}
        self.kept: list[np.ndarray] = []
        self._raw: list[np.ndarray] | None = None
        self._evaluated: list[np.ndarray] = []

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Puts the averaged weights in place of the raw ones."""
        if self.training.average:
            self._raw = [weight.numpy() for weight in self.model.trainable_variables]
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def on_test_end(self, logs: dict | None = None) -> None:
        """Puts the raw weights back."""
        self._evaluated = self.model.get_weights()
        if self._raw is not None:
            for weight, value in zip(self.model.trainable_variables, self._raw, strict=True):
                weight.assign(value)
            self._raw = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keeps the validated weights if they are the ones to keep; stops when patience is out."""
        if self._better(logs[self.task.watch]):
            self.epoch, self.kept = epoch, self._evaluated
            self.metrics = {name: float(value) for name, value in logs.items() if name.startswith("val_")}
        elif self.training.patience is not None and epoch - self.epoch >= self.training.patience:
            self.model.stop_training = True

    @property
    def state(self) -> dict[str, Any]:
        """What to save beside `kept`."""
        return {"epoch": self.epoch, "metrics": self.metrics}

    def put_back(self, kept: list[np.ndarray], state: Mapping[str, Any]) -> None:
        """Takes what was saved."""
        self.kept, self.epoch, self.metrics = kept, state["epoch"], dict(state["metrics"])

    def _better(self, value: float) -> bool:
        if self.epoch < 0 or self.training.keep == "last":
            return True
        best = self.metrics[self.task.watch]
        return value > best if self.task.watch_mode == "max" else value < best

    def on_train_end(self, logs: dict | None = None) -> None:
        """Leaves the kept weights in the model."""
        self.model.set_weights(self.kept)


class Reporter(keras.callbacks.Callback):
    """Shows steps as they pass and hands each epoch's metrics on.

    Args:
      progress: Where to show.
      epochs: How many are planned.
      log: Called with (metrics, epoch) after each epoch.
      noun: What an epoch is called.
    """

    def __init__(
        self,
        progress: Progress,
        epochs: int,
        log: Callable[[dict[str, float], int], None],
        noun: str = "epoch",
    ):
        super().__init__()
        self.progress, self.epochs, self.log, self.noun = progress, epochs, log, noun

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Names the epoch."""
        self.progress.rename(f"{self.noun} {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """One step more."""
        self.progress.advance(1, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """One line an epoch, and the record."""
        metrics = {name if name.startswith("val_") else f"train_{name}": float(value) for name, value in logs.items()}
        self.log(metrics, epoch)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self.progress.say(f"{self.noun} {epoch + 1}/{self.epochs}  {shown}")


def class_weights(truth: np.ndarray) -> dict[int, float]:
    """Weight of each class of int64[example], in inverse proportion to its count, 1 on the average over examples."""
    classes = np.unique(truth)
    return dict(zip(classes.tolist(), compute_class_weight("balanced", classes=classes, y=truth).tolist(), strict=True))


def fit(
    network: keras.Model,
    task: Task,
    training: Training,
    train: Callable[[int], tf.data.Dataset],
    val: tf.data.Dataset,
    *,
    steps_per_epoch: int,
    progress: Progress,
    log: Callable[[dict[str, float], int], None],
    class_weight: Mapping[int, float] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    saver: Saver | None = None,
    replicas: Replicas | None = None,
) -> Keeper:
    """Fits a network and leaves the weights to keep in it.

    Args:
      network: From `[features, length]` to logits.
      task: Loss, metrics and what to watch.
      training: Settings.
      train: From an epoch to its batches and those of the epochs behind it.
      val: Batches.
      steps_per_epoch: How many of them make an epoch.
      progress: Where to show.
      log: Called with (metrics, epoch) after each epoch.
      class_weight: Weight of each class in the training loss, by its index.
      callbacks: More of them.
      saver: Keeps checkpoints, and has what a resumed run goes on from.
      replicas: The devices that the network is on; None for one.

    Returns:
      Which epoch was kept, and how good it is.

    Raises:
      FloatingPointError: The loss was not a number.
    """
    keeper = Keeper(task, training)
    with network.distribute_strategy.scope():
        made, loss = optimizer(training, steps_per_epoch), task.loss()
        loss = loss if replicas is None else vector(loss)
        network.compile(made, loss=loss, metrics=task.metrics(), jit_compile=False)
    stage = None if saver is None else Stage(saver, "training", training.epochs, steps_per_epoch, keeper)
    callbacks = [keeper, Reporter(progress, training.epochs, log), keras.callbacks.TerminateOnNaN(), *callbacks]
    progress.start("training", training.epochs * steps_per_epoch)
    _say_if_few(training.epochs, steps_per_epoch, progress)
    settings, split = {"validation_data": val, "class_weight": class_weight, "callbacks": callbacks}, None
    if replicas is not None:
        averaged_over = getattr(task, "averaged_over", None)
        replicas.prepare(network, val.element_spec, averaged_over, weighed=class_weight is not None)
        settings = {"validation_data": replicas.split(val), "validation_steps": len(val), "callbacks": callbacks}
        split = functools.partial(replicas.split, class_weight=class_weight)
    history = fit_spans(network, train, training.epochs, steps_per_epoch, progress, stage, settings, split)
    if not np.isfinite(history).all():
        raise FloatingPointError("the training loss is not a number; try a lower learning_rate or clip_norm")
    if stage is not None and stage.resumed is not None:  # nothing was left to train
        stage.put_back(network)
        network.set_weights(keeper.kept)
    return keeper


def _say_if_few(epochs: int, steps_per_epoch: int, progress: Progress) -> None:
    if epochs * steps_per_epoch < FEW:
        more = -(-ENOUGH // steps_per_epoch)
        progress.say(
            f"only {epochs * steps_per_epoch} updates of the weights, {epochs} epochs of {steps_per_epoch}: "
            f"on so few examples epochs={more} will give more of them"
        )


def fit_spans(
    model: keras.Model,
    train: Callable[[int], tf.data.Dataset],
    epochs: int,
    steps_per_epoch: int,
    progress: Progress,
    stage: Stage | None,
    settings: Mapping[str, Any],
    split: Callable[[tf.data.Dataset], tf.distribute.DistributedDataset] | None = None,
) -> list[float]:
    """Fits a compiled model for the epochs that are left.

    Args:
      model: Compiled.
      train: From an epoch to its batches and those of the epochs behind it.
      epochs: In all.
      steps_per_epoch: Batches.
      progress: Moves by what was done before.
      stage: Saves, and knows what was done before.
      settings: Other arguments of `keras.Model.fit`.
      split: Cuts batches into parts for several replicas.

    Returns:
      The training loss of each epoch that was left.
    """
    whole = [{"initial_epoch": 0, "epochs": epochs, "steps_per_epoch": steps_per_epoch}]
    callbacks = [*settings["callbacks"], *([] if stage is None else [stage])]
    losses: list[float] = []
    with model.distribute_strategy.scope():  # variables made within the first step would have it traced twice
        model.optimizer.build(model.trainable_variables)
    if stage is not None:
        progress.advance(stage.epoch * steps_per_epoch + stage.step)
    for span in whole if stage is None else stage.spans():
        batches = train(span["initial_epoch"]).skip(steps_per_epoch - span["steps_per_epoch"])
        if split is not None:
            batches = split(batches)
        elif stage is not None and stage.step:
            model.evaluate(batches.take(1), verbose=0)  # makes the metrics, in which half an epoch is put back
        fitted = model.fit(batches, verbose=0, shuffle=False, **{**settings, **span, "callbacks": callbacks})
        losses += fitted.history["loss"]
        if model.stop_training:
            break
    return losses
