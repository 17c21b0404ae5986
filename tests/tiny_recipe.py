"""The adding problem, tiny.

Data      the adding problem
Licence   none needed
Model     one LSTM layer
Result    not measured
Command   zoo run tiny.py
"""

# What a trial of it reaches is known beforehand, and how it ends.

import os
import time
from typing import Literal

import zoo


def recipe(
    *,
    off: float = 0.0,
    units: int = 2,
    epochs: int = 2,
    ends: Literal["well", "lost", "raised", "killed"] = "well",
) -> zoo.Recipe:
    """The layer's answer and a number that it is off by.

    Args:
      off: By how much.
      units: Memory cells.
      epochs: Passes.
      ends: How.
    """

    def network(features, target):
        import keras

        time.sleep(float(os.environ.get("TINY_SLEEPS", "0")))
        if ends == "killed":
            os.kill(os.getpid(), 9)
        assert ends != "raised", "as it was told"
        inner = zoo.architectures.memory_network(features, target, units=units)
        scale = float("inf") if ends == "lost" else 1.0
        outputs = keras.layers.Rescaling(scale, offset=off)(inner.outputs[0])
        return keras.Model(inner.inputs, outputs)

    def load(source):
        return zoo.datasets.adding.load(source, length=20, train=100)

    return zoo.Recipe(
        input=zoo.datasets.adding.INPUT,
        dataset=load,
        sample=lambda source: zoo.datasets.adding.load(source, length=20, train=100, origin="sample"),
        network=network,
        task=zoo.tasks.Regression(tolerance=0.04),
        training=zoo.Training(epochs=epochs, batch_size=20, learning_rate=1e-3),
    )
