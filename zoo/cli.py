"""The verbs: each parses, calls and prints. What they call loads inside them, so that a wrong call fails at once."""

from __future__ import annotations

import dataclasses
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo import catalog, terminal
from zoo.datasets.plain_texts import names_a_file
from zoo.setting import shown
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


def verb(example: str, **options: Any) -> Callable[[Callable], Callable]:
    """A command whose help ends with an example."""
    return app.command(epilog=f"Example: {example}", **options)


@verb("zoo list", name="list")
def list_recipes(json: Json = False) -> None:
    """List the recipes and what they reached."""
    headers, faults = {}, []
    for name in catalog.names():
        try:
            headers[name] = catalog.header(catalog.find(name))
        except UsageError as error:
            faults.append(str(error))
    if json:
        terminal.print_json([{"name": name, **dataclasses.asdict(header)} for name, header in headers.items()])
    else:
        rows = ((name, header.summary, header.result) for name, header in headers.items())
        terminal.print_table(("name", "summary", "result"), rows)
    if faults:
        raise UsageError("\n".join(faults))


@verb("zoo show spoken_digits")
def show(name: Name, json: Json = False) -> None:
    """Show what a recipe is, its settings and their defaults."""
    file = catalog.find(name)
    header, settings = catalog.header(file), catalog.settings(file)
    if json:
        described = {key: dataclasses.asdict(setting) | {"type": setting.kind} for key, setting in settings.items()}
        terminal.print_json({"name": file.stem, "file": file, **dataclasses.asdict(header), "settings": described})
        return
    print(f"{header.summary}\n")
    for heading in ("data", "licence", "model", "result", "command"):
        print(f"{heading:9}{getattr(header, heading)}")
    print(f"{'file':9}{file}\n")
    rows = ((key, setting.kind, shown(setting.default), setting.help) for key, setting in settings.items())
    terminal.print_table(("setting", "type", "default", "what it is"), rows)


@verb("zoo check spoken_digits")
def check(name: Name, json: Json = False) -> None:
    """Hold a recipe to the contract that every recipe keeps, offline, in seconds."""
    file = catalog.find(name)
    print(f"recipe {file}", file=sys.stderr, flush=True)
    with terminal.tensorflow_loaded():
        from zoo.check import check as hold

        findings = hold(file)
    if json:
        terminal.print_json([{"what": what, "ok": ok, "detail": detail} for what, ok, detail in findings])
    else:
        rows = (("ok" if ok else "FAILED", what, detail) for what, ok, detail in findings)
        terminal.print_table(("", "what", "detail"), rows)
    if not all(ok for _, ok, _ in findings):
        raise typer.Exit(1)


