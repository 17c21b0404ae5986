"""The user's own transcribed audio: a list of files with what is said in them, or one list per split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from zoo.datasets import splits, tables
from zoo.datasets.audio_files import Audio, as_dataset, read_all
from zoo.datasets.listed_files import Entry, duplicates
from zoo.datasets.utterances import TARGET
from zoo.types import BadData, Dataset, Spec

MOST_PER_SECOND = 100  # characters, one for every 10 ms; no recipe has more frames, and nobody speaks a third as fast


@dataclass(frozen=True, kw_only=True)
class Transcribed(Entry):
    """One listed utterance, its file not read yet, and its text, white space as one space."""

    text: str


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
    if path.is_dir() and not tables.split_files(path):
        kinds = ", ".join(tables.KINDS)
        raise BadData(path, [f"{path}: has no files train.*, val.* and test*.* ({kinds}); add them, or name one file"])
    entries, faults = _entries(path)
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


def _entries(path: Path) -> tuple[list[Transcribed], list[str]]:
    rows, faults = tables.read(path, ("path", "text"))
    entries = []
    for row in rows:
        wrong = [name for name in ("path", "text") if not isinstance(row.values[name], str)]
        faults += [f"{row.place}: `{name}` must be text, got {row.values[name]!r}" for name in wrong]
        if not wrong:
            name, text = row.values["path"], " ".join(row.values["text"].split())
            named = {"place": row.place, "id": name, "file": row.folder / name, "label": ""}
            entries.append(Transcribed(**named, text=text, split=row.split, group=row.group))
    return entries, faults


def _too_short(entry: Transcribed, seconds: float) -> str:
    if len(entry.text) <= MOST_PER_SECOND * seconds:
        return ""
    size = len(entry.text)
    return f"`{entry.id}` lasts {seconds:.2f} s, too short for its text of {size} characters; correct one of the two"


def _dataset(name: str, entries: list[Transcribed], audio: dict[str, Audio], input: Spec) -> Dataset:
    tests = sorted({entry.split for entry in entries if entry.split.startswith("test")})
    parts = {split: [entry for entry in entries if entry.split == split] for split in ("train", "val", *tests)}
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
            split: as_dataset(part, [audio[entry.id] for entry in part], [entry.text for entry in part], input.rate_hz)
            for split, part in parts.items()
        },
        sizes={split: len(part) for split, part in parts.items()},
        fingerprint=digest.hexdigest()[:16],
        citation="the user's own data",
        licence="the user's own data",
    )
