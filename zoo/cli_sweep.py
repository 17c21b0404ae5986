"""The verb that runs a recipe many times."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

import typer

from zoo import catalog, terminal
from zoo.command import Data, Json, Limit, ManualDir, Name, Sample, Seed, check_source, verb
from zoo.sweeps import space

MOST = 10  # rows of the table at the end

Varied = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SETTING=VALUES",
        help="A range, low..high, on a logarithmic scale where high is ten times low or more; choices, a,b,c; or one "
        "value for all. See `zoo show NAME`.",
    ),
]
Trials = Annotated[int, typer.Option("--trials", min=1, help="How many in all, by all processes together.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="How many at once here.")]
Storage = Annotated[
    str | None, typer.Option("--storage", metavar="URL", help="Database of Optuna, for several machines.")
]
SweepName = Annotated[str | None, typer.Option("--name", help="Of the sweep; made of what is asked without.")]
Pruner = Annotated[
    Literal["median", "hyperband", "none"], typer.Option("--pruner", help="Stops trials that will not be the best.")
]


@verb("zoo sweep spoken_digits learning_rate=1e-4..1e-2 units=64,128 --trials 20 --workers 2")
def sweep(
    name: Name,
    settings: Varied = None,
    trials: Trials = 20,
    workers: Workers = 1,
    storage: Storage = None,
    sweep_name: SweepName = None,
    pruner: Pruner = "median",
    sample: Sample = False,
    data: Data = None,
    manual_dir: ManualDir = None,
    seed: Seed = 0,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Run a recipe with many settings, pick the best on validation, and test that one alone.

    The same command goes on with a sweep that was cut off. Several processes with one --storage share its trials.
    """
    file = catalog.find(name)
    varied, fixed = space.read(catalog.settings(file), settings or [])
    check_source(sample, data, limit)
    with terminal.results_only():
        from zoo.sweeps.sweeping import sweep as search

        found = search(
            file,
            varied,
            trials=trials,
            workers=workers,
            storage=storage,
            name=sweep_name,
            pruner=pruner,
            sample=sample,
            data=data,
            manual_dir=manual_dir,
            seed=seed,
            limit=limit,
            **fixed,
        )
    if json:
        terminal.print_json(dataclasses.asdict(found))
        return
    names = list(varied)
    rows = [_row(row, names) for row in found.trials[:MOST]]
    terminal.print_table(("trial", found.watch, *names, "state", "run"), rows)
    print(f"\nsweep {found.name}, run {found.run_id[:8]}; the best again, and tested:\n")
    terminal.print_result(found.winner)


def _row(row: dict[str, Any], names: list[str]) -> tuple[Any, ...]:
    settings = (row["settings"].get(name) for name in names)
    return row["trial"], row["value"], *settings, row["state"], row["run_id"][:8]
