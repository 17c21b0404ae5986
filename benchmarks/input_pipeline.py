"""Measures the share of an epoch that is spent in the training step, the rest being waiting for data.

Times epochs of training steps fed by the input pipeline against the same steps fed from memory, alternating, and
prints the medians.

Usage: python benchmarks/input_pipeline.py spoken_digits [--manual-dir DIR | --sample] [--epochs 5]
"""

from __future__ import annotations

import argparse
import statistics
import time

import keras
import tensorflow as tf

from zoo import catalog, features, fit, runs
from zoo.chain import Chain
from zoo.progress import Silent
from zoo.record import hardware


def main() -> None:
    """Prepares, trains an epoch to compile, then measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--manual-dir")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()

    recipe = catalog.load(catalog.find(options.recipe), {})
    dataset = runs.load_data(recipe, sample=options.sample, manual_dir=options.manual_dir)
    keras.utils.set_random_seed(1)
    chain = Chain(recipe, dataset.input, dataset.target)
    prepared = runs.prepare_all(recipe, chain, dataset, ["train"], 0, Silent())
    epoch = tf.Variable(0, dtype=tf.int64)
    batches = features.train_batches(prepared["train"], recipe, seed=0, epoch=epoch)
    optimizer = fit.optimizer(recipe.training, int(batches.cardinality()))
    chain.network.compile(optimizer, loss=recipe.task.loss(), jit_compile=False)

    def seconds(source) -> float:
        begun = time.perf_counter()
        for inputs, target in source:
            chain.network.train_on_batch(inputs, target)
        return time.perf_counter() - begun

    seconds(batches)  # compiles, and fills the cache in memory
    fed, held = [], []
    for number in range(1, options.epochs + 1):
        epoch.assign(number)
        fed.append(seconds(batches))
        held.append(seconds(list(batches)))
    whole, steps = statistics.median(fed), statistics.median(held)
    print(f"{options.recipe}, {dataset.name}, {int(batches.cardinality())} steps an epoch, {hardware()}")
    print(f"epoch fed by the pipeline {whole:.2f} s, from memory {steps:.2f} s")
    print(f"share of the epoch in the training step {min(1.0, steps / whole):.3f}")


if __name__ == "__main__":
    main()
