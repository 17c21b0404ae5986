"""The user's own images of lines of text: a list of files with what is written on them, or one list per split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from zoo.datasets import splits, tables
from zoo.datasets.images import Line, as_dataset, png_bytes
from zoo.datasets.listed_files import Entry, duplicates
from zoo.datasets.utterances import TARGET
from zoo.types import BadData, Dataset, Spec


@dataclass(frozen=True, kw_only=True)
class Written(Entry):
    """One listed image, its file not read yet, and its text, white space as one space."""

    text: str


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Reads images of lines, held in memory as grey PNG files.

    Args:
      path: A CSV, TSV or JSON Lines file with `path,text` (paths relative to it; optional `split` and `group`), or a
        folder with such files `train.*`, `val.*` and `test*.*`.
      input: The image wanted, string[].
      seed: Of the split, where none is declared. Where only val is missing, it is drawn from train.

    Returns:
      Examples `{"id": string[] path, "input": string[] PNG, "target": string[]}` in the order of their paths.

    Raises:
      BadData: With every fault of the data.
    """
    if path.is_dir() and not tables.split_files(path):
        kinds = ", ".join(tables.KINDS)
        raise BadData(path, [f"{path}: has no files train.*, val.* and test*.* ({kinds}); add them, or name one file"])
    entries, faults = _entries(path)
    faults += duplicates(entries)
    images: dict[str, bytes] = {}
    for entry in entries:
        try:
            images[entry.id] = png_bytes(tables.content(entry.file))
        except ValueError as error:
            faults.append(f"{entry.place}: `{entry.id}` {error}")
    usable = [entry for entry in entries if entry.id in images]
    if usable:
        usable, more = splits.assign(path, usable, seed, "usable image")
        faults += more
    if faults:
        raise BadData(path, faults)
    return _dataset(path.name, sorted(usable, key=lambda entry: entry.id), images, input)


def _entries(path: Path) -> tuple[list[Written], list[str]]:
    rows, faults = tables.read(path, ("path", "text"))
    entries = []
    for row in rows:
        wrong = [name for name in ("path", "text") if not isinstance(row.values[name], str)]
        faults += [f"{row.place}: `{name}` must be text, got {row.values[name]!r}" for name in wrong]
        if not wrong:
            name, text = row.values["path"], " ".join(row.values["text"].split())
            named = {"place": row.place, "id": name, "file": row.folder / name, "label": ""}
            entries.append(Written(**named, text=text, split=row.split, group=row.group))
    return entries, faults


def _dataset(name: str, entries: list[Written], images: dict[str, bytes], input: Spec) -> Dataset:
    tests = sorted({entry.split for entry in entries if entry.split.startswith("test")})
    parts: dict[str, list[Line]] = {split: [] for split in ("train", "val", *tests)}
    digest = hashlib.sha256()
    for entry in entries:
        parts[entry.split].append(Line(entry.id, images[entry.id], entry.text))
        digest.update(f"{entry.id}\t{entry.text}\t{entry.split}\t".encode() + images[entry.id])
    return Dataset(
        name=name,
        version="",
        origin="own",
        input=input,
        target=TARGET,
        splits={split: as_dataset(part) for split, part in parts.items()},
        sizes={split: len(part) for split, part in parts.items()},
        fingerprint=digest.hexdigest()[:16],
        citation="the user's own data",
        licence="the user's own data",
    )
