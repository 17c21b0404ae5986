"""Handwriting as the pen wrote it: strokes, the points that they become, and the `tf.data` that reads them."""

from __future__ import annotations

import hashlib
import itertools
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.datasets import tables
from zoo.types import BadData, Spec, UsageError

if TYPE_CHECKING:
    import tensorflow as tf

INPUT = Spec(name="points", kind="ink", shape=(None, 3), dtype="float32", axes=("point", "value"))
TEXT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())  # what was written, of a transcription
MOST_POINTS = 50_000  # of one ink; a page has less
EXAMPLE = '{"strokes": [[[x, y], ...], ...]}'
LARGEST = 1e6  # coordinate; there float32 is exact to a sixteenth


@dataclass(frozen=True)
class Ink:
    """One piece of handwriting.

    Args:
      id: Names it within its data set.
      points: float32[point, 3]: x, y growing downwards, and 1 at the last point of a stroke, else 0.
      target: Index of its class, or the text that was written.
    """

    id: str
    points: np.ndarray
    target: int | str


def points_of(strokes: Any) -> np.ndarray:
    """Points float32[point, 3] of strokes, as they come from JSON.

    Args:
      strokes: `[[[x, y], ...], ...]`, in the order written, y growing downwards; a third value of a point, its time in
        milliseconds, is dropped.

    Returns:
      x, y and pen-up: 1 at the last point of each stroke, else 0.

    Raises:
      ValueError: They are not that; the message is a reason that fits behind a place.
    """
    if not isinstance(strokes, list):
        raise ValueError(f"`strokes` must be a list of strokes, each a list of points, got {reprlib.repr(strokes)}")
    if not strokes:
        raise ValueError("has no stroke")
    rows = []
    for number, stroke in enumerate(strokes, 1):
        if not isinstance(stroke, list):
            raise ValueError(f"stroke {number} must be a list of points [x, y], got {reprlib.repr(stroke)}")
        if not stroke:
            raise ValueError(f"stroke {number} has no point")
        rows.append(_stroke(number, stroke))
    count = sum(map(len, rows))
    if count > MOST_POINTS:
        raise ValueError(f"has {count:,} points, an ink may have {MOST_POINTS:,}; cut it into several")
    return np.concatenate(rows)


def _stroke(number: int, stroke: list[Any]) -> np.ndarray:
    places = _places(stroke)
    if places is None:
        raise ValueError(f"stroke {number}, {_fault(stroke)}")
    points = np.zeros((len(stroke), 3), np.float32)
    points[:, :2] = places
    points[-1, 2] = 1
    return points


def _places(stroke: list[Any]) -> np.ndarray | None:
    """float64[point, 2], or None where a point is wrong; not one by one, for there may be millions of points."""
    if set(map(type, stroke)) != {list} or not set(map(len, stroke)) <= {2, 3}:
        return None
    if not set(map(type, itertools.chain.from_iterable(stroke))) <= {int, float}:
        return None
    try:
        places = np.array([point[:2] for point in stroke], np.float64)
    except OverflowError:  # a whole number that no float holds
        return None
    return places if (np.abs(places) <= LARGEST).all() else None  # which NaN is not


def _fault(stroke: list[Any]) -> str:
    """What is wrong with the first wrong point."""
    for place, point in enumerate(stroke, 1):
        if not isinstance(point, list) or len(point) not in (2, 3):
            return f"point {place} must be [x, y] or [x, y, ms], got {reprlib.repr(point)}"
        if not {type(value) for value in point} <= {int, float}:
            return f"point {place} must have numbers only, got {reprlib.repr(point)}"
        if not all(-LARGEST <= value <= LARGEST for value in point[:2]):
            return f"point {place} must have numbers from {-LARGEST:,.0f} to {LARGEST:,.0f}, got {reprlib.repr(point)}"
    raise AssertionError("a point is wrong")


def strokes_of(points: np.ndarray) -> list[np.ndarray]:
    """The strokes float32[point, 2] of points float32[point, 3]; the last one ends with the ink, pen up or not."""
    ends = np.flatnonzero(points[:-1, 2] > 0) + 1
    return [stroke[:, :2] for stroke in np.split(points, ends) if len(stroke)]


def read(path: Path) -> list[tuple[str, np.ndarray]]:
    """Inks to answer for, from a JSON Lines file, plain or gzipped, of `{"strokes": [[[x, y], ...], ...]}`.

    Returns:
      ("file:line", float32[point, 3]) of each; whatever else a line has is not read.

    Raises:
      UsageError: There is no such file, or it is no JSON Lines file.
      BadData: With every fault of the file.
    """
    if not path.is_file() or tables.kind(path) != ".jsonl":
        wrong = "must be JSON Lines (.jsonl or .jsonl.gz)" if path.is_file() else "does not exist"
        raise UsageError(f"`{path}` {wrong}; give a file with one ink a line, {EXAMPLE}.")
    rows, faults = tables.read(path, ("strokes",))
    inks = []
    for row in rows:
        try:
            inks.append((row.place, points_of(row.values["strokes"])))
        except ValueError as reason:
            faults.append(f"{row.place}: {reason}")
    if faults:
        raise BadData(path, faults)
    return inks


def as_dataset(inks: Sequence[Ink]) -> tf.data.Dataset:
    """Inks as `{"id": string[], "input": float32[point, 3], "target": int64[] or string[]}`, in the order given.

    All points stand in one tensor, 12 bytes each.
    """
    import tensorflow as tf

    lengths = np.array([len(ink.points) for ink in inks], np.int64)
    points = tf.constant(np.concatenate([ink.points for ink in inks]))
    targets = [ink.target for ink in inks]
    columns = {
        "id": [ink.id for ink in inks],
        "start": np.cumsum(lengths) - lengths,
        "stop": np.cumsum(lengths),
        "target": targets if isinstance(targets[0], str) else np.array(targets, np.int64),
    }

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        values = tf.ensure_shape(points[row["start"] : row["stop"]], INPUT.shape)
        return {"id": row["id"], "input": values, "target": row["target"]}

    return tf.data.Dataset.from_tensor_slices(columns).map(example)


def fingerprint(inks: Sequence[Ink]) -> str:
    """Sixteen hexadecimal digits that change with any id, point or target, or with their order."""
    digest = hashlib.sha256()
    for ink in inks:
        digest.update(f"{ink.id}\t{ink.target}\t{len(ink.points)}\n".encode())
        digest.update(np.ascontiguousarray(ink.points).tobytes())
    return digest.hexdigest()[:16]
