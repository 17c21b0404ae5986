"""The user's own data: one format per kind of input and task, validated whole before anything is trained."""

from __future__ import annotations

import importlib
from pathlib import Path

from zoo.datasets import tables
from zoo.types import Dataset, Spec, UsageError

READERS = {  # (kind of input, task) to the module whose `load` reads it, or to module:function
    ("audio", "classification"): "own_audio",
    ("ink", "classification"): "own_ink",
    ("ink", "transcription"): "own_ink:load_texts",
    ("text", "classification"): "own_text",
    ("text", "translation"): "own_pairs",
    ("series", "forecasting"): "own_series",
    ("audio", "transcription"): "own_utterances",
    ("image", "transcription"): "own_images",
}


def load(path: Path | str, input: Spec, task: str, seed: int = 0) -> Dataset:
    """Loads the user's own data in the format that belongs to the recipe's kind of input and task.

    Args:
      path: A folder or a list; what it must hold is said by the reader's own `load`, such as `own_audio.load`.
      input: What the recipe takes; the data is converted to it (sample rate, channels).
      task: Name of the recipe's task, such as "classification".
      seed: Of the split, where the data declares none.

    Returns:
      The data in splits, origin "own".

    Raises:
      BadData: The data has faults, all of which are in the message.
      UsageError: There is no such path, it is no folder or list, or own data of this kind is not supported.
    """
    reader = READERS.get((input.kind, task))
    if reader is None:
        known = "; ".join(f"{kind} {name}" for kind, name in READERS)
        raise UsageError(f"`--data` cannot be used for {input.kind} {task}, it works for: {known}.")
    path = Path(path).expanduser()
    if not path.exists():
        raise UsageError(f"`{path}` does not exist; give a folder or a file with your data to `--data`.")
    if path.is_file() and not tables.kind(path):
        kinds = ", ".join(tables.KINDS)
        raise UsageError(f"`{path}` is no list of examples; `--data` takes a folder or a {kinds} file.")
    module, _, function = reader.partition(":")
    return getattr(importlib.import_module(f"zoo.datasets.{module}"), function or "load")(path, input, seed)
