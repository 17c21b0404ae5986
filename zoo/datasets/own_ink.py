"""The user's own handwriting, labelled or with the text that was written: a list of inks, or one list per split."""

from __future__ import annotations

import hashlib
import os
import reprlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.datasets import splits, tables
from zoo.datasets.clips import target_spec
from zoo.datasets.ink import TEXT, Ink, as_dataset, fingerprint, points_of
from zoo.types import BadData, Dataset, Spec

LIST = ".jsonl"  # strokes nest, and no cell of a table does


@dataclass(frozen=True, kw_only=True)
class Entry(splits.Entry):
    """One ink, and what was written where it has no label."""

    points: np.ndarray
    text: str = ""

    @property
    def name(self) -> str:
        """A digest of the ink itself: copies must not be drawn into train and test, nor may the order of lines matter.

        With equal points, two inks are one ink.
        """
        return hashlib.sha256(self.points.tobytes()).hexdigest()


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Reads labelled inks, held in memory.

    Labels may be any text or whole numbers and stay strings; the classes are in the order of their code points.

    Args:
      path: A JSON Lines file, plain or gzipped, of `{"strokes": [[[x, y], ...], ...], "label": ...}` (optional `split`
        and `group`, the writer; strokes as of `zoo.datasets.ink.points_of`), or a folder with such files `train.*`,
        `val.*` and `test*.*`. UTF-8, a line of at most `tables.LINE_BYTES`.
      input: The ink wanted, float32[point, 3].
      seed: Of the split, where none is declared. Where only val is missing, it is drawn from train.

    Returns:
      Examples `{"id": string[] "file:line", "input": float32[point, 3], "target": int64[]}` in the order of the lines.

    Raises:
      BadData: With every fault of the data. Where the splits are declared, an ink in two of them is one.
    """
    return _loaded(path, input, "label", seed)


def load_texts(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Reads inks with the text that was written, held in memory; as `load`, with `text` in place of `label`.

    Args:
      path: As of `load`.
      input: As of `load`.
      seed: As of `load`.

    Returns:
      Examples `{"id": string[], "input": float32[point, 3], "target": string[] UTF-8}`.

    Raises:
      BadData: As of `load`.
    """
    return _loaded(path, input, "text", seed)


def _loaded(path: Path, input: Spec, column: str, seed: int) -> Dataset:
    entries, faults = _entries(path, column)
    if any(entry.split for entry in entries):
        faults += _leaks(entries)
    counts = Counter(entry.label for entry in entries)
    for entry in entries:
        if entry.label and counts[entry.label] == 1:
            label = tables.shorten(entry.label)
            faults.append(f"{entry.place}: label `{label}` is seen once only; correct it, or add inks with it")
    if entries:
        entries, more = splits.assign(path, entries, seed, "ink")
        faults += more
    if faults:
        raise BadData(path, faults)
    return _dataset(path.name, entries, input)


def _leaks(entries: Sequence[Entry]) -> list[str]:
    """Faults of inks that are in two of the declared splits."""
    first: dict[str, Entry] = {}
    faults = []
    for entry in entries:
        other = first.setdefault(entry.name, entry)
        if other.split != entry.split:
            both = f"in `{other.split}` at {other.place}, and here in `{entry.split}`"
            faults.append(f"{entry.place}: the same ink is {both}; an ink must be in one split")
    return faults


def _entries(path: Path, column: str) -> tuple[list[Entry], list[str]]:
    files = [file for found in tables.split_files(path).values() for file in found] if path.is_dir() else [path]
    if not files:
        raise BadData(path, [f"{path}: has no files train.*, val.* and test*.* ({LIST}); add them, or name one file"])
    faults = [
        f"{file}: must be JSON Lines ({LIST} or {LIST}.gz), for strokes are lists within lists"
        for file in files
        if tables.kind(file) != LIST
    ]
    if faults:
        raise BadData(path, faults)
    rows, faults = tables.read(path, ("strokes", column))
    entries = []
    for row in rows:
        written = row.values[column]
        if column == "text" and not isinstance(written, str):
            faults.append(f"{row.place}: `text` must be text, got {reprlib.repr(written)}")
            continue
        try:
            points = points_of(row.values["strokes"])
        except ValueError as reason:
            faults.append(f"{row.place}: {reason}")
            continue
        told = {"label": "", "text": written} if column == "text" else {"label": str(written)}
        named = {"place": row.place, "id": row.place.rsplit(os.sep, 1)[-1]}
        entries.append(Entry(**named, **told, points=points, split=row.split, group=row.group))
    return entries, faults


def _dataset(name: str, entries: Sequence[Entry], input: Spec) -> Dataset:
    classes = sorted({entry.label for entry in entries} - {""})
    index = {label: number for number, label in enumerate(classes)}
    parts = {
        split: [Ink(entry.id, entry.points, index[entry.label] if classes else entry.text) for entry in part]
        for split, part in splits.parted(entries).items()
    }
    told = [Ink(f"{entry.split} {entry.id}", entry.points, entry.label or entry.text) for entry in entries]
    return Dataset(
        name=name,
        version="",
        origin="own",
        input=input,
        target=target_spec(classes) if classes else TEXT,
        splits={split: as_dataset(inks) for split, inks in parts.items()},
        sizes={split: len(inks) for split, inks in parts.items()},
        fingerprint=fingerprint(told),
        citation="the user's own data",
        licence="the user's own data",
        **splits.grouped(entries),
    )
