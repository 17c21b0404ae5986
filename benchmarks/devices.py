"""Examples that training takes in a second, on one device, on two of this machine, and on two workers on it.

python benchmarks/devices.py --batches 32,128 --steps 50,200 --units 128
python benchmarks/devices.py --batches 32 --steps 50 --each 5,20,80      (as the data grows)

Every kind runs in processes of its own, all kinds in turn, so that all see the machine in the same states. The figures
are medians over the epochs of all rounds; the first epoch of a process, which compiles, is left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from types import SimpleNamespace

KINDS = {"one device": (1, 1), "two devices": (2, 1), "two workers": (1, 2)}  # devices, workers


def measure(devices: int, batch: int, steps: int, each: int, options: argparse.Namespace) -> list[float]:
    """Examples a second in each epoch of a training as the zoo does it."""
    import keras
    import numpy as np
    import tensorflow as tf

    from zoo.distributed.devices import start
    from zoo.fit import fit
    from zoo.layers.lstm import LSTM
    from zoo.progress import Silent
    from zoo.tasks.classification import Classification
    from zoo.types import Training

    class Clock(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.rates: list[float] = []

        def on_epoch_begin(self, epoch, logs=None):
            self.begun = time.perf_counter()

        def on_train_batch_end(self, number, logs=None):
            if number == each - 1:
                self.rates.append(batch * each / (time.perf_counter() - self.begun))

    def network(features=None, target=None) -> keras.Model:
        values, length = keras.Input((None, options.inputs)), keras.Input((), dtype="int32")
        return keras.Model([values, length], keras.layers.Dense(10)(LSTM(options.units)(values)))

    replicas = start(devices)
    draws, clock = np.random.default_rng(0), Clock()
    values = draws.normal(size=(batch, steps, options.inputs)).astype(np.float32)
    inputs = values, np.full(batch, steps, np.int32)
    data = tf.data.Dataset.from_tensors((inputs, draws.integers(0, 10, batch)))
    made = SimpleNamespace(features=None, target=None, network=network())
    training = Training(epochs=1 + options.epochs, batch_size=batch, learning_rate=1e-3)
    how = {"steps_per_epoch": each, "progress": Silent(), "log": lambda metrics, epoch: None}

    def train() -> None:
        whole = Classification(), training, lambda first: data.repeat(), data
        fit(made.network, *whole, callbacks=[clock], replicas=replicas, **how)

    if replicas is None:
        train()
    else:
        with replicas.network_of(SimpleNamespace(network=network), made):
            train()
    return clock.rates[1:]


def started(devices: int, workers: int, arguments: list[str]) -> list[subprocess.Popen]:
    """The processes of one kind."""
    free = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"localhost:{each.getsockname()[1]}" for each in free]
    for each in free:
        each.close()
    processes = []
    for index in range(workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {
            **os.environ,
            "TF_CONFIG": json.dumps(config),  # one worker by itself is no cluster
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        command = [sys.executable, __file__, *arguments, "--child", str(devices)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    return processes


def numbers(text: str) -> list[int]:
    """Of "32,128"."""
    return [int(each) for each in text.split(",")]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=numbers, default=[32, 128], help="Batch sizes.")
    parser.add_argument("--steps", type=numbers, default=[50, 200], help="Steps of a sequence.")
    parser.add_argument("--inputs", type=int, default=40)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--each", type=numbers, default=[20], help="Batches of an epoch.")
    parser.add_argument("--epochs", type=int, default=3, help="That are measured in each round.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    shapes = list(itertools.product(options.batches, options.steps, options.each))
    if options.child:
        print(json.dumps([measure(options.child, *shape, options) for shape in shapes]))
        return
    rates = {kind: [[] for _ in shapes] for kind in KINDS}
    for _ in range(options.rounds):
        for kind, (devices, workers) in KINDS.items():
            for process in started(devices, workers, sys.argv[1:]):
                out, _ = process.communicate()
                if process.returncode:
                    sys.exit(f"{kind} ended with {process.returncode}")
            for place, found in enumerate(json.loads(out.splitlines()[-1])):  # workers go in step; the last one's
                rates[kind][place] += found
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"LSTM of {options.units} units, {options.inputs} inputs, {cores} CPU cores; examples a second")
    print(f"| batch | steps | batches an epoch | {' | '.join(KINDS)} | two devices / one | two workers / one |")
    print(f"|{'---|' * (len(KINDS) + 5)}")
    for place, (batch, steps, each) in enumerate(shapes):
        one, two, workers = (statistics.median(rates[kind][place]) for kind in KINDS)
        rates_shown = f"{one:.0f} | {two:.0f} | {workers:.0f} | {two / one:.2f} | {workers / one:.2f}"
        print(f"| {batch} | {steps} | {each} | {rates_shown} |")


if __name__ == "__main__":
    main()
