"""Lists clips of the Free Spoken Digit Dataset as own data: ten words, and speakers that training has not heard.

Of every digit and speaker it takes the recordings 0 to 31: 1,280 of four speakers to train on, 320 of a fifth to
validate on, 320 of the sixth to test.

Usage:
  tar xf free-spoken-digit-dataset-1.0.10.tar.gz
  python benchmarks/digit_clips.py free-spoken-digit-dataset-1.0.10/recordings clips.csv
  zoo run speech_commands --data clips.csv
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

from zoo.datasets.samples.spoken_numbers import WORDS

SPLITS = {"lucas": "val", "theo": "test"}  # of the speakers held out
RECORDINGS = 32  # the publisher has 50


def rows(recordings: Path) -> Iterator[tuple[str, str, str]]:
    """Path, word and split of each clip, in the order of their names.

    Args:
      recordings: The publisher's folder of files DIGIT_SPEAKER_NUMBER.wav.
    """
    for file in sorted(recordings.glob("*.wav")):
        digit, speaker, number = file.stem.split("_")
        if int(number) < RECORDINGS:
            yield str(file.resolve()), WORDS[int(digit)], SPLITS.get(speaker, "train")


def main() -> None:
    """Parses, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("list", type=Path)
    options = parser.parse_args()
    with options.list.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label", "split"))
        writer.writerows(rows(options.recordings))


if __name__ == "__main__":
    main()
