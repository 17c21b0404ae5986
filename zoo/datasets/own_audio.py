"""The user's own labelled audio clips: one folder per class, or a list of files."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zoo.datasets import splits, tables
from zoo.datasets.clips import Clip, as_dataset, target_spec
from zoo.inputs.audio import decode_audio, to_int16
from zoo.types import BadData, Dataset, Spec


@dataclass(frozen=True)
class Entry:
    """One listed clip, not read yet: where it is named, its name, file, class, and declared split and group."""

    place: str
    id: str
    file: Path
    label: str
    split: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Audio:
    """What a file holds: samples, int16[sample], and the SHA-256 of its bytes."""

    samples: np.ndarray
    checksum: str


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Reads labelled clips, held in memory at 2 bytes a sample.

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
    faults += _duplicates(entries)
    audio: dict[str, Audio] = {}
    for entry, outcome in zip(entries, _read_all(entries, input.rate_hz), strict=True):
        if isinstance(outcome, str):
            faults.append(f"{entry.place}: {outcome}")
        else:
            audio[entry.id] = outcome
    usable = [entry for entry in entries if entry.id in audio]
    for label in sorted({entry.label for entry in entries} - {entry.label for entry in usable}):
        faults.append(f"{path}: class `{label}` has no usable clip")
    if usable:
        usable, more = _with_splits(path, usable, seed)
        faults += more
    if faults:
        raise BadData(path, faults)
    return _dataset(path.name, sorted(usable, key=lambda entry: entry.id), audio, input)


def _dataset(name: str, entries: Sequence[Entry], audio: Mapping[str, Audio], input: Spec) -> Dataset:
    classes = sorted({entry.label for entry in entries})
    tests = sorted({entry.split for entry in entries if entry.split.startswith("test")})
    parts: dict[str, list[Clip]] = {split: [] for split in ("train", "val", *tests)}
    digest = hashlib.sha256(f"{input.rate_hz}\n".encode())
    for entry in entries:
        parts[entry.split].append(Clip(entry.id, audio[entry.id].samples, classes.index(entry.label)))
        digest.update(f"{entry.id}\t{entry.label}\t{entry.split}\t{audio[entry.id].checksum}\n".encode())
    return Dataset(
        name=name,
        version="",
        origin="own",
        input=input,
        target=target_spec(classes),
        splits={split: as_dataset(clips) for split, clips in parts.items()},
        sizes={split: len(clips) for split, clips in parts.items()},
        fingerprint=digest.hexdigest()[:16],
        citation="the user's own data",
        licence="the user's own data",
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
                entries.append(Entry(str(file), f"{folder.name}/{file.name}", file, folder.name))
    if not entries and not faults:
        faults.append(f"{path}: has no folders of classes; put clips into {path}/<label>/")
    return entries, faults


def _visible(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if not child.name.startswith("."))


def _from_table(path: Path) -> tuple[list[Entry], list[str]]:
    rows, faults = tables.read(path, ("path", "label"))
    entries = []
    for row in rows:
        name, label = row.values["path"], row.values["label"]
        if not isinstance(name, str):
            faults.append(f"{row.place}: `path` must be text, got {name!r}")
        elif not isinstance(label, str | int) or isinstance(label, bool):
            faults.append(f"{row.place}: `label` must be text or a whole number, got {label!r}")
        else:
            entries.append(Entry(row.place, name, row.folder / name, str(label), row.split, row.group))
    return entries, faults


def _duplicates(entries: Sequence[Entry]) -> list[str]:
    first: dict[Path, str] = {}
    faults = []
    for entry in entries:
        place = first.setdefault(entry.file.resolve(), entry.place)
        if place != entry.place:
            faults.append(f"{entry.place}: `{entry.id}` is listed twice, first at {place}")
    return faults


def _read_all(entries: Sequence[Entry], rate_hz: int) -> list[Audio | str]:
    """The audio of each file, or the reason why there is none."""

    def read(entry: Entry) -> Audio | str:
        named = "" if entry.place == str(entry.file) else f"`{entry.id}` "
        if not entry.file.exists():
            return f"{named}does not exist"
        if entry.file.is_dir():
            return f"{named}is a folder"
        try:
            content = entry.file.read_bytes()
            samples = decode_audio(content, rate_hz)
        except (OSError, ValueError) as error:
            return f"{named}{getattr(error, 'strerror', None) or error}"
        return Audio(to_int16(samples), hashlib.sha256(content).hexdigest())

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # libsndfile and soxr let go of the GIL
        return list(pool.map(read, entries))


def _with_splits(path: Path, entries: list[Entry], seed: int) -> tuple[list[Entry], list[str]]:
    """The entries with a split each, declared or drawn, and what is wrong with the split."""
    labels = [entry.label for entry in entries]
    faults = []
    if len(set(labels)) == 1:
        faults.append(f"{path}: has one class only, `{labels[0]}`; a classifier needs two")
    declared = {entry.split for entry in entries} - {None}
    if declared:
        faults += _split_faults(path, entries, declared)
        to_draw, shares = [entry for entry in entries if entry.split == "train"], {"val": splits.SHARES["val"]}
    else:
        to_draw, shares = entries, splits.SHARES
    if (declared and "val" in declared) or not to_draw:
        return entries, faults
    more = _too_few(path, to_draw, shares)
    if faults or more:
        return entries, faults + more
    drawn_labels = [entry.label for entry in to_draw]
    try:
        if to_draw[0].group is not None:
            drawn = splits.draw_groups([entry.group or "" for entry in to_draw], drawn_labels, seed, shares)
        else:
            drawn = splits.draw([entry.id for entry in to_draw], drawn_labels, seed, shares)
    except ValueError as error:
        return entries, [f"{path}: {error}; add examples, or declare the split in a column `split`"]
    by_id = dict(zip((entry.id for entry in to_draw), drawn, strict=True))
    return [replace(entry, split=by_id.get(entry.id, entry.split)) for entry in entries], []


def _too_few(path: Path, entries: Sequence[Entry], shares: dict[str, float]) -> list[str]:
    if entries[0].group is not None:
        return []  # groups have their own rule
    least = splits.needed(shares)
    wanted = f"a split into {', '.join(['train', *shares])} needs at least {least}"
    return [
        f"{path}: class `{label}` has {count} usable clip{'s' * (count > 1)}; {wanted}"
        for label, count in sorted(Counter(entry.label for entry in entries).items())
        if count < least
    ]


def _split_faults(path: Path, entries: Sequence[Entry], declared: set[str]) -> list[str]:
    faults = []
    if "train" not in declared:
        faults.append(f"{path}: no example is in split `train`")
    if not any(split.startswith("test") for split in declared):
        faults.append(f"{path}: no example is in split `test`")
    known = {entry.label for entry in entries if entry.split == "train"}
    for label in sorted({entry.label for entry in entries} - known) if "train" in declared else []:
        faults.append(f"{path}: class `{label}` has no usable clip in split `train`")
    first: dict[str, Entry] = {}
    reported = set()
    for entry in entries:
        if entry.group is None:
            continue
        other = first.setdefault(entry.group, entry)
        if other.split != entry.split and (entry.group, entry.split) not in reported:
            reported.add((entry.group, entry.split))
            both = f"in `{other.split}` at {other.place}, and here in `{entry.split}`"
            faults.append(f"{entry.place}: group `{entry.group}` is {both}; a group must be in one split")
    return faults
