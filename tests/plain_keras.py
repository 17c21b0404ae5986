"""What plain Keras gets wrong under `tf.distribute`, tried in a process of its own; prints a JSON object of yes and no.

`python plain_keras.py` on two devices of this CPU, or as one of two workers where `TF_CONFIG` is set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

X, Y = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32), np.zeros(4, np.float32)


def model(one_number: bool, clip: float | None = None) -> keras.Model:
    """`w * x` with w = 1; its loss on float32[batch] is one number, or one for each example."""
    values = keras.Input((1,))
    told = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(values)
    made = keras.Model(values, keras.layers.Reshape(())(told))
    loss = "mse" if one_number else (lambda target, told: tf.square(target - told))
    made.compile(keras.optimizers.SGD(0.01, global_clipnorm=clip), loss, jit_compile=False)
    return made


def learnt(strategy: tf.distribute.Strategy | None, **how: object) -> float:
    """w after one step on all examples."""
    with strategy.scope() if strategy else tf.device(None):
        made = model(**how)
    made.fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(4), verbose=0)
    return float(made.get_weights()[0].item())


def fails(what: Callable[[], object]) -> bool:
    """Whether it raises."""
    try:
        what()
    except Exception:
        return True
    return False


def on_devices() -> dict[str, bool]:
    """On two devices: control, and what is wrong."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])

    def uneven() -> None:
        with strategy.scope():
            made = model(False)
        parts = tf.data.Dataset.from_tensor_slices((X, Y)).batch(3).repeat()
        made.fit(strategy.distribute_datasets_from_function(lambda context: parts), steps_per_epoch=1, verbose=0)

    differ = {
        name: abs(learnt(strategy, **how) - learnt(None, **how)) > 1e-4
        for name, how in {
            "sound": {"one_number": False},
            "one number": {"one_number": True},
            "clipping": {"one_number": False, "clip": 0.1},
        }.items()
    }
    return {**differ, "uneven parts": fails(uneven)}


def on_workers() -> dict[str, bool]:
    """On two workers: what is wrong."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def fit(built: bool) -> None:
        with strategy.scope():
            made = model(False)
            if built:
                made._symbolic_build(data_batch=(tf.TensorSpec([None, 1]), tf.TensorSpec([None])))
                made._maybe_symbolic_build = lambda iterator=None, data_batch=None: None
        data = tf.data.Dataset.from_tensor_slices((X, Y)).repeat().batch(2)
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
        made.fit(data.with_options(options), steps_per_epoch=1, verbose=0)

    return {"building": fails(lambda: fit(False)), "averaging": fails(lambda: fit(True))}


if __name__ == "__main__":
    print(json.dumps(on_workers() if os.environ.get("TF_CONFIG") else on_devices()))
