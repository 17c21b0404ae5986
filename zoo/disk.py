"""A full disk is one line."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.types import Halted

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SAYINGS = (*(os.strerror(number) for number in FULL), "database or disk is full")  # as TensorFlow and SQLite pass it on


@contextlib.contextmanager
def room(what: str, folder: Path) -> Iterator[None]:
    """Makes one line of running out of room inside.

    Args:
      what: Is written inside.
      folder: Where to.

    Raises:
      Halted: There was no room.
    """
    try:
        yield
    except Exception as error:  # TensorFlow, SQLite and TFDS each wrap the system's error in one of their own
        reason = full(error)
        if reason is None or isinstance(error, Halted):
            raise
        raise Halted(
            f"there is no room for {what} in {folder} ({reason}, {_free(folder)} free); free some, and run again"
        ) from error


def full(error: BaseException) -> str | None:
    """How the system says that a disk, a quota or a file is full, where that is what an error or its cause says."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FULL:
            return os.strerror(seen.errno)
        found = next((saying for saying in SAYINGS if saying in str(seen)), None)
        if found is not None:
            return found
        seen = seen.__cause__ or seen.__context__
    return None


def _free(folder: Path) -> str:
    existing = next((place for place in (folder, *folder.parents) if place.exists()), Path.cwd())
    return f"{shutil.disk_usage(existing).free / 2**20:.0f} MiB"
