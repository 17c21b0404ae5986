"""The user's own labelled texts: a list of them, or one list per split."""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.datasets import splits, tables
from zoo.types import BadData, Dataset, Spec


@dataclass(frozen=True, kw_only=True)
class Entry(splits.Entry):
    """One labelled text, never empty, without surrounding space."""

    text: str

    @property
    def name(self) -> str:
        """The text itself: repeats must not be drawn into train and test, nor may the order of lines matter."""
        return self.text


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Reads labelled texts, held in memory.

    Labels may be any text or whole numbers and stay strings; the classes are in the order of their code points.
    Repeats of a text are kept, and go into one split unless groups say otherwise.

    Args:
      path: A CSV, TSV or JSON Lines file with `text,label` (optional `split` and `group`), or a folder with such files
        `train.*`, `val.*` and `test*.*`. UTF-8, a line of at most `tables.LINE_BYTES`.
      input: The text wanted, string[].
      seed: Of the split, where none is declared. Where only val is missing, it is drawn from train.

    Returns:
      Examples `{"id": string[] "file:line", "input": string[] UTF-8, "target": int64[]}` in the order of the lines.

    Raises:
      BadData: With every fault of the data. Where the splits are declared, a text in two of them is one.
    """
    entries, faults = _entries(path)
    if any(entry.split for entry in entries):
        faults += splits.leaks(entries, lambda entry: entry.name, "text")
    counts = Counter(entry.label for entry in entries)
    for entry in entries:
        if counts[entry.label] == 1:
            label = tables.shorten(entry.label)
            faults.append(f"{entry.place}: label `{label}` is seen once only; correct it, or add texts with it")
    if entries:
        entries, more = splits.assign(path, entries, seed, "text")
        faults += more
    if faults:
        raise BadData(path, faults)
    return _dataset(path.name, entries, input)


def _entries(path: Path) -> tuple[list[Entry], list[str]]:
    rows, faults = tables.read(path, ("text", "label"))
    entries = []
    for row in rows:
        text, label = row.values["text"], str(row.values["label"])
        if isinstance(text, str):
            named = {"place": row.place, "id": row.place.rsplit(os.sep, 1)[-1]}
            entries.append(Entry(**named, text=text, label=label, split=row.split, group=row.group))
        else:
            faults.append(f"{row.place}: `text` must be text, got {reprlib.repr(text)}")
    return entries, faults


def _dataset(name: str, entries: Sequence[Entry], input: Spec) -> Dataset:
    import tensorflow as tf

    classes = sorted({entry.label for entry in entries})
    parts = splits.parted(entries)
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(json.dumps([entry.id, entry.label, entry.split, entry.text]).encode())
    index = {label: number for number, label in enumerate(classes)}

    def examples(part: Sequence[Entry]) -> tf.data.Dataset:
        columns = {
            "id": tf.constant([entry.id for entry in part]),
            "input": tf.constant([entry.text for entry in part]),
            "target": np.array([index[entry.label] for entry in part], np.int64),
        }
        return tf.data.Dataset.from_tensor_slices(columns)

    return Dataset(
        name=name,
        version="",
        origin="own",
        input=input,
        target=Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=tuple(classes)),
        splits={split: examples(part) for split, part in parts.items()},
        sizes={split: len(part) for split, part in parts.items()},
        fingerprint=digest.hexdigest()[:16],
        citation="the user's own data",
        licence="the user's own data",
        **splits.grouped(entries),
    )
