"""Times the zoo's LSTM on the CPU beside Keras, Keras with XLA and PyTorch: one table of training, one of inference.

All four are timed in turn in this one process, with as many threads each; figures are medians, and the ratios to
PyTorch are what to quote, since a machine's speed drifts. Inference of Keras and the zoo goes through a SavedModel.

Usage: pip install '.[bench]' && python benchmarks/lstm_cpu.py [--runs 9] [--only 1 4]
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import time

import numpy as np
import tensorflow as tf
import torch
from lstm_steps import (
    CELLS,
    SHAPES,
    Shape,
    exported,
    interleaved,
    jitted_inference,
    keras_inference,
    keras_training,
    torch_steps,
)

from zoo.record import hardware

COLUMNS = ("keras", "keras xla", "zoo", "pytorch")


def row(shape: Shape, milliseconds: dict[str, float]) -> str:
    """A line of a Markdown table: times, then ours beside PyTorch's and Keras's."""
    times = " | ".join(f"{milliseconds[name]:.1f}" for name in COLUMNS)
    ours, peer, plain = (milliseconds[name] for name in ("zoo", "pytorch", "keras"))
    return f"| {shape} | {times} | {ours / peer:.2f} | {plain / ours:.2f} |"


def table(title: str, shapes: list[Shape], build, runs: int) -> None:
    """Prints a table, a row as soon as it is measured."""
    print(f"\n| {title} (batch x steps x inputs -> units) | {' | '.join(COLUMNS)} | zoo / pytorch | keras / zoo |")
    print("|---|" + "---|" * 6)
    for shape in shapes:
        print(row(shape, interleaved(build(shape), runs)), flush=True)


def training(shape: Shape) -> dict:
    """A training step of each."""
    return {
        "keras": keras_training(shape, CELLS["keras"]),
        "keras xla": keras_training(shape, CELLS["keras"], jit=True),
        "zoo": keras_training(shape, CELLS["zoo"]),
        "pytorch": torch_steps(shape)[0],
    }


def inference(shape: Shape) -> dict:
    """An answer of each."""
    return {
        "keras": keras_inference(shape, CELLS["keras"]),
        "keras xla": jitted_inference(shape, CELLS["keras"]),
        "zoo": keras_inference(shape, CELLS["zoo"]),
        "pytorch": torch_steps(shape)[1],
    }


def new_lengths(shape: Shape) -> str:
    """What the export's first answer to a length it has not seen takes, beside its second."""
    answer, first, second = exported(shape, CELLS["zoo"]), [], []
    for steps in range(shape.steps, shape.steps + 10):
        x, mask = np.zeros((1, steps, shape.inputs), np.float32), np.ones((1, steps), bool)
        for taken in (first, second):
            begun = time.perf_counter()
            answer(x, mask).numpy()
            taken.append((time.perf_counter() - begun) * 1e3)
    return f"{np.median(first[1:]):.1f} ms at first, {np.median(second[1:]):.1f} ms at second sight"


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", type=int, nargs="+", help="rows, counted from 1")
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    shapes = [SHAPES[number - 1] for number in options.only] if options.only else list(SHAPES)
    print(f"{hardware()}, TensorFlow {tf.__version__}, PyTorch {torch.__version__}, median ms of {options.runs} runs")
    table("training step", shapes, training, options.runs)
    table("inference", shapes, inference, options.runs)
    print(f"\nA length that the zoo's export has not seen, batch 1: {new_lengths(SHAPES[3])}")


if __name__ == "__main__":
    main()
