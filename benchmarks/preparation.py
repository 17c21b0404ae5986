"""Time and peak memory of preparing the user's own recordings, against how many there are.

Usage: python benchmarks/preparation.py --clips 1000 2000 4000 8000 --seconds 2
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from zoo.record import hardware

RATE_HZ = 16_000
WORDS = ("left", "right")
PREPARE = """
import json, resource, time
from zoo import catalog, features
from zoo.chain import Chain
from zoo.runs import load_data
recipe = catalog.load(catalog.find("spoken_digits"), {"variants": 1})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.perf_counter()
dataset = load_data(recipe, data="DATA")
read = time.perf_counter() - begun
chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
for split in dataset.splits:
    features.prepare(recipe, chain, dataset, split)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"read": read, "all": time.perf_counter() - begun, "before": before, "after": after}))
"""


def write(folder: Path, clips: int, seconds: float) -> None:
    """Noise of two loudnesses, as WAV files in two classes."""
    draws = np.random.default_rng(0)
    for word in WORDS:
        (folder / word).mkdir(parents=True)
    for number in range(clips):
        sound = draws.normal(0, 0.02 + 0.1 * (number % 2), int(RATE_HZ * seconds))
        soundfile.write(folder / WORDS[number % 2] / f"{number}.wav", sound.clip(-1, 1), RATE_HZ)


def measured(data: Path, cache: Path) -> dict[str, float]:
    """Seconds, and peaks of the resident memory in KiB before and after, in a process of its own."""
    cache.mkdir()
    code = PREPARE.replace("DATA", str(data))
    environment = {**os.environ, "ZOO_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return json.loads(ended.stdout.splitlines()[-1])


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[1000, 2000, 4000, 8000])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each clip")
    options = parser.parse_args()
    print(f"clips of {options.seconds} s at {RATE_HZ} Hz, {hardware()}")
    print("   clips   MiB of files   read s   features s   clips/s   peak MiB more")
    for clips in options.clips:
        with tempfile.TemporaryDirectory() as scratch:
            write(Path(scratch) / "data", clips, options.seconds)
            size = sum(file.stat().st_size for file in Path(scratch).rglob("*.wav")) / 2**20
            found = measured(Path(scratch) / "data", Path(scratch) / "cache")
        more = (found["after"] - found["before"]) / 1024
        features = found["all"] - found["read"]
        print(
            f"{clips:8}{size:15.0f}{found['read']:9.1f}{features:13.1f}{clips / found['all']:10.0f}{more:16.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
