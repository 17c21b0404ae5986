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
    tables = [found.table for found in series_files.read(path, input.series)]
    alone = input.shape[1] is not None
    tables = [one for table in tables for one in table.alone()] if alone else [_together(path, tables)]
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
    cuts = [_cut(len(table.values), input.series.ahead, len(tables) >= MANY) for table in tables]
    faults = [fault for table, cut in zip(tables, cuts, strict=True) for fault in _faults(path, table, cut, input)]
    if faults:
        raise BadData(path, faults)
    return as_dataset(tables, cuts, input, standardise=input.shape[1] is None, **about)


def _faults(path: Path | str, table: Table, cut: Cut, input: Spec) -> list[str]:
    """Why a table cannot be learnt from."""
    of = f"series `{table.names[0]}` " if input.shape[1] is not None else ""
    back, ahead, train = look_back(input), input.series.ahead, max(cut[0], 0)
    if train < back + ahead:
        remedy = f"set look_back={train - ahead} or less" if train > ahead else "set a smaller horizon and look_back"
        left = f"has {len(table.values)} steps, of which {train} are left to train on"
        return [f"{path}: {of}{left}, and look_back + horizon is {back} + {ahead}; {remedy}, or add rows"]
    found = [
        f"{path}: `{name}` is {values[0]:g} in all of the {train} train rows; leave it out"
        for name, values in zip(table.names, table.values[:train].T, strict=True)
        if np.ptp(values) == 0
    ]
    low = table.values.min(axis=1)
    if input.series.positive and low.min() <= 0:
        at = f"{low.min():g} at {table.times[low.argmin()]}"
        found.append(f"{path}: {of}is {at}, and this recipe works on logarithms; take one that does not")
    return found


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
    remedy = "this recipe reads series side by side; give all the same, or take one that reads each series alone"
    faults = [
        f"{path}: series `{table.names[0]}` goes from {table.times[0]} to {table.times[-1]}, and `{first.names[0]}` "
        f"from {first.times[0]} to {first.times[-1]}; {remedy}"
        for table in tables
        if table.times != first.times
    ]
    faults += [
        f"{path}: series `{table.names[0]}` and `{first.names[0]}` differ in what is known at the same time; {remedy}"
        for table in tables
        if table.times == first.times and not np.array_equal(table.columns[:, 1:], first.columns[:, 1:])
    ]
    if faults:
        raise BadData(path, faults)
    names = tuple(name for table in tables for name in table.names)
    return replace(first, names=names, values=np.concatenate([table.values for table in tables], axis=1))
