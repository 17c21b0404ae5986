"""Texts without labels, to answer for: as they stand on the command line, or in a file."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.datasets import tables
from zoo.types import BadData, UsageError


def names_a_file(argument: str) -> bool:
    """Whether an argument means a file rather than a text: there is one, or it ends like one and has no space."""
    return re.fullmatch(r"\S+\.[A-Za-z]\w{0,4}", argument) is not None or _is_file(argument)


def read_texts(argument: str, column: str = "text") -> list[tuple[str, str]]:
    """The texts that an argument means.

    Args:
      argument: A text; or the path of a file: CSV, TSV or JSON Lines with a column of texts, or, under any other name,
        one text a line, empty lines left out.
      column: Name of that column.

    Returns:
      (where it stands, text) of each: "file:line", or "" for a text that is given itself.

    Raises:
      UsageError: There is no such file, it cannot be read, it is not UTF-8 or has no text.
      BadData: A list has faults.
    """
    if not names_a_file(argument):
        return [("", argument)]
    path = Path(argument)
    if not _is_file(argument):
        raise UsageError(f"`{argument}` does not exist; give a text, or the path of a file with texts.")
    if tables.kind(path):
        rows, faults = tables.read(path, (column,))
        if faults:
            raise BadData(path, faults)
        return [(row.place, str(row.values[column])) for row in rows]
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"`{path}` is not UTF-8 (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}; give a file that you may open.") from None
    texts = [(f"{path}:{number}", line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not texts:
        raise UsageError(f"`{path}` has no text; write one a line.")
    return texts


def _is_file(argument: str) -> bool:
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):  # too long for a name, or with a null byte
        return False
