"""What the commands print: tables and lines for people on a terminal, JSON for programs, and silence from libraries."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from typer.exceptions import TyperException

from zoo.credentials import hidden
from zoo.disk import full
from zoo.types import Header, RunError, RunResult, UsageError

# rich folds a table to 80 columns where it sees no terminal, which would break lines for `grep`.
PIPED_WIDTH = 320
MOST_NAMES = 150  # characters of a list on one line


def quiet() -> None:
    """Hides what TensorFlow, CUDA, absl and MLflow say beside results; call before they are imported."""
    for name, value in {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_minloglevel": "3"}.items():
        os.environ.setdefault(name, value)
    for name in ("tensorflow", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(mlflow|tensorflow|keras)\.")


def _load_tensorflow() -> None:
    """Imports TensorFlow; after `quiet`, without the lines that it writes whatever the log level is.

    Those come from C++ before its logging is set up, so only a closed standard error keeps them away. They are shown
    after all when the import fails.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
        importlib.import_module("tensorflow")
        return
    with tempfile.TemporaryFile() as said:
        try:
            with _moved(2, said.fileno()):
                importlib.import_module("tensorflow")
        except BaseException:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise


@contextlib.contextmanager
def _moved(descriptor: int, to: int) -> Iterator[None]:
    """Makes a file descriptor of this process mean another one inside, for C++ and child processes too."""
    stream = sys.stdout if descriptor == 1 else sys.stderr
    stream.flush()
    kept = os.dup(descriptor)
    os.dup2(to, descriptor)
    try:
        yield
    finally:
        stream.flush()
        os.dup2(kept, descriptor)
        os.close(kept)


def explain(error: Exception) -> tuple[int, str]:
    """The exit code and the one line that an error gets; the user's data gets a line for each fault."""
    if isinstance(error, UsageError):
        return 2, f"error: {error}"
    if isinstance(error, TyperException):
        text = error.format_message().rstrip()
        text += "" if text.endswith(".") else "."
        if text.startswith("No such option"):
            text += " A recipe's settings are written setting=value."
        return 2, text if "\n" in text else f"error: {text} See `zoo --help`."
    no_room = None if isinstance(error, RunError) else full(error)
    if no_room:
        return 1, f"error: there is no room on the disk ({no_room}); free some, and run again"
    kind = "" if isinstance(error, RunError) else f"{type(error).__name__}: "
    line = next(iter(str(error).strip().splitlines()), "no reason given")
    return 1, f"error: {kind}{hidden(line)} (run again with --debug for the traceback)"


def results_only() -> contextlib.AbstractContextManager[None]:
    """Sends all that is written to standard output inside to standard error, so that only the result is left there."""
    return _moved(1, 2)


