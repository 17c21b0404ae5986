"""A served model under load: every answer compared with that of the export itself, latency, throughput and memory.

Usage: python benchmarks/serve_load.py latest --minutes 10      (of a model of texts or of sound)
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
import requests
import tensorflow as tf

import zoo
from zoo.inputs.audio import wav_bytes
from zoo.record import hardware

CLIENTS, BATCHES = (1, 8, 64), (1, 2, 4, 8, 16, 32, 64)
DIFFERENT_INPUTS = 256
TOLERANCE = 1e-4
WORDS = ("a", "the", "film", "plot", "is", "was", "not", "very", "good", "bad", "dull", "and", "but", "never", "😀")


@dataclass
class Told:
    """What clients saw: seconds of each request, examples answered, and what was wrong."""

    seconds: list[float] = field(default_factory=list)
    examples: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def inputs(about: dict[str, Any], draws: np.random.Generator) -> list[bytes]:
    """Raw examples of mixed lengths: texts of 0 to 80 words, or WAV files of a hundredth of a second to three."""
    if about["kind"] == "text":
        return [" ".join(draws.choice(WORDS, draws.integers(0, 80))).encode() for _ in range(DIFFERENT_INPUTS)]
    rate = about["rate_hz"]
    sounds = (draws.normal(0, 0.1, draws.integers(rate // 100, 3 * rate)) for _ in range(DIFFERENT_INPUTS))
    return [wav_bytes(np.float32(sound), rate) for sound in sounds]


def answers(model: Any, examples: list[bytes]) -> list[dict[str, Any]]:
    """What the export says to each, alone."""
    call = model.loaded.signatures["serving_default"]
    rows = (call(**{model.about["kind"]: tf.constant([example])}) for example in examples)
    return [{name: value.numpy()[0] for name, value in row.items()} for row in rows]


def same(got: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether what came over HTTP is what the export says."""
    for name, value in expected.items():
        if isinstance(value, bytes):
            if got[name] != value.decode():
                return False
        elif not np.allclose(got[name], value, atol=TOLERANCE):
            return False
    return True


@contextmanager
def served(run: str, port: int) -> Iterator[psutil.Process]:
    """`zoo serve` in a process of its own, ready."""
    command = [sys.executable, "-m", "zoo", "serve", run, "--port", str(port)]
    running = subprocess.Popen(command)
    try:
        while True:
            try:
                requests.get(f"http://127.0.0.1:{port}/ping", timeout=5).raise_for_status()
                break
            except requests.ConnectionError:
                if running.poll() is not None:
                    sys.exit(f"the server ended with {running.returncode}")
                time.sleep(0.5)
        yield psutil.Process(running.pid)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


def ask(port: int, kind: str, examples: list[bytes], expected: list[dict], until: float, seed: int, told: Told) -> None:
    """One client: request after request with batches of all sizes."""
    draws, session = np.random.default_rng(seed), requests.Session()
    while time.monotonic() < until:
        chosen = draws.integers(0, len(examples), draws.choice(BATCHES))
        sent = (examples[each] if kind == "text" else base64.b64encode(examples[each]) for each in chosen)
        body = json.dumps({"dataframe_split": {"columns": [kind], "data": [[each.decode()] for each in sent]}})
        began = time.monotonic()
        response = session.post(
            f"http://127.0.0.1:{port}/invocations", body, headers={"Content-Type": "application/json"}, timeout=300
        )
        took = time.monotonic() - began
        with told.lock:
            told.seconds.append(took)
            told.examples += len(chosen)
            if response.status_code != 200:
                told.wrong.append(f"{response.status_code} {response.text[:200]}")
                continue
            rows = response.json()["predictions"]
            bad = [each for each, row in zip(chosen, rows, strict=True) if not same(row, expected[each])]
            told.wrong += [f"input {each}" for each in bad]


def load(run: str, minutes: float, port: int) -> list[Told]:
    """Loads a server with each number of clients in turn, for a third of the time each, and prints what they saw."""
    model = zoo.load(run)
    if model.about["kind"] not in ("text", "audio"):
        sys.exit(f"`RUN` must take texts or sound, and {run} takes {model.about['kind']}.")
    examples = inputs(model.about, np.random.default_rng(0))
    expected = answers(model, examples)
    found = []
    print(f"{run}, {model.about['kind']}, batches of {BATCHES[0]} to {BATCHES[-1]}, {hardware()}")
    print(" clients  requests   wrong  examples/s   p50 ms   p95 ms   p99 ms    MiB")
    with served(run, port) as server:
        for clients in CLIENTS:
            told, length = Told(), minutes * 60 / len(CLIENTS)
            until = time.monotonic() + length
            with ThreadPoolExecutor(clients) as pool:
                seeds = itertools.count(clients * 1000)
                waits = [
                    pool.submit(ask, port, model.about["kind"], examples, expected, until, next(seeds), told)
                    for _ in range(clients)
                ]
                for wait in waits:
                    wait.result()
            p50, p95, p99 = np.percentile(told.seconds, [50, 95, 99]) * 1000
            memory = server.memory_info().rss / 2**20
            print(
                f"{clients:8}{len(told.seconds):10}{len(told.wrong):8}{told.examples / length:12.1f}"
                f"{p50:9.1f}{p95:9.1f}{p99:9.1f}{memory:7.0f}",
                flush=True,
            )
            found.append(told)
    return found


def main() -> None:
    """Parses, loads; exit code 1 where an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--port", type=int, default=8099)
    options = parser.parse_args()
    wrong = [each for told in load(options.run, options.minutes, options.port) for each in told.wrong]
    if wrong:
        sys.exit(f"{len(wrong)} wrong answers, such as {wrong[0]}")


if __name__ == "__main__":
    main()
