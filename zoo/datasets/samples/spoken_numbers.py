"""Numbers of three or four spoken digits, joined from the sample's clips: what was said, as words."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np

from zoo.datasets.samples.draws import Draws
from zoo.datasets.utterances import TARGET, Utterance, as_dataset
from zoo.inputs.audio import read_audio, to_int16
from zoo.types import Dataset, Spec

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIZES = {"train": 500, "val": 60, "test": 100}
LONGEST_PAUSE = 0.12  # seconds between two digits
SEED = 1


def load(input: Spec, clips: Path) -> Dataset:
    """Utterances, each by one voice; a voice is in one split, as in the clips.

    Args:
      input: The audio wanted.
      clips: The list of the clips, `clips.csv` of the sample `spoken_digits`.
    """
    voices: dict[str, dict[str, list[np.ndarray]]] = {split: {} for split in SIZES}
    with clips.open(newline="") as lines:
        for row in csv.DictReader(lines):
            digits = voices[row["split"]].setdefault(row["group"], {})
            digits[int(row["label"])] = to_int16(read_audio(clips.parent / row["path"], input.rate_hz))
    draws = Draws(SEED)
    splits = {
        split: [_utterance(f"{split}-{number:03d}", voices[split], draws, input.rate_hz) for number in range(count)]
        for split, count in SIZES.items()
    }
    digest = hashlib.sha256(f"{input.rate_hz} {SIZES} {SEED}".encode() + clips.read_bytes())
    return Dataset(
        name="spoken numbers, synthesised",
        version="",
        origin="sample",
        input=input,
        target=TARGET,
        splits={split: as_dataset(part) for split, part in splits.items()},
        sizes=SIZES,
        fingerprint=digest.hexdigest()[:16],
        citation="Made for this project by a synthesiser; never to be reported as a result.",
        licence="CC0 1.0",
    )


def _utterance(id: str, voices: dict[str, dict[int, np.ndarray]], draws: Draws, rate_hz: int) -> Utterance:
    voice = voices[draws.choice(sorted(voices))]
    said = [draws.choice(sorted(voice)) for _ in range(draws.choice((3, 4)))]
    parts = []
    for digit in said:
        pause = draws.choice(range(int(LONGEST_PAUSE * rate_hz)))
        parts += [voice[digit], np.zeros(pause, np.int16)]
    return Utterance(id, np.concatenate(parts), " ".join(WORDS[digit] for digit in said))
