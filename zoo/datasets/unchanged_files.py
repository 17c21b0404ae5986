"""Files of the user's that are read while a run goes on, and must be those that were checked before it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

from zoo.types import RunError

CHANGED = "is not what it was when the data was checked"  # behind the file's name, in the ValueError of who reads it


@contextlib.contextmanager
def unchanged() -> Iterator[None]:
    """Makes one line of a file that changed while it was in use.

    Raises:
      RunError: One did.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:  # how TensorFlow passes a ValueError on, its text inside
        found = re.search(f"`.+` {CHANGED}", str(error))
        if found is None:
            raise
        raise RunError(f"{found[0]}; leave the files alone while a run reads them, and run again.") from error
