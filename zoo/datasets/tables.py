"""The user's lists of examples: CSV, TSV and JSON Lines, read whole, with every fault and its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import reprlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = (".csv", ".tsv", ".jsonl")
SPLITS = ("train", "val", "test")
LINE_BYTES = 1_000_000  # of one example; longer ones come from a lost line end or a file that is no list
LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # an escape in JSON can make one


@dataclass(frozen=True)
class Row:
    """One example of a list.

    Args:
      place: "file:line", where a person finds it.
      folder: Where relative paths in it start.
      values: Column to value: strings without surrounding space, from JSON Lines any other JSON value too; a `label` is
        a string or an int.
      split: As declared by the column `split` or by the name of the file, or None.
      group: As declared by the column `group`, or None.
    """

    place: str
    folder: Path
    values: Mapping[str, Any]
    split: str | None
    group: str | None


def kind(path: Path) -> str | None:
    """Which of `KINDS` a file is by its name, with or without ".gz" behind it; None for another name."""
    name = path.name.lower().removesuffix(".gz")
    return next((suffix for suffix in KINDS if name.endswith(suffix)), None)


def split_files(folder: Path) -> dict[str, list[Path]]:
    """Lists `train.*`, `val.*` and `test*.*` in a folder by split; one test is "test", several are "test_<name>"."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        stem = file.name.split(".")[0]
        if file.is_file() and kind(file) and (stem in ("train", "val") or stem.startswith("test")):
            rest = stem.removeprefix("test").strip("_- ")
            split = f"test_{rest}" if stem.startswith("test") and rest else stem
            found.setdefault(split, []).append(file)
    tests = [split for split in found if split.startswith("test")]
    if len(tests) == 1:
        found["test"] = found.pop(tests[0])
    return found


