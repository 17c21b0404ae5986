"""Checkpoints on disk: written whole or not at all, verified when read, the last two kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zoo.datasets.cache import checksum
from zoo.disk import room

KEPT = 2  # so that there is one to go back to where the last is torn
PARTIAL = ".partial"


@dataclass(frozen=True)
class Snapshot:
    """What a training is at one moment.

    Attributes:
      arrays: By name; names end in the place of the array in its list.
      state: What JSON can hold.
    """

    arrays: Mapping[str, np.ndarray]
    state: Mapping[str, Any]

    def listed(self, name: str) -> list[np.ndarray]:
        """The arrays `name/0`, `name/1`, ... in order."""
        count = sum(key.startswith(f"{name}/") for key in self.arrays)
        return [self.arrays[f"{name}/{index}"] for index in range(count)]


def write(snapshot: Snapshot, stream: BinaryIO) -> None:
    """Writes a snapshot as an npz file of numpy's."""
    np.savez(stream, state=np.array(json.dumps(snapshot.state)), **snapshot.arrays)


def read(stream: BinaryIO) -> Snapshot:
    """The snapshot that `write` wrote."""
    with np.load(stream, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files if name != "state"}
        return Snapshot(arrays, json.loads(str(stored["state"])))


class Checkpoints:
    """The checkpoints of one run, files `<number>-<SHA-256 of the file>.npz` that numpy can read.

    Args:
      folder: Where they are; made at the first save.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, snapshot: Snapshot) -> Path:
        """Writes a checkpoint under another name, forces it to disk, and only then gives it its own name.

        Returns:
          The file.

        Raises:
          RunError: There is no room; the checkpoints before are as they were.
        """
        files = self.files()
        number = 1 + (int(files[-1].name.split("-")[0]) if files else 0)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / PARTIAL
        try:
            with room("a checkpoint", self.folder), partial.open("wb") as stream:
                write(snapshot, stream)
                stream.flush()
                os.fsync(stream.fileno())
            place = self.folder / f"{number:08d}-{checksum(partial)}.npz"
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)
        sync(self.folder)
        for old in files[: 1 - KEPT]:
            old.unlink()
        return place

    def latest(self, say: Callable[[str], None] = lambda line: None) -> Snapshot | None:
        """The newest checkpoint that is as it was written, None where there is none.

        Args:
          say: Called with a line for each that is torn and passed over.
        """
        for file in reversed(self.files()):
            if checksum(file) != file.stem.split("-")[1]:
                say(f"checkpoint {file} is torn (its SHA-256 is not that of its name); taking the one before it")
                continue
            with file.open("rb") as stream:
                return read(stream)
        return None

    def files(self) -> list[Path]:
        """Checkpoint files, oldest first."""
        return sorted(self.folder.glob("*-*.npz"))

    def remove(self) -> None:
        """Deletes all checkpoints."""
        for file in [*self.files(), self.folder / PARTIAL]:
            file.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Forces the names in a folder to disk, where the system can do that."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
