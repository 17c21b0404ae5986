"""The loss of a transcriber and its gradient beside PyTorch's: how far both are from PyTorch in float64, and the time.

Usage: python benchmarks/ctc_pytorch.py
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import torch

from zoo.record import hardware
from zoo.tasks import ctc

SHAPES = ((8, 60, 12, 11), (16, 250, 60, 30), (32, 400, 80, 80))  # batch, frames, symbols of a text, symbols there are
MOST = 3.0  # times the rounding of PyTorch in float32, which sums over hundreds of frames as we do
Found = tuple[tuple[np.ndarray, np.ndarray], Callable[[], object]]  # loss and gradient, and a call that gives them


def drawn(shape: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Logits float32[batch, frame, symbol + 1], lengths int64[batch] of those and of the texts, and the texts.

    Texts int32[batch, symbol] are padded with -1, and repeat a symbol here and there.
    """
    batch, frames, most, symbols = shape
    draws = np.random.default_rng(0)
    logits = draws.normal(0, 2, (batch, frames, symbols + 1)).astype(np.float32)
    lengths = draws.integers(2 * most + 1, frames + 1, batch)
    sizes = draws.integers(1, most + 1, batch)
    texts = draws.integers(0, symbols, (batch, most)).astype(np.int32)
    return logits, lengths, sizes, np.where(np.arange(most) < sizes[:, None], texts, -1)


def milliseconds(call: Callable[[], object], runs: int) -> float:
    """Median of some calls after one that is not counted."""
    call()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def peer(logits: np.ndarray, lengths: np.ndarray, sizes: np.ndarray, texts: np.ndarray, dtype: torch.dtype) -> Found:
    """PyTorch's loss and gradient, and a call that gives them anew."""
    leaf = torch.tensor(logits, dtype=dtype, requires_grad=True)
    labels, long = torch.tensor(np.maximum(texts, 0)), (torch.tensor(lengths), torch.tensor(sizes))

    def step() -> tuple[np.ndarray, np.ndarray]:
        scores = torch.log_softmax(leaf, -1).transpose(0, 1)
        loss = torch.nn.functional.ctc_loss(scores, labels, *long, blank=logits.shape[-1] - 1, reduction="none")
        return loss.detach().numpy(), torch.autograd.grad(loss.sum(), leaf)[0].numpy()

    return step(), step


def zoo(logits: np.ndarray, lengths: np.ndarray, texts: np.ndarray) -> Found:
    """The same of the zoo's."""
    there = (np.arange(logits.shape[1]) < lengths[:, None]).astype(np.float32)
    values, mask, labels = (tf.constant(each) for each in (logits, there[..., None], texts))

    @tf.function
    def step() -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = ctc.loss(labels, tf.concat([values, mask], -1))
        return loss, tape.gradient(loss, values)

    def call() -> tuple[np.ndarray, np.ndarray]:
        return tuple(each.numpy() for each in step())

    return call(), call


def main() -> None:
    """Measures, prints, and exits 1 where ours is further off than it may be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    runs, wrong = parser.parse_args().runs, []
    print(f"{hardware()}; loss and gradient: largest error beside the largest value\n")
    print("| batch x frames x text of symbols | zoo loss, gradient | pytorch loss, gradient | zoo ms | pytorch ms |")
    print("|---|---|---|---|---|")
    for shape in SHAPES:
        logits, lengths, sizes, texts = drawn(shape)
        exact, _ = peer(logits, lengths, sizes, texts, torch.float64)
        found = [zoo(logits, lengths, texts), peer(logits, lengths, sizes, texts, torch.float32)]
        off = [[np.abs(a - b).max() / np.abs(b).max() for a, b in zip(each, exact, strict=True)] for each, _ in found]
        name = " x ".join(map(str, shape[:3])) + f" of {shape[3]}"
        errors = [f"{loss:.1e}, {gradient:.1e}" for loss, gradient in off]
        times = [f"{milliseconds(call, runs):.1f}" for _, call in found]
        print(f"| {name} | {' | '.join(errors + times)} |")
        if any(ours > MOST * theirs for ours, theirs in zip(*off, strict=True)):
            wrong.append(name)
    sys.exit(f"further off than {MOST} times PyTorch: {', '.join(wrong)}" if wrong else None)


if __name__ == "__main__":
    main()
