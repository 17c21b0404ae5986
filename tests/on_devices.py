"""Trains on one device and on several in a process of its own, and prints how far apart the results are, as JSON.

TensorFlow takes the number of devices when it starts, so a test runs this: `python on_devices.py CASE 3`.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import catalog, kernels
from zoo.chain import Chain
from zoo.distributed import devices
from zoo.distributed.workers import Unkept, Unrecorded
from zoo.fit import fit
from zoo.interrupt import Stop
from zoo.loading import load_data
from zoo.progress import Silent
from zoo.saver import Saver
from zoo.tasks.classification import Classification
from zoo.tasks.regression import Regression
from zoo.training import prepare_all, train
from zoo.types import Training

BATCH = 8
QUIET = {"dropout": 0.0, "epochs": 3, "batch_size": BATCH}
RECIPES: dict[str, tuple[int, dict[str, Any]]] = {
    "spoken_digits": (41, {"units": 4, "layers": 1, "heads": 2, "mel": 8, "variants": 1, **QUIET}),
    "an4": (41, {"units": 4, "layers": 1, "mel": 8, "variants": 1, **QUIET}),
    "ett": (21, {"look_back": 24, "horizon": 12, "segment": 12, "units": 4, **QUIET}),
    "multi30k": (21, {"embedding": 4, "units": 4, "beam": 2, "word_dropout": 0.0, **QUIET}),
    "adding": (53, {"length": 20, "sequences": 200, "units": 4, "epochs": 3, "batch_size": BATCH}),
}


class Steps(Regression):
    """A number at every step, with Keras's own loss, which looks at the mask."""

    def metrics(self) -> list[keras.metrics.Metric]:
        return [keras.metrics.MeanAbsoluteError(name="mae")]


def network(out: int, every_step: bool) -> keras.Model:
    values, length = keras.Input((None, 2)), keras.Input((), dtype="int32")
    masked = keras.layers.Masking()(values)
    if every_step:
        steps = keras.layers.LSTM(3, return_sequences=True)(masked)
        return keras.Model([values, length], keras.layers.Dense(out)(steps))
    told = keras.layers.Dense(out)(keras.layers.GlobalAveragePooling1D()(masked))
    return keras.Model([values, length], told if out > 1 else keras.layers.Reshape(())(told))


def rows(count: int, kind: str) -> tf.data.Dataset:
    """Batches, the last of one example; right-padded with zeros."""
    draws = np.random.default_rng(count)
    length = draws.integers(1, 6, count).astype(np.int32)
    values = draws.normal(size=(count, 5, 2)).astype(np.float32) * (np.arange(5) < length[:, None])[:, :, None]
    total = values.sum((1, 2))
    target = {"classes": (total > 0).astype(np.int64), "number": total, "steps": values.sum(2, keepdims=True)}[kind]
    return tf.data.Dataset.from_tensor_slices(((values, length), target)).batch(BATCH)


KINDS = {"classes": (Classification(), 2), "number": (Regression(tolerance=0.5), 1), "steps": (Steps(tolerance=0), 1)}


def fitted(kind: str, count: int) -> tuple[list[np.ndarray], list[dict[str, float]]]:
    """Weights and history of a small network."""
    (task, out), history = KINDS[kind], []
    replicas = devices.start(count)
    keras.utils.set_random_seed(4)
    recipe = SimpleNamespace(network=lambda features, target: network(out, kind == "steps"))
    chain = SimpleNamespace(features=None, target=None, network=recipe.network(None, None))
    training = Training(epochs=3, batch_size=BATCH, learning_rate=0.1, clip_norm=0.1, average=0.9, weight_decay=1e-2)
    how = {"steps_per_epoch": 3, "progress": Silent(), "log": lambda metrics, epoch: history.append(metrics)}
    how |= {"class_weight": {0: 0.5, 1: 2.0}} if kind == "classes" else {}
    data = rows(2 * BATCH + 1, kind)
    if replicas is None:
        fit(chain.network, task, training, lambda first: data.repeat(), rows(BATCH + 1, kind), **how)
    else:
        with replicas.network_of(recipe, chain):
            fit(
                chain.network, task, training, lambda first: data.repeat(), rows(BATCH + 1, kind), replicas=replicas,
                **how,
            )  # fmt: skip
    return chain.network.get_weights(), history


def trained(name: str, count: int) -> tuple[list[np.ndarray], list[dict[str, float]]]:
    """Weights and history of a recipe on its sample."""
    limit, settings = RECIPES[name]
    replicas = devices.start(count)
    recipe = catalog.load(catalog.find(name), settings)
    dataset = load_data(recipe, sample=True, limit=limit)
    keras.utils.set_random_seed(4)
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    recipe = dataclasses.replace(recipe, augment_features=None)
    prepared = prepare_all(recipe, chain, dataset, ["train", "val"], 3, Silent())
    record = Unrecorded()
    train(recipe, chain, prepared, record, Silent(), 3, kernels.Receipt(), Saver(Unkept(), Stop()), replicas=replicas)
    return chain.network.get_weights(), record.history


def apart(one: tuple, other: tuple) -> dict[str, Any]:
    """How far weights and metrics of all epochs are apart at most."""
    weights = max(float(np.abs(mine - its).max()) for mine, its in zip(one[0], other[0], strict=True))
    metrics = [
        abs(mine[name] - its[name]) / max(1.0, abs(its[name]))
        for mine, its in zip(one[1], other[1], strict=True)
        for name in its
    ]
    return {"weights": weights, "metrics": max(metrics), "names": sorted(other[1][0]), "epochs": len(one[1])}


if __name__ == "__main__":
    case, count = sys.argv[1], int(sys.argv[2])
    found = {}
    for kind in KINDS if case == "small" else [case]:
        run = fitted if kind in KINDS else trained
        several = run(kind, count)  # first: TensorFlow has started afterwards
        found[kind] = apart(several, run(kind, 1))
    print(json.dumps(found))
