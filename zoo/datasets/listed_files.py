"""Files of the user's, each an example: listed, not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.datasets import splits


@dataclass(frozen=True, kw_only=True)
class Entry(splits.Entry):
    """One listed example and its file."""

    file: Path


def duplicates(entries: Sequence[Entry]) -> list[str]:
    """Faults of files that are listed more than once."""
    first: dict[Path, str] = {}
    faults = []
    for entry in entries:
        place = first.setdefault(entry.file.resolve(), entry.place)
        if place != entry.place:
            faults.append(f"{entry.place}: `{entry.id}` is listed twice, first at {place}")
    return faults
