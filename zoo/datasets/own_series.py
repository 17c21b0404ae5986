"""The user's own series over time: a table of them, forecast from their past."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets import clock, series_files
from zoo.datasets.windows import Cut, Table, as_dataset, look_back
from zoo.types import BadData, Dataset, Series, Spec

SHARES = {"val": 0.1, "test": 0.2}  # of the rows, at the end
MANY = 20  # series alone, of which one forecast each is test enough


def load(path: Path, input: Spec, seed: int = 0) -> Dataset:
    """Reads series, held in memory, and splits them by time: train, then val, then test.

    Args:
      path: A CSV, TSV or JSON Lines file, a time column and one column a series, or long, `series,time,value`.
      input: As `windows.history` gives it. Where it wants each series alone and there are 20 or more, the last steps
        that can be told once are test and those before are val, as in the M4 competition; else test is the last fifth
        and val the tenth before, and every window in them counts.
      seed: Not used, nothing is drawn.

    Returns:
      As `windows.as_dataset` gives them.

    Raises:
      BadData: With every fault of the data.
    """
    if path.is_dir():
        raise BadData(path, [f"{path}: is a folder; series are split by time, so name the one file they are in"])
    found = series_files.read(path, input.series)
    alone = input.shape[1] is not None
    tables = [one for table in found.tables for one in table.alone()] if alone else [_together(path, found.tables)]
    tables = [with_calendar(path, table, input.series) for table in tables]
    return split(
        path,
        tables,
        input,
        name=path.name,
        version="",
        origin="own",
        citation="the user's own data",
        licence="the user's own data",
    )


def split(path: Path | str, tables: list[Table], input: Spec, **about: Any) -> Dataset:
    """Splits tables by time, as `load` does.

    Args:
      path: Where they come from, for the faults.
      tables: One, or where each series is alone one for each.
      input: As `windows.history` gives it.
      **about: As of `windows.as_dataset`.

    Raises:
      BadData: A series is too short, or never changes in the train rows.
    """
    alone = input.shape[1] is not None
    cuts, faults = [], []
    for table in tables:
        cut = _cut(len(table.values), input.series.ahead, len(tables) >= MANY)
        cuts.append(cut)
        if input.series.positive and table.values.min() <= 0:
            at = int(table.values.min(axis=1).argmin())
            where = f"`{table.names[0]}` is {table.values[at].min():g} at {table.times[at]}"
            faults.append(f"{path}: {where}, and this recipe works on logarithms; take one that standardises")
            continue
        needed = look_back(input) + input.series.ahead
        if cut[0] < needed:
            faults.append(
                f"{path}: {f'series `{table.names[0]}` ' * alone}has {len(table.values)} steps, of which "
                f"{max(cut[0], 0)} are left to train on, and look_back + horizon is {needed}; set less of both, or "
                "add rows"
            )
            continue
        for name, values in zip(table.names, table.values[: cut[0]].T, strict=True):
            if np.ptp(values) == 0:
                faults.append(f"{path}: `{name}` is {values[0]:g} in all of the {cut[0]} train rows; leave it out")
    if faults:
        raise BadData(path, faults)
    return as_dataset(tables, cuts, input, standardise=not alone, **about)


def with_calendar(path: Path | str, table: Table, series: Series) -> Table:
    """A table with the calendar behind its known columns, where the series ask for it.

    Raises:
      BadData: The calendar is asked for, and steps are only counted.
    """
    if not set(clock.COLUMNS) <= set(series.known):
        return table
    if not table.frequency:
        raise BadData(
            path, [f"{path}: its times are counts and no dates, which the calendar needs; set calendar=false"]
        )
    known = [] if table.known_values is None else [table.known_values]
    return replace(
        table, known=series.known, known_values=np.concatenate([*known, clock.calendar(table.times)], axis=1)
    )


def _cut(steps: int, ahead: int, many: bool) -> Cut:
    if many:
        return steps - 2 * ahead, steps - ahead, steps
    test = max(ahead, round(SHARES["test"] * steps))
    return steps - test - max(ahead, round(SHARES["val"] * steps)), steps - test, steps


def _together(path: Path, tables: list[Table]) -> Table:
    """One table of series that all have the same times."""
    first = tables[0]
    others = [table for table in tables if table.times != first.times]
    if others:
        raise BadData(
            path,
            [
                f"{path}: series `{table.names[0]}` goes from {table.times[0]} to {table.times[-1]} and "
                f"`{first.names[0]}` from {first.times[0]} to {first.times[-1]}; this recipe reads them side by side, "
                "so give all the same times, or take one that reads each series alone"
                for table in others
            ],
        )
    names = tuple(name for table in tables for name in table.names)
    values = np.concatenate([table.values for table in tables], axis=1)
    return Table(
        times=first.times,
        names=names,
        values=values,
        known=first.known,
        known_values=first.known_values,
        frequency=first.frequency,
    )
