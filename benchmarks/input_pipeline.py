"""Measures the share of an epoch that is spent in the training step, the rest being waiting for data.

Profiles epochs of training steps fed by the input pipeline, as training runs them one after the other. Then as many are
fed from memory, which shows what the pipeline's own work costs the steps where both share the processor.

Usage: python benchmarks/input_pipeline.py spoken_digits [--manual-dir DIR | --sample] [--epochs 5]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time

import keras

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
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    prepared = runs.prepare_all(recipe, chain, dataset, ["train"], 0, Silent())
    steps = features.batches_per_epoch(prepared["train"], recipe.training.batch_size)
    batches = iter(features.train_batches(prepared["train"], recipe, seed=0))
    optimizer = fit.optimizer(recipe.training, steps)
    chain.network.compile(optimizer, loss=recipe.task.loss(), jit_compile=False)

    def trained(source) -> tuple[float, float]:
        """Seconds of an epoch, and those of them spent waiting for a batch."""
        begun, waited = time.perf_counter(), 0.0
        while True:
            asked = time.perf_counter()
            batch = next(source, None)
            waited += time.perf_counter() - asked
            if batch is None:
                return time.perf_counter() - begun, waited
            chain.network.train_on_batch(*batch)

    trained(itertools.islice(batches, steps))  # compiles, and fills the cache in memory
    fed = [trained(itertools.islice(batches, steps)) for _ in range(options.epochs)]
    epochs = [list(itertools.islice(batches, steps)) for _ in range(options.epochs)]
    del batches  # ends its work in the background
    kept = [trained(iter(epoch))[0] for epoch in epochs]
    whole, waited = (statistics.median(values) for values in zip(*fed, strict=True))
    print(f"{options.recipe}, {dataset.name}, {steps} steps an epoch, {hardware()}, median of {options.epochs} epochs")
    print(f"epoch {whole:.2f} s, of which {waited:.2f} s waiting for data")
    print(f"share of the epoch in the training step {1 - waited / whole:.3f}")
    print(f"the same steps fed from memory {statistics.median(kept):.2f} s; the rest is shared processor time")


if __name__ == "__main__":
    main()
