"""Answers from a run's export: for files in this process, and over HTTP through MLflow's scoring server."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from zoo import forecast_files, tracking
from zoo.backtest import backtest
from zoo.datasets.images import read_image
from zoo.export import export_of
from zoo.forecast_files import Forecaster
from zoo.listening import listen
from zoo.signatures.ink import pack
from zoo.types import UsageError

BATCH = 32


@dataclass(frozen=True)
class Model:
    """An export that answers for the user's own files or texts.

    Attributes:
      folder: Of the SavedModel.
      about: What it takes: `kind` and `rate_hz` of its input.
      signatures: Of the loaded SavedModel.
    """

    folder: Path
    about: dict[str, Any]
    loaded: Any

    @classmethod
    def load(cls, run: str = "latest") -> Model:
        """Loads the export of a run, or an export folder.

        Args:
          run: Run id, unique prefix, name, "latest", a recipe's name, or the path of an exported folder.

        Raises:
          UsageError: There is no such run or folder.
          RunError: The run has no proved export.
        """
        folder = Path(run) if (Path(run) / "saved_model.pb").exists() else export_of(tracking.find(run))
        description = folder / "model.json"
        if not description.exists():
            raise UsageError(f"`{folder}` must be an export of the zoo, and it has no model.json. Use `zoo export`.")
        return cls(folder, json.loads(description.read_text()), tf.saved_model.load(str(folder)))

    def predict(self, items: Sequence[str | Path]) -> list[dict[str, Any]]:
        """Answers for files or texts, in order.

        Args:
          items: Paths of audio files, of any rate and channel count; or for a model of texts, texts and paths of files
            with texts, as of `zoo.datasets.plain_texts.read_texts`; for a model of ink, JSON Lines files, as of
            `zoo.datasets.ink.read`.

        Returns:
          For each file or text `{"file": path, ...}`, `{"text": text, ...}` or both, `{"file": "path:line", "text":
          ...}`, for each ink `{"file": "path:line", ...}`, with the outputs of the model: `label`, `score`, `scores` by
          class, ... For a table of series `{"file": path, "time": [...], "forecast": {series: [...]}}`, of a long file
          one for each series, and `quantiles` where there are some.

        Raises:
          UsageError: A file cannot be read, all of them are named; or the model takes no files.
        """
        if self.about.get("series"):
            return [row for rows in _each(self._continued, map(Path, items)) for row in rows]
        examples, faults = [], []
        for item in items:
            try:
                examples += self._read(item)
            except UsageError as error:
                faults.append(str(error))
        if faults:
            raise UsageError("\n".join(faults))
        rows = []
        for at in range(0, len(examples), BATCH):
            rows += self._answer([example for _, example in examples[at : at + BATCH]])
        return [{**named, **row} for (named, _), row in zip(examples, rows, strict=True)]

    def listen(self, item: str | Path) -> Iterator[dict[str, Any]]:
        """Answers to an audio file as if it were heard now.

        Args:
          item: Path of the file.

        Returns:
          Rows as of `zoo.listening.listen`, each with the path as `file`.

        Raises:
          UsageError: The model needs the whole sound, or the file cannot be read.
        """
        if not self.about.get("stream"):
            reason = self.about.get("no_stream", "it is no transcriber of speech. Take a recipe for that")
            raise UsageError(
                f"`--stream` needs a model that answers while it listens, and {self.folder} cannot: {reason}."
            )
        [(named, samples)] = self._read(item)
        rows = listen(self.loaded.signatures["stream"], self.about["stream"], samples, self.about["rate_hz"])
        return ({**named, **row} for row in rows)

    def forecaster(self) -> Forecaster:
        """The same export as one that continues tables.

        Raises:
          UsageError: It does not forecast.
        """
        if not self.about.get("series"):
            raise UsageError(f"`{self.folder}` must forecast series, and it takes {self.about['input']}.")
        return Forecaster.of(self.loaded, self.about)

    def _continued(self, path: Path) -> list[dict[str, Any]]:
        rows = []
        for each in forecast_files.forecast(self.forecaster(), path):
            told = {"forecast": each.forecast} | ({} if each.quantiles is None else {"quantiles": each.quantiles})
            by_series = {
                output: {name: values[:, column].tolist() for column, name in enumerate(each.found.table.names)}
                for output, values in told.items()
            }
            rows.append({"file": str(path), "time": list(each.times), **by_series})
        return rows

    def _read(self, item: str | Path) -> list[tuple[dict[str, str], np.ndarray | bytes]]:
        """What names each example in the answer, and the raw example."""
        if self.about["kind"] == "audio":
            from zoo.inputs.audio import read_audio

            return [({"file": str(item)}, read_audio(item, self.about["rate_hz"]))]
        if self.about["kind"] == "image":
            return [({"file": str(item)}, read_image(item))]
        if self.about["kind"] == "text":
            from zoo.datasets.plain_texts import read_texts

            texts = read_texts(str(item), "source" if self.about["task"] == "translation" else "text")
            return [
                ({"file": place, "text": text} if place else {"text": text}, text.encode()) for place, text in texts
            ]
        if self.about["kind"] == "ink":
            from zoo.datasets.ink import read

            return [({"file": place}, points) for place, points in read(Path(item))]
        raise UsageError(f"`{item}` cannot be read for this model: it takes {self.about['input']}, see README.")

    def _answer(self, examples: list[np.ndarray | bytes]) -> list[dict[str, Any]]:
        if self.about["kind"] in ("text", "image"):
            outputs = self.loaded.signatures["serving_default"](**{self.about["kind"]: tf.constant(examples)})
        elif self.about["kind"] == "ink":
            points = {name: tf.constant(value) for name, value in pack(examples).items()}
            outputs = self.loaded.signatures["serving_default"](**points)
        else:
            outputs = self.loaded.signatures["samples"](**padded(examples))
        columns = {name: value.numpy().tolist() for name, value in outputs.items()}
        return [
            {name: self._shown(name, values[row]) for name, values in columns.items()} for row in range(len(examples))
        ]

    def _shown(self, name: str, value: Any) -> Any:
        if name == "scores":
            return dict(zip(self.about["classes"], (round(score, 6) for score in value), strict=True))
        return value.decode() if isinstance(value, bytes) else value


def predict(
    run: str, items: Sequence[str], cutoffs: int | None = None, stream: bool = False
) -> Iterable[dict[str, Any]]:
    """What `zoo predict` prints: answers for files or texts; of tables of series, what was written about them.

    Args:
      run: As of `Model.load`.
      items: As of `Model.predict`.
      cutoffs: From how many cut-offs in the past of tables to forecast, instead of from their ends.
      stream: Hear audio files as if they came in live.

    Returns:
      As of `Model.predict`; for tables as of `continue_tables`, and of a stream what is known as it comes in.

    Raises:
      UsageError: As of `Model` and `continue_tables`, or there are cut-offs and the model does not forecast.
    """
    model = Model.load(run)
    if stream:
        return itertools.chain.from_iterable(model.listen(item) for item in items)
    if not cutoffs and not model.about.get("series"):
        return model.predict(items)
    return continue_tables(model.forecaster(), [Path(item) for item in items], cutoffs)


def continue_tables(model: Forecaster, paths: Sequence[Path], cutoffs: int | None = None) -> list[dict[str, Any]]:
    """Writes what follows the user's tables into the current folder, or how well cut-offs in their past were told.

    Args:
      model: Forecasts.
      paths: Of the tables.
      cutoffs: How many, to look back instead of ahead.

    Returns:
      For each table the files written and the times told; with cut-offs a row for each, as of `zoo.backtest.backtest`.

    Raises:
      UsageError: With every fault of every file; or two tables have the same name, and what is written would too.
    """
    names = [forecast_files.stem(path) for path in paths]
    twice = [path for path, name in zip(paths, names, strict=True) if names.count(name) > 1]
    if twice:
        same = ", ".join(f"`{path}`" for path in twice)
        raise UsageError(f"`FILE` must have names of their own, for what is written; {same} have not. Rename one.")
    if cutoffs:
        tested = _each(lambda path: backtest(model, path, cutoffs, Path()), paths)
        return [{"file": str(path), **row} for path, rows in zip(paths, tested, strict=True) for row in rows]
    rows = []
    for path, made in zip(paths, _each(lambda path: forecast_files.forecast(model, path), paths), strict=True):
        table, picture = forecast_files.write(path, made, Path())
        ends = {"from": made[0].times[0], "to": made[0].times[-1]}
        rows.append({"file": str(path), "forecast": str(table), "picture": str(picture), **ends})
    return rows


def _each(made: Callable[[Path], Any], paths: Iterable[Path]) -> list[Any]:
    """What is made of each file; if some have faults, those of all of them are raised."""
    found, faults = [], []
    for path in paths:
        try:
            found.append(made(path))
        except UsageError as error:
            faults.append(str(error))
    if faults:
        raise UsageError("\n".join(faults))
    return found


def padded(examples: Sequence[np.ndarray]) -> dict[str, tf.Tensor]:
    """Inputs of the signature `samples`: float32[batch, sample], right-padded with zeros, and int32[batch] lengths."""
    length = np.array([len(example) for example in examples], np.int32)
    samples = np.zeros((len(examples), max(length)), np.float32)
    for row, example in zip(samples, examples, strict=True):
        row[: len(example)] = example
    return {"samples": tf.constant(samples), "length": tf.constant(length)}


def serve(run: str = "latest", host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serves a run's model over MLflow's scoring server until interrupted: POST /invocations, GET /ping, a page at /.

    Args:
      run: Run id, unique prefix, name, "latest", a recipe's name, an export's folder, or a `models:/name/version`
        address. Of the last only the SavedModel is used, no code that was logged with it is run.
      host: Address to listen on; only this machine can reach the default.
      port: TCP port.

    Raises:
      UsageError: There is no such run, or the port is taken.
      RunError: The run has no logged model.
    """
    import socket

    from zoo import served

    tracking.open_store()
    with socket.socket() as probe:
        if probe.connect_ex((host, port)) == 0:
            raise UsageError(f"`--port` must be free, and something listens on {host}:{port}. Give another.")
    if (Path(run) / "saved_model.pb").exists():
        served.serve(Path(run), host, port)
    elif run.startswith("models:/"):
        served.serve(served.fetched(run), host, port)
    else:
        run_id = tracking.find(run)
        here = tracking.folder() / "exports" / run_id
        served.serve(export_of(run_id) if here.exists() else served.fetched(f"runs:/{run_id}/model"), host, port)
