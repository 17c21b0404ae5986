"""Where prepared data lives."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.types import UsageError


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