@verb("zoo data spoken_digits --sample")
def data(
    name: Name,
    settings: Settings = None,
    sample: Sample = False,
    data: Data = None,
    manual_dir: ManualDir = None,
    seed: Seed = 0,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Prepare a recipe's data and describe it."""
    file = catalog.find(name)
    values = catalog.parse(catalog.settings(file), settings or [])
    _check_source(sample, data, limit)
    print(f"recipe {file}", file=sys.stderr, flush=True)
    with terminal.tensorflow_loaded():
        from zoo import runs

        about = runs.data(file, sample=sample, data=data, manual_dir=manual_dir, seed=seed, limit=limit, **values)
    if json:
        terminal.print_json(about)
    else:
        terminal.print_data(about)


@verb("zoo run spoken_digits units=96 epochs=3 --seed 7 --name wide")
def run(
    name: Name,
    settings: Settings = None,
    sample: Sample = False,
    data: Data = None,
    manual_dir: ManualDir = None,
    seed: Seed = 0,
    run_name: Annotated[str | None, typer.Option("--name", help="Of the run; MLflow makes one up without.")] = None,
    limit: Limit = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Leave the test split alone, while tuning.")] = False,
    require_cudnn: Annotated[bool, typer.Option("--require-cudnn", help="Stop where there is no usable GPU.")] = False,
    json: Json = False,
) -> None:
    """Run a recipe: data, training, test, export and its proof, recorded in MLflow."""
    file = catalog.find(name)
    values = catalog.parse(catalog.settings(file), settings or [])
    _check_source(sample, data, limit)
    with terminal.tensorflow_loaded():
        from zoo import runs

        result = runs.run(
            file,
            sample=sample,
            data=data,
            manual_dir=manual_dir,
            seed=seed,
            name=run_name,
            limit=limit,
            test=not no_test,
            require_cudnn=require_cudnn,
            **values,
        )
    if json:
        terminal.print_json(dataclasses.asdict(result))
    else:
        terminal.print_result(result)


def _check_source(sample: bool, data: Path | None, limit: int | None) -> None:
    """What `zoo.runs` would refuse too, said before anything heavy loads."""
    if sample and data is not None:
        raise UsageError(f"`--sample` and `--data` exclude each other, got both (--data {data}). Give one.")
    if data is not None and not data.exists():
        raise UsageError(f"`--data` must be a folder or a file, and there is none at {data}.")
    if limit is not None and limit < 1:
        raise UsageError(f"`--limit` must be at least 1 example, got {limit}.")


@verb("zoo runs spoken_digits")
def runs(
    recipe: Annotated[str | None, typer.Argument(metavar="NAME", help="Only runs of this recipe.")] = None,
    json: Json = False,
) -> None:
    """List recorded runs, newest first."""
    with terminal.results_only():
        from zoo import tracking

        rows = tracking.runs(recipe)
    if json:
        terminal.print_json(rows)
    else:
        terminal.print_runs(rows, tracking.uri())


@verb("zoo compare latest wide")
def compare(
    references: Annotated[list[str], typer.Argument(metavar="RUN", help="Two runs or more.")],
    json: Json = False,
) -> None:
    """Compare runs: settings that differ, and metrics side by side."""
    with terminal.results_only():
        from zoo import tracking

        found = tracking.compare(references)
    if json:
        terminal.print_json(found)
    else:
        terminal.print_comparison(found)


@verb("zoo ui --port 5001")
def ui(port: Annotated[int, typer.Option("--port", min=1, max=65535, help="On 127.0.0.1.")] = 5000) -> None:
    """Open MLflow's pages on the recorded runs."""
    from zoo import tracking

    tracking.ui(port)


@verb(
    "zoo predict latest my.wav another.flac; zoo predict latest 'What a film!' reviews.txt; zoo predict latest sales.csv"
)
def predict(
    run: Run,
    items: Items,
    backtest: Annotated[
        int | None,
        typer.Option("--backtest", min=1, help="Forecast from so many cut-offs in the table's past instead."),
    ] = None,
) -> None:
    """Print the answers of a run's export for files or texts, one line of JSON each; continue tables of series."""
    missing = [item for item in items if names_a_file(item) and not Path(item).is_file()]
    if missing:
        raise UsageError(f"`FILE` must be a file, and there is none at {', '.join(missing)}.")
    with terminal.tensorflow_loaded():
        from zoo.serve import Model, continue_tables

        model = Model.load(run)
        if backtest or model.about.get("series"):
            rows = continue_tables(model.forecaster(), [Path(item) for item in items], backtest)
        else:
            rows = model.predict(items)
    for row in rows:
        terminal.print_json(row)


@verb("zoo inspect latest my.wav; zoo inspect latest 'not a good film' --beside other")
def inspect(
    run: Run,
    item: Annotated[str, typer.Argument(metavar="FILE", help="Your own file, or a text for a model of texts.")],
    beside: Annotated[str | None, typer.Option("--beside", help="Another run, whose gradient is drawn too.")] = None,
    log: Annotated[bool, typer.Option("--log", help="Log the picture and the page with the run.")] = False,
    json: Json = False,
) -> None:
    """Draw what the gates and memory cells of a run's LSTM layers do with one example, as a picture and a page."""
    with terminal.tensorflow_loaded():
        from zoo.inspection import inspect as look

        found = look(run, item, beside=beside, log=log)
    terminal.print_json(found) if json else terminal.print_inspection(found)


@verb("zoo export latest model")
def export(
    run: Run,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; must not exist.")],
    format: Annotated[str, typer.Option("--format", help="saved_model.")] = "saved_model",
) -> None:
    """Copy the proved export of a run to a folder."""
    with terminal.tensorflow_loaded():
        from zoo.export import copy_export

        folder = copy_export(run, directory, format)
    print(folder)


@verb("zoo serve latest --port 8080")
def serve(
    run: Run,
    host: Annotated[str, typer.Option("--host", help="Who may connect; 0.0.0.0 for everybody.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8080,
) -> None:
    """Serve a run's export over HTTP until interrupted: /invocations, /ping."""
    with terminal.tensorflow_loaded():
        from zoo.serve import serve as answer

        answer(run, host, port)


@verb("zoo copy spoken_digits my.py")
def copy(name: Name, file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, my.py.")]) -> None:
    """Start your own recipe from one of the zoo's."""
    catalog.copy(name, file)
    print(f"wrote {file}; run it: zoo run {file if file.is_absolute() else f'./{file}'} --sample")


@verb("zoo doctor")
def doctor(json: Json = False) -> None:
    """Say what works here, what is missing and the command that mends it."""
    with terminal.tensorflow_loaded():
        from zoo.doctor import doctor as examine

        findings = examine()
    if json:
        terminal.print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        rows = (("ok" if each.ok else "MEND", each.what, each.detail, each.remedy) for each in findings)
        terminal.print_table(("", "what", "detail", "to mend"), rows)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
      arguments: Without the program's name; those of this process without one.

    Returns:
      Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    flags = {"--debug", "--verbose"} & set(words)
    if "--verbose" not in flags:
        terminal.quiet()
    try:
        code = app([word for word in words if word not in flags], prog_name="zoo", standalone_mode=False) or 0
    except Exception as error:
        if "--debug" in flags:
            traceback.print_exc()
        code, message = terminal.explain(error)
        print(message, file=sys.stderr)
    if code == 130:
        print("interrupted", file=sys.stderr)
    return code
