"""The user's own images of lines of text: a list of files with what is written on them, or one list per split."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.datasets import splits, tables
from zoo.datasets.images import Line, as_dataset, png_bytes
from zoo.datasets.listed_files import Transcribed, duplicates, transcripts
from zoo.datasets.utterances import TARGET
from zoo.types import BadData, Dataset, Spec


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
    entries, faults = transcripts(path)
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


def _dataset(name: str, entries: list[Transcribed], images: dict[str, bytes], input: Spec) -> Dataset:
    parts = {
        split: [Line(entry.id, images[entry.id], entry.text) for entry in part]
        for split, part in splits.parted(entries).items()
    }
    digest = hashlib.sha256()
    for entry in entries:
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
        **splits.grouped(entries),
    )
