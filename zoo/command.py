"""The command line's frame: its app, what a verb is, and arguments that several verbs take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.types import UsageError

app = typer.Typer(
    help="An LSTM model zoo: recipes run by name.",
    epilog="Every command takes --verbose (show all that TensorFlow says) and --debug (the traceback of an error).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help loads in half the time
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A recipe's name, or the path of a recipe file.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Run id or its start, run name, recipe name, or latest.")]
Items = Annotated[list[str], typer.Argument(metavar="FILE", help="Your own files, or texts for a model of texts.")]
Settings = Annotated[list[str] | None, typer.Argument(metavar="SETTING=VALUE", help="See `zoo show NAME`.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, all else on standard error.")]
Sample = Annotated[bool, typer.Option("--sample", help="Use the small data set that ships with the zoo.")]
Data = Annotated[Path | None, typer.Option("--data", help="Your own data: a folder or a file.")]
ManualDir = Annotated[Path | None, typer.Option("--manual-dir", help="Folder with the publisher's archive.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of weights, shuffling and augmentation.")]
Limit = Annotated[int | None, typer.Option("--limit", help="Use at most so many examples of each split.")]
Devices = Annotated[int, typer.Option("--devices", min=1, help="Train on so many GPUs of this machine.")]
Backtest = Annotated[int | None, typer.Option("--backtest", min=1, help="Forecast so many times in a table's past.")]


def verb(example: str, **options: Any) -> Callable[[Callable], Callable]:
    """A command whose help ends with an example."""
    return app.command(epilog=f"Example: {example}", **options)


def check_source(sample: bool, data: Path | None, limit: int | None) -> None:
    """What `zoo.runs` would refuse too, said before anything heavy loads."""
    if sample and data is not None:
        raise UsageError(f"`--sample` and `--data` exclude each other, got both (--data {data}). Give one.")
    if data is not None and not data.exists():
        raise UsageError(f"`--data` must be a folder or a file, and there is none at {data}.")
    if limit is not None and limit < 1:
        raise UsageError(f"`--limit` must be at least 1 example, got {limit}.")
