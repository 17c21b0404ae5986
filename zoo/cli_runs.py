"""The verbs for runs that are recorded: read, compare, answer, export, serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo import terminal
from zoo.command import Backtest, Items, Json, Run, verb
from zoo.datasets.plain_texts import names_a_file
from zoo.types import UsageError


@verb("zoo resume latest")
def resume(run: Run, json: Json = False) -> None:
    """Go on with a run that was interrupted, killed or failed, from its last checkpoint, in the same MLflow run."""
    with terminal.tensorflow_loaded():
        from zoo.resumption import resume as go_on

        result = go_on(run)
    terminal.print_result(result, json)


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
        terminal.print_runs(rows, tracking.shown_uri())


@verb("zoo compare latest wide; zoo compare spoken_digits --html spoken_digits.html")
def compare(
    references: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Two runs or more; or a recipe, for all its finished runs.")
    ],
    curves: Annotated[
        Path | None, typer.Option("--curves", metavar="FILE", help="Draw their curves over the epochs, a PNG file.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write all of it as a page.")] = None,
    json: Json = False,
) -> None:
    """Compare runs: settings, metrics and their spread over seeds, and tests on the same examples."""
    with terminal.results_only():
        from zoo import comparison, comparison_page

        found = comparison.compare(references)
        if curves or html:
            names = comparison_page.called(found["runs"])
            figure = comparison_page.curves_of(comparison.curves(list(names)), names)
            if curves:
                figure.savefig(curves, format="png", dpi=comparison_page.DPI)
            if html:
                html.write_text(comparison_page.page(found, figure), encoding="utf-8")
    if json:
        terminal.print_json(found)
    else:
        terminal.print_comparison(found)


@verb("zoo ui --port 5001")
def ui(port: Annotated[int, typer.Option("--port", min=1, max=65535, help="On 127.0.0.1.")] = 5000) -> None:
    """Open MLflow's pages on the recorded runs."""
    from zoo import tracking

    tracking.ui(port)


@verb("zoo predict latest my.wav another.flac; zoo predict latest 'What a film!'; zoo predict latest sales.csv")
def predict(
    run: Run,
    items: Items,
    backtest: Backtest = None,
    stream: Annotated[bool, typer.Option("--stream", help="Hear the files as if live, and say what is known.")] = False,
) -> None:
    """Print the answers of a run's export for files or texts, one line of JSON each; continue tables of series."""
    missing = [item for item in items if names_a_file(item) and not Path(item).is_file()]
    if missing:
        raise UsageError(f"`FILE` must be a file, and there is none at {', '.join(missing)}.")
    with terminal.tensorflow_loaded():
        from zoo.serve import predict as answer

        rows = answer(run, items, backtest, stream)
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
