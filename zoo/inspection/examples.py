"""One example of the user's, as a network takes it and as a person would recognise it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.chain import Chain
from zoo.datasets import images, ink, sequential_mnist, tables, windows
from zoo.datasets.plain_texts import names_a_file, read_texts
from zoo.forecast_files import Forecaster, forecast
from zoo.inputs.audio import read_audio
from zoo.signatures import signatures
from zoo.types import BadData, UsageError

FREQUENCIES = {"h": "h", "D": "days", "W": "weeks", "MS": "months", "ME": "months", "YS": "years", "YE": "years"}
LONGEST_NAME = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """One example.

    Attributes:
      name: Of the files that are made of it.
      title: What it is, for a person.
      values: As the chain takes it, with a batch axis.
      length: int32[1].
      extent: How long it is, in `unit`.
      unit: Of the axis along it.
      span: What one unit of the axis is in the unit that memory spans are stated in, and that unit.
      lines: Curves by name, each with its values from one end to the other.
      marks: Names of the steps, such as words, evenly from one end to the other.
      image: float[row, column] of a picture that is the example, dark 0, or None.
      along: Whether the picture's columns are the axis; else it stands by itself.
      strokes: float[point, 2] each, y growing downwards, of ink.
      told: Curves behind the end, by name, over `ahead` units.
      ahead: How long those are.
    """

    name: str
    title: str
    values: tf.Tensor
    length: tf.Tensor
    extent: float
    unit: str
    span: tuple[float, str]
    lines: dict[str, np.ndarray] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    image: np.ndarray | None = None
    along: bool = False
    strokes: tuple[np.ndarray, ...] = ()
    told: dict[str, np.ndarray] = field(default_factory=dict)
    ahead: float = 0.0


def read(chain: Chain, item: str) -> Example:
    """Reads what a model of this kind takes.

    Args:
      chain: Of the model.
      item: The path of a file, or for a model of texts or symbols a text.

    Raises:
      UsageError: It cannot be read, is of another kind, or is more than one example.
    """
    kind = chain.input.kind
    if kind == "text":
        return _text(chain, item)
    if kind == "series" and chain.input.classes and not tables.kind(Path(item)):
        return _symbols(chain, item)
    path = Path(item)
    if not path.is_file():
        raise UsageError(f"`FILE` must be a file with {chain.input}, and there is none at {item}.")
    if chain.input.series is not None:
        return _forecast(chain, path)
    return _READERS[kind](chain, path)


def _one(values: np.ndarray) -> dict[str, tf.Tensor]:
    return {"values": tf.constant(values[None]), "length": tf.constant([len(values)], tf.int32)}


def _audio(chain: Chain, path: Path) -> Example:
    samples, rate = read_audio(path, chain.input.rate_hz), chain.input.rate_hz
    return Example(
        name=_stem(path),
        title=f"{path.name}, {len(samples) / rate:.2f} s",
        extent=len(samples) / rate,
        unit="seconds",
        span=(1000.0, "ms"),
        lines={"waveform": samples},
        **_one(samples),
    )


def _single_text(chain: Chain, item: str) -> tuple[str, str]:
    found = read_texts(item, "source" if chain.task.name == "translation" else "text")
    if len(found) > 1:
        raise UsageError(f"`{item}` has {len(found)} texts, and one can be looked into; give it itself, in quotes.")
    name = (
        _stem(Path(item)) if names_a_file(item) else re.sub(r"[^a-z0-9]+", "-", item.lower())[:LONGEST_NAME].strip("-")
    )
    return found[0][1], name or "text"


def _text(chain: Chain, item: str) -> Example:
    text, name = _single_text(chain, item)
    values, length = tf.constant([text]), tf.constant([1], tf.int32)
    if hasattr(chain.frontend, "words"):
        marks = [word.decode() for word in chain.frontend.words(values)[0].numpy()]
        unit = "words"
    else:
        ids, count = chain.to_features(values, length)
        marks = [chain.features.classes[index] for index in ids[0, : int(count[0])].numpy()]
        unit = "pieces"
    marks = tuple(marks) or ("",)
    title = f"“{text[:100]}{'…' * (len(text) > 100)}”"
    return Example(
        name=name,
        title=title,
        values=values,
        length=length,
        extent=len(marks),
        unit=unit,
        span=(1.0, unit),
        marks=marks,
    )


def _symbols(chain: Chain, item: str) -> Example:
    """A row of symbols, each one character, as a model takes it that has a column for each."""
    text, name = _single_text(chain, item)
    known = chain.input.classes
    for place, symbol in enumerate(text, 1):
        if symbol not in known:
            raise UsageError(f"`FILE` must be symbols among {' '.join(known)}, and number {place} is {symbol!r}.")
    values = np.eye(len(known), dtype=np.float32)[[known.index(symbol) for symbol in text]]
    title = f"{len(text)} symbols"
    return Example(
        name=name, title=title, extent=len(text), unit="steps", span=(1.0, "steps"), marks=tuple(text), **_one(values)
    )


def _series(chain: Chain, path: Path) -> Example:
    if tables.kind(path):
        return _table(chain, path)
    if chain.input.axes[0] == "pixel":
        return _pixels(chain, path)
    raise UsageError(f"`{path}` is no table; this model takes {chain.input}, as a {', '.join(tables.KINDS)} file.")


def _table(chain: Chain, path: Path) -> Example:
    rows, faults = tables.read(path, ())
    wanted = chain.input.shape[1]
    names = list(rows[0].values) if rows else []
    if rows and len(names) != wanted:
        faults.append(f"{path}: has {len(names)} columns ({', '.join(names)[:100]}), and the model takes {wanted}")
    values = np.zeros((len(rows), wanted), np.float32)
    for index, row in enumerate(rows if not faults else ()):
        try:
            values[index] = [float(row.values[name]) for name in names]
        except (KeyError, TypeError, ValueError):
            faults.append(f"{row.place}: must have a number in each of {', '.join(names)}")
    if not np.isfinite(values).all():
        faults.append(f"{path}: has values that are not finite numbers")
    if faults:
        raise BadData(path, faults)
    lines = {name: values[:, column] for column, name in enumerate(names)}
    title = f"{path.name}, {len(rows)} steps"
    return Example(
        name=_stem(path), title=title, extent=len(rows), unit="steps", span=(1.0, "steps"), lines=lines, **_one(values)
    )


def _pixels(chain: Chain, path: Path) -> Example:
    grey = tf.io.decode_png(images.read_image(path), 1)[:, :, 0].numpy() / np.float32(255)
    values = grey.reshape(-1, 1)
    scrambled = chain.input.name == sequential_mnist.SCRAMBLED
    if scrambled:
        values = values[sequential_mnist.order(len(values))]
    return Example(
        name=_stem(path),
        title=f"{path.name}, {grey.shape[1]} x {grey.shape[0]} pixels, {'scrambled' if scrambled else 'line by line'}",
        extent=len(values),
        unit="pixels",
        span=(1.0, "pixels"),
        lines={"grey": values[:, 0]},
        image=grey,
        **_one(values),
    )


def _image(chain: Chain, path: Path) -> Example:
    """A line of text, shown as its columns are read: margins cut off, scaled, ink dark."""
    values, length = tf.constant([images.read_image(path)]), tf.constant([1], tf.int32)
    columns, count = chain.to_features(values, length)
    return Example(
        name=_stem(path),
        title=path.name,
        values=values,
        length=length,
        extent=max(1, int(count[0])),
        unit="columns",
        span=(1.0, "columns"),
        image=1 - columns[0, : int(count[0])].numpy().T,
        along=True,
    )


def _ink(chain: Chain, path: Path) -> Example:
    found = ink.read(path)
    if len(found) != 1:
        raise UsageError(f"`{path}` has {len(found)} inks, and one can be looked into; give a file with one.")
    points = found[0][1]
    strokes = tuple(ink.strokes_of(points))
    _, steps = chain.to_features(*_one(points).values())
    return Example(
        name=_stem(path),
        title=f"{path.name}, {len(strokes)} strokes, {len(points)} points",
        extent=max(1, int(steps[0])),
        unit="steps along the ink",
        span=(1.0, "steps"),
        strokes=strokes,
        **_one(points),
    )


def _forecast(chain: Chain, path: Path) -> Example:
    """The last window of a table, with what is told behind it; of several series the first."""
    series, back = chain.input.series, windows.look_back(chain.input)
    signature = signatures(chain.input)["serving_default"]
    asked: list[tuple[tf.Tensor, tf.Tensor]] = []

    def call(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        values, length = signature.to_raw(*(inputs[spec.name] for spec in signature.inputs))
        asked.append((values, length))
        return chain(values, length)

    made = forecast(Forecaster(call=call, series=series, look_back=back), path)[0]
    values, length = asked[0]
    names = made.found.table.names[: values.shape[2]]
    frequency = series.frequency.split("-")[0]
    unit = FREQUENCIES.get(frequency, f"steps of {frequency}" if frequency else "steps")
    past = values[0, :back, : len(names)].numpy()
    return Example(
        name=_stem(path),
        title=f"{path.name}, the last {back} steps of {', '.join(names[:3])}{' ...' * (len(names) > 3)}",
        values=values[:1],
        length=length[:1],
        extent=back,
        unit=unit,
        span=(1.0, unit),
        lines={name: past[:, column] for column, name in enumerate(names)},
        told={name: made.forecast[:, column] for column, name in enumerate(names)},
        ahead=series.ahead,
    )


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or "example"


_READERS: dict[str, Callable[[Chain, Path], Example]] = {
    "audio": _audio,
    "series": _series,
    "image": _image,
    "ink": _ink,
}
