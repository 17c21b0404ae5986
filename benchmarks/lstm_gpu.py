"""Times the zoo's LSTM on a GPU beside Keras and PyTorch, all three on cuDNN, in float32 and in the half types.

The same networks as `lstm_cpu.py`, timed in turn in this one process; a step ends when its loss is on the host. TF32 is
what each library's default is. Without a GPU it says so and stops.

Usage: pip install '.[cuda,bench]' && python benchmarks/lstm_gpu.py [--runs 9]
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import torch
from lstm_steps import CELLS, SHAPES, Shape, interleaved, keras_inference, keras_training, torch_steps

from zoo.record import hardware

POLICIES = {
    "float32": torch.float32,
    "mixed_float16": torch.float16,
    "mixed_bfloat16": torch.bfloat16,
}
COLUMNS = ("keras", "zoo", "pytorch")


def table(title: str, build, runs: int) -> None:
    """Prints a table, a row as soon as it is measured."""
    print(f"\n| {title} (batch x steps x inputs -> units) | {' | '.join(COLUMNS)} | zoo / pytorch | zoo / keras |")
    print("|---|" + "---|" * 5)
    for shape in SHAPES:
        milliseconds = interleaved(build(shape), runs)
        times = " | ".join(f"{milliseconds[name]:.2f}" for name in COLUMNS if name in milliseconds)
        ours = milliseconds["zoo"]
        print(f"| {shape} | {times} | {ours / milliseconds['pytorch']:.2f} | {ours / milliseconds['keras']:.2f} |")


def training(shape: Shape, policy: str) -> dict:
    """A training step of each."""
    peer, _ = torch_steps(shape, "cuda", POLICIES[policy])
    return {name: keras_training(shape, cell, policy=policy) for name, cell in CELLS.items()} | {"pytorch": peer}


def inference(shape: Shape) -> dict:
    """An answer of each, those of Keras and the zoo through a SavedModel."""
    return {name: keras_inference(shape, cell) for name, cell in CELLS.items()} | {
        "pytorch": torch_steps(shape, "cuda")[1]
    }


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    if not tf.config.list_logical_devices("GPU"):
        sys.exit("lstm_gpu.py needs a GPU, and TensorFlow sees none; `zoo doctor` says why. Nothing was measured.")
    if not torch.cuda.is_available():
        sys.exit("lstm_gpu.py needs PyTorch with CUDA, and this one has none. Nothing was measured.")
    versions = f"TensorFlow {tf.__version__}, PyTorch {torch.__version__}"
    print(f"{hardware()}, {torch.cuda.get_device_name()}, {versions}, median ms of {options.runs} runs")
    for policy in POLICIES:
        table(f"training step, {policy}", lambda shape, policy=policy: training(shape, policy), options.runs)
    table("inference", inference, options.runs)


if __name__ == "__main__":
    main()
