"""The user's own transcribed audio: a list of files with what is said in them, or one list per split."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.datasets import splits
from zoo.datasets.audio_files import Audio, as_dataset, read_all
from zoo.datasets.listed_files import Transcribed, duplicates, transcripts
from zoo.datasets.utterances import TARGET
from zoo.types import BadData, Dataset, Spec

MOST_PER_SECOND = 100  # characters, one for every 10 ms; no recipe has more frames, and nobody speaks a third as fast


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Checks transcribed audio, and reads it whenever it is passed over.

    Texts are learnt as they are written: case, digits and punctuation are symbols like others.

    Args:
      path: A CSV, TSV or JSON Lines file with `path,text` (paths relative to it; optional `split` and `group`), or a
        folder with such files `train.*`, `val.*` and `test*.*`.
      input: The audio wanted, float32[sample] in [-1, 1]; files of other rates and channel counts are converted.
      seed: Of the split, where none is declared. Where only val is missing, it is drawn from train.

    Returns:
      Examples `{"id": string[] path, "input": float32[sample], "target": string[]}` in the order of their paths.

    Raises:
      BadData: With every fault of the data.
    """
    entries, faults = transcripts(path)
    faults += duplicates(entries)
    audio: dict[str, Audio] = {}
    for entry, outcome in zip(entries, read_all(entries, input.rate_hz), strict=True):
        reason = outcome if isinstance(outcome, str) else _too_short(entry, outcome.seconds)
        if reason:
            faults.append(f"{entry.place}: {reason}")
        else:
            audio[entry.id] = outcome
    usable = [entry for entry in entries if entry.id in audio]
    if usable:
        usable, more = splits.assign(path, usable, seed, "usable utterance")
        faults += more
    if faults:
        raise BadData(path, faults)
    return _dataset(path.name, sorted(usable, key=lambda entry: entry.id), audio, input)


def _too_short(entry: Transcribed, seconds: float) -> str:
    if len(entry.text) <= MOST_PER_SECOND * seconds:
        return ""
    size = len(entry.text)
    return f"`{entry.id}` lasts {seconds:.2f} s, too short for its text of {size} characters; correct one of the two"


def _dataset(name: str, entries: list[Transcribed], audio: dict[str, Audio], input: Spec) -> Dataset:
    parts = splits.parted(entries)
    digest = hashlib.sha256(f"{input.rate_hz}\n".encode())
    for entry in entries:
        digest.update(f"{entry.id}\t{entry.text}\t{entry.split}\t{audio[entry.id].checksum}\n".encode())
    return Dataset(
        name=name,
        version="",
        origin="own",
        input=input,
        target=TARGET,
        splits={
            split: as_dataset(part, audio, [entry.text for entry in part], input.rate_hz)
            for split, part in parts.items()
        },
        sizes={split: len(part) for split, part in parts.items()},
        fingerprint=digest.hexdigest()[:16],
        citation="the user's own data",
        licence="the user's own data",
        **splits.grouped(entries),
    )
