"""From a chain of untrained layers to its features and the weights to keep."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from zoo import features, kernels
from zoo.chain import Chain
from zoo.distributed import workers
from zoo.distributed.replicas import Replicas
from zoo.fit import Keeper, class_weights, fit
from zoo.learnable import learnable as learnable_only
from zoo.pretrain import pretrain
from zoo.progress import Silent
from zoo.recipe import Recipe
from zoo.record import Record
from zoo.saver import Saver
from zoo.types import Dataset, RunError


def learnable(
    recipe: Recipe, chain: Chain, prepared: dict[str, tf.data.Dataset], record: Record, shown: Silent
) -> dict[str, tf.data.Dataset]:
    """Features without what the task cannot learn, which is counted."""
    if not hasattr(recipe.task, "fits"):
        return prepared
    prepared, left_out = learnable_only(recipe, chain, prepared)
    record.metrics({f"left_out_{split}": count for split, count in left_out.items()})
    for split, count in left_out.items():
        if count:
            shown.say(f"{count} {split} examples are left out: their texts need more frames than they have")
    return prepared


def prepare_all(
    recipe: Recipe, chain: Chain, dataset: Dataset, splits: list[str], seed: int, shown: Silent
) -> dict[str, tf.data.Dataset]:
    """Features of each split; train with its variants."""
    shown.start("features", sum(dataset.sizes[split] for split in splits))
    return {
        split: features.prepare(
            recipe,
            chain,
            dataset,
            split,
            variants=recipe.training.variants if split == "train" else 1,
            seed=seed,
            advance=shown.advance,
        )
        for split in splits
    }


def train(
    recipe: Recipe,
    chain: Chain,
    prepared: Mapping[str, tf.data.Dataset],
    record: Record,
    shown: Silent,
    seed: int,
    receipt: kernels.Receipt,
    saver: Saver,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    replicas: Replicas | None = None,
) -> Keeper:
    """Fits the chain's network on prepared features and leaves the weights to keep in it.

    Args:
      recipe: Says how.
      chain: Has the network.
      prepared: Features by split.
      record: Gets the metrics of each epoch.
      shown: Shows it.
      seed: Of the run.
      receipt: Notes the kernels.
      saver: Keeps checkpoints, and has what a resumed run goes on from.
      callbacks: See each epoch.
      replicas: The devices to train on; None for one.

    Raises:
      RunError: The loss was not a number, a resumed run would see other features, or another worker is gone.
      Interrupted, Terminated: A signal came; there is a checkpoint.
    """
    key = features.state_key(chain)
    if saver.fact("features", key) != key:
        raise RunError(
            "the layers before the network are not those of the checkpoint: their code, vocabulary or scale has "
            "changed; resume with the version that the run began with, or start a new run"
        )
    record.history = saver.fact("history", [])
    saver.facts |= {"history": lambda: record.history, "kernels": lambda: receipt.kernels, "features": lambda: key}
    size = recipe.training.batch_size
    weights = class_weights(features.first_variant(prepared["train"])[1]) if recipe.training.balance else None
    try:
        with saver.stop.gentle(), workers.together(replicas), _on_all(replicas, recipe, chain):
            if recipe.pretraining is not None and recipe.pretraining.epochs and not saver.past("pretraining"):
                examples = [prepared[split] for split in ("train", "unlabelled") if split in prepared]
                how = {"seed": seed, "progress": shown, "log": record.pretraining, "saver": saver}
                pretrain(recipe, chain, examples, **how, replicas=replicas)
            keeper = fit(
                chain.network,
                recipe.task,
                recipe.training,
                lambda first: features.train_batches(prepared["train"], recipe, seed=seed, first=first),
                features.plain_batches(prepared["val"], batch_size=size, forced=recipe.task.forced),
                steps_per_epoch=features.batches_per_epoch(prepared["train"], size),
                progress=shown,
                log=record.epoch,
                class_weight=weights,
                callbacks=[receipt, *callbacks],
                saver=saver,
                replicas=replicas,
            )
    except FloatingPointError as error:
        raise RunError(str(error)) from error
    receipt.kernels = receipt.kernels or saver.fact("kernels", {})
    return keeper


def _on_all(replicas: Replicas | None, recipe: Recipe, chain: Chain) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if replicas is None else replicas.network_of(recipe, chain)