def read(path: Path, columns: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Reads a list, or a folder with one list per split.

    Args:
      path: A file of one of `KINDS`, or a folder with `split_files`. TSV knows no quotes, CSV does.
      columns: That every row must have, not empty; `split` and `group` are read where they are, others are passed on.

    Returns:
      The sound rows in the order of the files, and the faults of the others as "file:line: reason"; a folder without
      such files is a fault too.
    """
    rows: list[Row] = []
    faults: list[str] = []
    if not path.is_dir():
        _read_file(path, columns, None, rows, faults)
        return rows, faults
    found = split_files(path)
    if not found:
        faults.append(
            f"{path}: has no files train.*, val.* and test*.* ({', '.join(KINDS)}); add them, or name one file"
        )
    for split, files in found.items():
        for file in files:
            _read_file(file, columns, split, rows, faults)
        if len(files) > 1:
            faults.append(f"{files[1]}: split `{split}` has another file, {files[0].name}; keep one")
    return rows, faults


def content(file: Path) -> bytes:
    """The bytes of a file that a list names.

    Raises:
      ValueError: The reason why there are none, as half a sentence.
    """
    try:
        if not file.exists():
            raise ValueError("does not exist")
        if file.is_dir():
            raise ValueError("is a folder")
        return file.read_bytes()
    except OSError as error:
        raise ValueError(error.strerror) from None


def shorten(text: str) -> str:
    """The start of a text, on one line, to name it in a fault."""
    return " ".join(text[:60].split()) + "..." * (len(text) > 60)


def _read_file(file: Path, columns: Sequence[str], split: str | None, rows: list[Row], faults: list[str]) -> None:
    text = _text(file, faults)
    if text is None:
        return
    sound: list[Row] = []
    wrong: list[str] = []
    for line, values, reason in _json_lines(text) if kind(file) == ".jsonl" else _delimited(text, kind(file), columns):
        reason = reason or _row_fault(values, columns, split)
        place = f"{file}:{line}"
        if reason:
            wrong.append(f"{place}: {reason}")
            continue
        group = None if values.get("group") is None else str(values["group"])
        sound.append(Row(place, file.parent, values, split or values.get("split"), group))
    for column in ("split", "group"):  # in JSON Lines some rows may lack what others have
        without = [row for row in sound if getattr(row, column) is None]
        if len(without) < len(sound):
            wrong += [f"{row.place}: no value for `{column}`, which other rows have" for row in without]
    rows += sound
    faults += wrong if sound or wrong else [f"{file}: has no rows"]


def _text(file: Path, faults: list[str]) -> str | None:
    try:
        content = file.read_bytes()
        if file.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        faults.append(f"{file}: cannot be read ({error})")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        others = sum(not _is_utf8(content) for content in error.object.split(b"\n")) - 1
        more = f", nor {'are' if others > 1 else 'is'} {others} more line{'s' * (others > 1)}" if others else ""
        faults.append(f"{file}:{line}: is not UTF-8 text ({error.reason}){more}; save the file as UTF-8")
        # Wrong from the start is UTF-16 or no text at all; else the other lines may have faults of their own
        return content.decode("utf-8-sig", "replace") if error.start else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _row_fault(values: Mapping[str, Any], columns: Sequence[str], split: str | None) -> str:
    empty = [f"`{name}`" for name in columns if values.get(name) in (None, "")]
    if empty:
        return f"no value for {', '.join(empty)}"
    if split is None and "split" in values and values["split"] not in SPLITS:
        return f"unknown split `{shorten(str(values['split']))}`; it must be one of {', '.join(SPLITS)}"
    if "group" in values and values["group"] in (None, ""):
        return "no value for `group`"
    for name in ("label", "group") if "label" in columns else ("group",):
        value = values.get(name, "")
        if isinstance(value, bool) or not isinstance(value, str | int):
            return f"`{name}` must be text or a whole number, got {reprlib.repr(value)}"
    for name in (*columns, "group"):
        half = LONE_SURROGATE.search(str(values.get(name)))
        if half:
            return f"`{name}` has \\u{ord(half[0]):04x}, half a character that UTF-8 cannot hold"
        if "\0" in str(values.get(name)):
            return f"`{name}` has a NUL, which no text and no file's name has; the file may be damaged"
    return ""


Record = tuple[int, dict[str, Any], str]  # line, values, what is wrong with it


def _delimited(text: str, suffix: str, columns: Sequence[str]) -> Iterator[Record]:
    header: list[str] = []
    for line, cells, reason in _cells(text, suffix):
        if not reason and not any(cells):
            continue
        if not header:
            header = cells
            reason = reason or _header_fault(header, columns)
            if reason:
                yield line, {}, reason
                return
        elif reason:
            yield line, {}, reason
        elif len(cells) != len(header):
            remedy = '; put text that has commas in it between quotes (")' if len(cells) > len(header) else ""
            remedy = remedy if suffix == ".csv" else ""
            yield line, {}, f"has {len(cells)} cells, the header has {len(header)}{remedy}"
        else:
            yield line, dict(zip(header, cells, strict=True)), ""


def _cells(text: str, suffix: str) -> Iterator[tuple[int, list[str], str]]:
    """Line, cells and what is wrong with them; after a fault the reader starts afresh with the line behind it."""
    plain = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if suffix == ".tsv" else {"skipinitialspace": True}
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, **plain)
    before = csv.field_size_limit(max(1, len(text)))  # the limit here is LINE_BYTES, csv's own is 128 KiB
    try:
        while True:
            line = reader.line_num + 1
            try:
                cells = [cell.strip() for cell in next(reader)]
            except StopIteration:
                return
            except csv.Error as error:
                yield (
                    line,
                    [],
                    f"is not {suffix[1:].upper()}: {error}; close every quote, and double those inside quotes",
                )
            else:
                yield line, cells, _length_fault("".join(cells))
    finally:
        csv.field_size_limit(before)


def _length_fault(content: str) -> str:
    size = len(content.encode())
    if size <= LINE_BYTES:
        return ""
    return f"has {size:,} bytes, an example may have {LINE_BYTES:,}; shorten it, or make several examples of it"


def _header_fault(header: list[str], columns: Sequence[str]) -> str:
    missing = [f"`{name}`" for name in columns if name not in header]
    if missing:
        shown = ", ".join(header)
        return f"no column {', '.join(missing)}; the first line must name the columns, it has: {shown[:100]}"
    twice = sorted({name for name in header if header.count(name) > 1})
    return f"column `{twice[0]}` is there twice" if twice else ""


def _json_lines(text: str) -> Iterator[Record]:
    for line, content in enumerate(re.split(r"\r?\n", text), 1):  # not splitlines: U+2028 may stand inside a string
        if not content.strip():
            continue
        reason = _length_fault(content)
        if reason:
            yield line, {}, reason
            continue
        try:
            values = json.loads(content)
        except (ValueError, RecursionError) as error:
            yield line, {}, f"is not JSON: {error}"
            continue
        if isinstance(values, dict):
            yield line, {key: value.strip() if isinstance(value, str) else value for key, value in values.items()}, ""
        else:
            yield line, {}, f"must be a JSON object, got a {type(values).__name__}"
