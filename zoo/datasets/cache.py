"""Where prepared data lives, and whether it is as it was made."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from pathlib import Path

from zoo.types import UsageError

SEAL = "checksums.json"
COMPARED_BYTES = 2 << 30  # a few seconds' worth


def cache_dir() -> Path:
    """The folder for prepared data and features: `ZOO_CACHE`, or `~/.cache/zoo`; made where it is missing.

    Raises:
      UsageError: The folder cannot be made or written to.
    """
    folder = Path(os.environ.get("ZOO_CACHE") or Path.home() / ".cache" / "zoo").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        raise UsageError(f"`{folder}` cannot be made: {reason}; set `ZOO_CACHE` to a folder you may write.") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"`{folder}` cannot be written to; set `ZOO_CACHE` to a folder you may write.")
    return folder


def seal(folder: Path) -> None:
    """Notes size and SHA-256 of every file of a folder, in its `checksums.json`; for `is_sound`."""
    sums = {str(file.relative_to(folder)): [file.stat().st_size, checksum(file)] for file in _files(folder)}
    partial = folder / f".{SEAL}"
    partial.write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / SEAL)


def is_sound(folder: Path) -> bool:
    """Whether a folder's files are those that `seal` saw; of more than 2 GiB only the sizes are compared.

    What lies behind those is guarded by TensorFlow, which keeps a checksum of each record.
    """
    try:
        sums = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        names = {str(file.relative_to(folder)) for file in _files(folder)}
        if names != set(sums) or any((folder / name).stat().st_size != size for name, (size, _) in sums.items()):
            return False
        small = sum(size for size, _ in sums.values()) <= COMPARED_BYTES
        return not small or all(checksum(folder / name) == expected for name, (_, expected) in sums.items())
    except (OSError, ValueError, TypeError):
        return False


def discard(folder: Path, what: str) -> None:
    """Removes what is not sound, with a word on standard error."""
    logging.getLogger(__name__).warning("%s in %s are damaged and are made again", what, folder)
    shutil.rmtree(folder)


def checksum(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name not in (SEAL, f".{SEAL}"))
