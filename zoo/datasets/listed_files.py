"""Files of the user's, each an example: listed, not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.datasets import splits, tables


@dataclass(frozen=True, kw_only=True)
class Entry(splits.Entry):
    """One listed example and its file."""

    file: Path


@dataclass(frozen=True, kw_only=True)
class Transcribed(Entry):
    """One listed file and its text, white space as one space."""

    text: str


def transcripts(path: Path) -> tuple[list[Transcribed], list[str]]:
    """Files with their texts, from lists with `path,text`, and the faults of the other rows."""
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


def duplicates(entries: Sequence[Entry]) -> list[str]:
    """Faults of files that are listed more than once."""
    first: dict[Path, str] = {}
    faults = []
    for entry in entries:
        place = first.setdefault(entry.file.resolve(), entry.place)
        if place != entry.place:
            faults.append(f"{entry.place}: `{entry.id}` is listed twice, first at {place}")
    return faults
