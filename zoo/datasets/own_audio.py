"""The user's own labelled audio clips: one folder per class, or a list of files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.datasets import splits, tables
from zoo.datasets.audio_files import Audio, as_dataset, read_all
from zoo.datasets.clips import target_spec
from zoo.datasets.listed_files import Entry, duplicates
from zoo.types import BadData, Dataset, Spec


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Checks labelled clips, and reads them whenever they are passed over.

    Args:
      path: A folder `DIR/<label>/*` of audio files; a CSV, TSV or JSON Lines file with `path,label` (paths relative to
        it; optional `split` and `group`); or a folder with such files `train.*`, `val.*` and `test*.*`.
      input: The audio wanted, float32[sample] in [-1, 1]; clips of other rates and channel counts are converted.
      seed: Of the split, where none is declared. Where only val is missing, it is drawn from train.

    Raises:
      BadData: With every fault of the data.
    """
    is_list = path.is_file() or bool(tables.split_files(path))
    entries, faults = _from_table(path) if is_list else _from_folders(path)
    faults += duplicates(entries)
    audio: dict[str, Audio] = {}
    for entry, outcome in zip(entries, read_all(entries, input.rate_hz), strict=True):
        if isinstance(outcome, str):
            faults.append(f"{entry.place}: {outcome}")
        else:
            audio[entry.id] = outcome
    usable = [entry for entry in entries if entry.id in audio]
    for label in sorted({entry.label for entry in entries} - {entry.label for entry in usable}):
        faults.append(f"{path}: class `{label}` has no usable clip")
    if usable:
        usable, more = splits.assign(path, usable, seed, "usable clip")
        faults += more
    if faults:
        raise BadData(path, faults)
    return _dataset(path.name, sorted(usable, key=lambda entry: entry.id), audio, input)


def _dataset(name: str, entries: Sequence[Entry], audio: Mapping[str, Audio], input: Spec) -> Dataset:
    classes = sorted({entry.label for entry in entries})
    parts = splits.parted(entries)
    digest = hashlib.sha256(f"{input.rate_hz}\n".encode())
    for entry in entries:
        digest.update(f"{entry.id}\t{entry.label}\t{entry.split}\t{audio[entry.id].checksum}\n".encode())
    return Dataset(
        name=name,
        version="",
        origin="own",
        input=input,
        target=target_spec(classes),
        splits={
            split: as_dataset(
                part, audio, np.array([classes.index(entry.label) for entry in part], np.int64), input.rate_hz
            )
            for split, part in parts.items()
        },
        sizes={split: len(part) for split, part in parts.items()},
        fingerprint=digest.hexdigest()[:16],
        citation="the user's own data",
        licence="the user's own data",
        **splits.grouped(entries),
    )


def _from_folders(path: Path) -> tuple[list[Entry], list[str]]:
    entries: list[Entry] = []
    faults: list[str] = []
    for folder in _visible(path):
        if not folder.is_dir():
            faults.append(f"{folder}: is in no class; put clips into {path}/<label>/ and remove the rest")
            continue
        files = _visible(folder)
        if not files:
            faults.append(f"{folder}: is empty; a class needs at least {splits.needed()} clips")
        for file in files:
            if file.is_dir():
                faults.append(f"{file}: is a folder inside a class; put its clips directly into the class")
            else:
                name = f"{folder.name}/{file.name}"
                entries.append(Entry(place=str(file), id=name, file=file, label=folder.name))
    if not entries and not faults:
        faults.append(f"{path}: has no folders of classes; put clips into {path}/<label>/")
    return entries, faults


def _visible(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if not child.name.startswith("."))


def _from_table(path: Path) -> tuple[list[Entry], list[str]]:
    rows, faults = tables.read(path, ("path", "label"))
    entries = []
    for row in rows:
        name = row.values["path"]
        if isinstance(name, str):
            named = {"place": row.place, "id": name, "file": row.folder / name}
            entries.append(Entry(**named, label=str(row.values["label"]), split=row.split, group=row.group))
        else:
            faults.append(f"{row.place}: `path` must be text, got {name!r}")
    return entries, faults
