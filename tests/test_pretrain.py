from __future__ import annotations

import dataclasses

import keras
import numpy as np

import zoo
from zoo import catalog, features
from zoo.chain import Chain
from zoo.pretrain import pretrain
from zoo.progress import Silent
from zoo.runs import load_data


def test_a_network_learns_without_labels_and_the_loss_falls():
    small = {"embedding": 8, "units": 8, "pretrain_epochs": 3, "largest": 300}
    recipe = catalog.load(catalog.find("imdb"), small)
    dataset = load_data(recipe, sample=True, limit=300)
    hidden = dataset.splits["train"].map(lambda example: {**example, "target": np.int64(-1)})
    dataset = dataclasses.replace(dataset, splits={**dataset.splits, "unlabelled": hidden})
    keras.utils.set_random_seed(1)
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    rows = [features.compute(recipe, chain, dataset.splits[split]).cache() for split in ("train", "unlabelled")]
    before = [weight.copy() for weight in chain.network.get_weights()]
    losses: list[dict[str, float]] = []
    pretrain(recipe, chain, rows, seed=0, progress=Silent(), log=lambda metrics, _: losses.append(metrics))
    assert [list(row) for row in losses] == [["pretrain_loss"]] * 3
    assert losses[2]["pretrain_loss"] < losses[0]["pretrain_loss"]
    changed = {
        weight.path.split("/")[0]
        for weight, old in zip(chain.network.weights, before, strict=True)
        if not np.array_equal(weight.numpy(), old)
    }
    assert changed == {"embedding_1", "lstm_1_1"}


def test_without_epochs_a_recipe_learns_from_labels_only():
    assert catalog.load(catalog.find("imdb"), {}).pretraining.epochs == 0
    assert isinstance(catalog.load(catalog.find("imdb"), {"pretrain_epochs": 2}).pretraining, zoo.Training)