@contextlib.contextmanager
def tensorflow_loaded() -> Iterator[None]:
    """The same, with TensorFlow imported in silence first."""
    with results_only():
        _load_tensorflow()
        yield


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def markdown(headers: Mapping[str, Header]) -> str:
    """The recipes as a table in Markdown: name, what it learns, data with licence, and result.

    Args:
      headers: By the recipe's name.
    """
    rows = [
        (f"`{name}`", header.summary, f"{header.data} ({header.licence})", header.result)
        for name, header in headers.items()
    ]
    lines = [("recipe", "what it is", "data", "result"), ("---",) * 4, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A table on standard output: numbers to four digits, nothing for None.

    Args:
      headings: One a column.
      rows: Cells.
      title: A line above it.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def cell(value: Any) -> str:
    """A value as tables show it."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def print_recipe(file: Path, header: Header) -> None:
    """What a recipe says of itself."""
    print(f"{header.summary}\n")
    for heading in ("data", "licence", "model", "result", "command"):
        print(f"{heading:9}{getattr(header, heading)}")
    print(f"{'file':9}{file}\n")


def print_result(result: RunResult | None, as_json: bool = False) -> None:
    """How a run ends: metrics beside the baseline's, where everything is, and what to do next; or all of it as JSON.

    Nothing of a worker that is not the chief.
    """
    if result is None:
        return
    if as_json:
        print_json(dataclasses.asdict(result))
        return
    tested = {name.removeprefix("test_"): value for name, value in result.metrics.items() if name.startswith("test_")}
    beaten = {name.removeprefix("baseline_"): value for name, value in result.baseline.items()}
    others = {name: value for name, value in result.metrics.items() if not name.startswith("test_")}
    rows: list[tuple[Any, ...]] = [(name, value, beaten.get(name)) for name, value in tested.items()]
    rows += [(name, value, None) for name, value in others.items()]
    print_table(("metric", "test" if tested else "validation", "baseline"), rows)
    print()
    lines = {
        "run": f"{result.name} ({result.run_id})",
        "data": result.data if result.data != "sample" else "sample, so no figure here is a real result",
        "kernels": _grouped(result.kernels),
        "seconds": cell(result.seconds),
        "export": f"{_short(result.export)}, proof {result.proof}" if result.export else "none",
    }
    for name, text in lines.items():
        print(f"{name:9}{text}")
    print("\nnext     " + "\n         ".join(_next(result)))


def _next(result: RunResult) -> list[str]:
    about = Path(result.export or "", "model.json")
    model = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    example = {"audio": "my.wav", "ink": "ink.jsonl", "text": '"What a film!" texts.txt'}.get(model.get("kind"))
    example = "my.csv" if model.get("series") else example
    return [
        *([f"zoo predict latest {example}"] if example else []),
        *(["zoo serve latest"] if result.export else []),
        "zoo ui",
    ]


def _grouped(kernels: Mapping[str, str]) -> str:
    layers: dict[str, int] = {}
    for kernel in kernels.values():
        layers[kernel] = layers.get(kernel, 0) + 1
    return "; ".join(f"{count} LSTM layer{'s' * (count > 1)} on {kernel}" for kernel, count in layers.items())


def _short(path: str) -> str:
    folder = Path(path)
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else path


def print_runs(rows: Sequence[Mapping[str, Any]], store: str) -> None:
    """Runs of a store, newest first; those on samples apart, since no figure of theirs is a result."""
    if not rows:
        print(f"no such run in {store}; start one with `zoo run NAME --sample`")
    apart = [row for row in rows if row["data"] == "sample"]
    for title, some in (("", [row for row in rows if row["data"] != "sample"]), ("on samples", apart)):
        if some:
            headings = ("id", "name", "recipe", "data", "status", "started", "seconds", "test (baseline)")
            print_table(headings, (_run_row(row) for row in some), title)


def _run_row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    metrics = row["metrics"]
    tested = [
        f"{name} {cell(metrics[f'test_{name}'])} ({cell(value)})"
        for name, value in ((name.removeprefix("baseline_"), value) for name, value in metrics.items())
        if f"baseline_{name}" in metrics and f"test_{name}" in metrics
    ]
    started = datetime.fromtimestamp(row["started"] / 1000).strftime("%Y-%m-%d %H:%M")
    plain = (row[name] for name in ("name", "recipe", "data", "status"))
    return row["run_id"][:8], *plain, started, row["seconds"], ", ".join(tested)


def print_comparison(found: Mapping[str, Any]) -> None:
    """Runs side by side: settings that differ, then metrics."""
    headings = [f"{row['name']} {row['run_id'][:8]}" for row in found["runs"]]
    for title in ("settings", "metrics"):
        rows = [(name, *values) for name, values in found[title].items()]
        print_table((title, *headings), rows or [("none differ", *("" for _ in headings))])
    from zoo.comparison_page import SPREAD, called, sentence, spread_of

    for group in found["groups"]:
        of, spread = spread_of(group)
        print_table(("over seeds", *SPREAD.values()), spread, title=of)
    names = called(found["runs"])
    for pair in found["pairs"]:
        one, other = (names[run_id] for run_id in pair["runs"])
        print(f"{other} against {one}: {sentence(pair)}")


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= MOST_NAMES else f"{text[:MOST_NAMES].rpartition(',')[0]}, ..."


def print_inspection(found: Mapping[str, Any]) -> None:
    """What `zoo.inspection.inspect` found: a row for each layer, the answer and the files."""
    columns = ("layer", "units", "steps", "median span", "off by")
    names = ("layer", "units", "steps", "median_span", "difference")
    rows = [[layer[name] for name in names] for layer in found["layers"]]
    for row, layer in zip(rows, found["layers"], strict=True):
        row[3] = f"{cell(layer['median_span'])} {layer['span_unit']}"
    print_table(columns, rows)
    print()
    for name in ("answer", "picture", "page"):
        print(f"{name:9}{found[name]}")


def print_data(about: Mapping[str, Any]) -> None:
    """What `zoo.runs.data` found: facts line by line, then a table of splits and one of classes."""
    for name, value in about.items():
        if name != "splits" and value:
            print(f"{name:12} {_listed(value) if isinstance(value, list) else value}")
    print()
    splits = about["splits"]
    columns = [name for name in next(iter(splits.values())) if name != "classes"]
    print_table(("split", *columns), ((split, *(row[name] for name in columns)) for split, row in splits.items()))
    counts = {split: row["classes"] for split, row in splits.items() if "classes" in row}
    if counts:
        classes = next(iter(counts.values()))
        print()
        print_table(("class", *counts), ((name, *(row[name] for row in counts.values())) for name in classes))
