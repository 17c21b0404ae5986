"""The user's own sentences with their translations: a list of them, or one list per split."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.datasets import splits, tables
from zoo.datasets.pairs import TARGET, Pair, as_dataset, fingerprint
from zoo.types import BadData, Dataset, Spec

COLUMNS = ("source", "target")


@dataclass(frozen=True, kw_only=True)
class Entry(splits.Entry):
    """One pair, neither side empty, without surrounding space."""

    source: str
    target: str

    @property
    def name(self) -> str:
        """The source: its several translations must not be drawn into train and test."""
        return self.source


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Reads pairs, held in memory.

    Args:
      path: A CSV, TSV or JSON Lines file with `source,target` (optional `split` and `group`), or a folder with such
        files `train.*`, `val.*` and `test*.*`. UTF-8, a line of at most `tables.LINE_BYTES`.
      input: The text wanted, string[].
      seed: Of the split, where none is declared. Where only val is missing, it is drawn from train.

    Returns:
      Examples `{"id": string[] "file:line", "input": string[], "target": string[]}` in the order of the lines. A source
      with several translations is in one split, unless groups say otherwise.

    Raises:
      BadData: With every fault of the data. Where the splits are declared, a source in two of them is one.
    """
    entries, faults = _entries(path)
    if any(entry.split for entry in entries):
        faults += splits.leaks(entries, lambda entry: entry.name, "source")
    if entries:
        entries, more = splits.assign(path, entries, seed, "pair")
        faults += more
    if faults:
        raise BadData(path, faults)
    return _dataset(path.name, entries, input)


def _entries(path: Path) -> tuple[list[Entry], list[str]]:
    rows, faults = tables.read(path, COLUMNS)
    entries = []
    for row in rows:
        wrong = [name for name in COLUMNS if not isinstance(row.values[name], str)]
        faults += [f"{row.place}: `{name}` must be text, got {reprlib.repr(row.values[name])}" for name in wrong]
        if not wrong:
            texts = {name: row.values[name] for name in COLUMNS}
            named = {"place": row.place, "id": row.place.rsplit(os.sep, 1)[-1], "label": ""}
            entries.append(Entry(**named, **texts, split=row.split, group=row.group))
    return entries, faults


def _dataset(name: str, entries: Sequence[Entry], input: Spec) -> Dataset:
    parts = {
        split: [Pair(entry.id, entry.source, entry.target) for entry in part]
        for split, part in splits.parted(entries).items()
    }
    in_splits = [Pair(f"{split} {pair.id}", pair.source, pair.target) for split in parts for pair in parts[split]]
    return Dataset(
        name=name,
        version="",
        origin="own",
        input=input,
        target=TARGET,
        splits={split: as_dataset(pairs) for split, pairs in parts.items()},
        sizes={split: len(pairs) for split, pairs in parts.items()},
        fingerprint=fingerprint(in_splits),
        citation="the user's own data",
        licence="the user's own data",
        **splits.grouped(entries),
    )
