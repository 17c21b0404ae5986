"""The user's tables over time: read, ordered by no guess, with every fault and its line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.datasets import clock, tables
from zoo.datasets.windows import Table
from zoo.types import BadData, Series

TIMES = ("time", "date", "datetime", "timestamp", "ds", "step")
LONG = ("series", "time", "value")
NOTHING = ("", "na", "nan", "null", "none")  # how files write that there is no value


@dataclass(frozen=True, kw_only=True)
class Found:
    """One table of a file, and what is known behind its end.

    Args:
      table: Up to the last row that has values.
      behind: float64[step, column]: the known columns of the rows after that.
      time: Name of the column with the times.
      long: Whether the file has a row for each series and time.
    """

    table: Table
    behind: np.ndarray
    time: str
    long: bool


def read(path: Path, series: Series, *, constant: bool = False) -> list[Found]:
    """Reads a wide table, a time column and one column a series, or a long one, `series,time,value`.

    Times are dates with or without a time of day, or whole numbers. They must rise by one frequency, which is found
    out. Rows at the end that have known columns only are the future of those. Other columns of a long file are ignored.

    Args:
      path: A CSV, TSV or JSON Lines file.
      series: Says which columns are known, which are series where that is settled, and whether gaps are filled.
      constant: Whether a series that never changes may be there.

    Returns:
      One table, or of a long file one for each series.

    Raises:
      BadData: With every fault of the file.
    """
    if path.is_dir():
        raise BadData(path, [f"{path}: is a folder; series are split by time, so name the one file they are in"])
    if not tables.kind(path):
        raise BadData(path, [f"{path}: is no table; it must be one of {', '.join(tables.KINDS)}"])
    rows, faults = tables.read(path, ())
    if not rows:
        raise BadData(path, faults or [f"{path}: has no rows"])
    layout, whole = _Layout.of(path, rows, series), not faults
    parts: dict[str, list[tables.Row]] = defaultdict(list)
    for row in rows:
        name = row.values.get("series") if layout.long else None
        parts["" if name is None else str(name)].append(row)
    found = []
    for name, some in parts.items():
        if layout.long and not name:
            faults += [f"{row.place}: no value for `series`" for row in some]
            continue
        part = _Part(some, layout, name)
        table = part.table(whole=whole, fill=series.gaps == "fill", constant=constant)
        found += [table] if table else []
        faults += part.faults
    kinds = {each.table.frequency: each.table.names[0] for each in found}
    if len(kinds) > 1:
        shown = ", ".join(f"`{frequency or 'counts'}` (`{name}`)" for frequency, name in kinds.items())
        faults.append(f"{path}: its series have several frequencies: {shown}; make a file of each")
    if faults:
        raise BadData(path, sorted(faults, key=lambda fault: _line_of(fault, path)))
    return found


def _line_of(fault: str, path: Path) -> int:
    line = fault.removeprefix(f"{path}:").split(":")[0]
    return int(line) if line.isdigit() else 0


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Which columns are what."""

    time: str
    names: tuple[str, ...]
    known: tuple[str, ...]
    long: bool

    @classmethod
    def of(cls, path: Path, rows: Sequence[tables.Row], series: Series) -> _Layout:
        """The layout of a file's rows; raises BadData where it has not the columns that are asked for."""
        columns = list(dict.fromkeys(name for row in rows for name in row.values))
        long = set(LONG) <= set(columns)
        time = "time" if long else next((name for name in columns if name.lower() in TIMES), columns[0])
        known = tuple(name for name in series.known if name not in clock.COLUMNS)
        others = tuple(name for name in columns if name != time and name not in known)
        names = ("value",) if long else series.names or others
        shown = ", ".join(columns)[:100]
        absent = [(name, "is said to be known") for name in known if name not in columns]
        absent += [(name, "the model forecasts") for name in names if name not in columns]
        faults = [f"{path}: no column `{name}`, which {why}; it has: {shown}" for name, why in absent]
        if "split" in columns:
            faults.append(f"{path}: has a column `split`, and series are split by time; leave it out")
        if not names:
            faults.append(f"{path}: has no column beside the time `{time}`; add one for each series")
        if faults:
            raise BadData(path, faults)
        return cls(time=time, names=names, known=known, long=long)


class _Part:
    """The rows of one table; what is wrong with them is gathered in `faults`, with their lines."""

    def __init__(self, rows: Sequence[tables.Row], layout: _Layout, name: str):
        self.rows, self.layout, self.name = rows, layout, name
        self.faults: list[str] = []

    def note(self, index: int, reason: str) -> None:
        """A fault of one row."""
        of = f"series `{self.name}`: " if self.layout.long else ""
        self.faults.append(f"{self.rows[index].place}: {of}{reason}")

    def table(self, *, whole: bool, fill: bool, constant: bool) -> Found | None:
        """The table, None where there are faults; gaps are not looked for where rows are missing, not `whole`."""
        columns, count = self._numbers(), len(self.layout.names)
        if np.isnan(columns[:, :count]).all():
            self.note(0, f"no value for {_listed(self.layout.names)} in any row")
            return None
        if not constant:
            self._changes(columns)
        times, faults = clock.parse([self._time(index) for index in range(len(self.rows))])
        for index, reason in faults.items():
            self.note(index, f"`{self.layout.time}`: {reason}")
        if times is None or not whole:
            return None
        order = self._order(times)
        self.rows, columns, times = [self.rows[index] for index in order], columns[order], times[order]
        last = int(np.flatnonzero(~np.isnan(columns[:, :count]).all(axis=1))[-1]) + 1
        if not self.layout.known:  # rows without any value at the end say nothing
            self.rows, columns, times = self.rows[:last], columns[:last], times[:last]
        return self._evenly(times, columns, last, fill)

    def _time(self, index: int) -> str:
        return str(self.rows[index].values.get(self.layout.time, ""))

    def _line(self, index: int) -> str:
        return self.rows[index].place.rsplit(":", 1)[-1]

    def _numbers(self) -> np.ndarray:
        """float64[row, column]: series, then known columns; NaN where there is no value, infinite where no number."""
        names = (*self.layout.names, *self.layout.known)
        found = np.full((len(self.rows), len(names)), np.nan)
        for column, name in enumerate(names):
            raw = pd.Series([row.values.get(name) for row in self.rows], dtype=object)
            numbers = pd.to_numeric(raw, errors="coerce").to_numpy(float, copy=True)
            for index in np.flatnonzero(~np.isfinite(numbers)):
                if str(raw[index]).lower() not in NOTHING:
                    shown = tables.shorten(str(raw[index]))
                    self.note(index, f"`{name}` is no number: `{shown}`; write it with a point, as 1234.5")
                    numbers[index] = np.inf
            found[:, column] = numbers
        return found

    def _changes(self, columns: np.ndarray) -> None:
        for name, values in zip(self.layout.names, columns.T, strict=False):
            there = values[~np.isnan(values)]
            if len(there) > 1 and (there == there[0]).all():
                self.note(0, f"`{name}` is {there[0]:g} from here to the end; leave it out, there is nothing to learn")

    def _order(self, times: pd.Index) -> np.ndarray:
        """Places of the rows by time, each time once; notes times that repeat or go back."""
        backwards = np.flatnonzero(times[1:] < times[:-1]) + 1
        if len(backwards) > 1 and len(backwards) == len(times) - 1:
            self.note(1, "the times fall from line to line; sort the rows by time")
            backwards = ()
        for index in backwards:
            before = f"its time {self._time(index)} is before that of line {self._line(index - 1)}"
            self.note(index, f"{before}; sort the rows by time")
        order = np.argsort(times, kind="stable")
        again = np.flatnonzero(times[order][1:] == times[order][:-1]) + 1
        for index in again:
            first = self._line(order[index - 1])
            self.note(order[index], f"its time {self._time(order[index])} is that of line {first}; keep one of the two")
        return np.delete(order, again)

    def _evenly(self, times: pd.Index, columns: np.ndarray, last: int, fill: bool) -> Found | None:
        """The table on a grid without gaps; `last` is the number of rows up to the last value."""
        if len(times) < clock.FEWEST:
            rows = "1 row does" if len(times) == 1 else f"{len(times)} rows do"
            self.note(0, f"{rows} not show how far apart steps are; give {clock.FEWEST} at least")
            return None
        frequency, grid, faults = clock.regular(times)
        for index, reason in faults.items():
            self.note(index, f"its time {self._time(index)} {reason}")
        if faults:
            return None
        places, count = grid.get_indexer(times), len(self.layout.names)
        full = np.full((len(grid), columns.shape[1]), np.nan)
        full[places] = columns
        end = places[last - 1] + 1
        if fill:
            full = pd.DataFrame(full).ffill().to_numpy()
            self._begins(full)
        else:
            self._gaps(places, columns, last)
        if self.faults:
            return None
        known = full[:, count:] if self.layout.known else None
        table = Table(
            times=clock.texts(grid[:end]),
            names=(self.name,) if self.layout.long else self.layout.names,
            values=full[:end, :count],
            known=self.layout.known,
            known_values=None if known is None else known[:end],
            frequency=frequency,
        )
        return Found(table=table, behind=full[end:, count:], time=self.layout.time, long=self.layout.long)

    def _begins(self, full: np.ndarray) -> None:
        for name, value in zip((*self.layout.names, *self.layout.known), full[0], strict=True):
            if np.isnan(value):
                self.note(0, f"no value for `{name}`, and none before it to fill in; begin where it has one")

    def _gaps(self, places: np.ndarray, columns: np.ndarray, last: int) -> None:
        remedy = "add them, or set gaps=fill to repeat the value before"
        for index in np.flatnonzero(np.diff(places) > 1) + 1:
            steps = places[index] - places[index - 1] - 1
            missing = "1 step is missing" if steps == 1 else f"{steps} steps are missing"
            self.note(index, f"{missing} between {self._time(index - 1)} and {self._time(index)}; {remedy}")
        absent = np.isnan(columns)
        absent[last:, : len(self.layout.names)] = False
        names = np.array((*self.layout.names, *self.layout.known))
        for index in np.flatnonzero(absent.any(axis=1)):
            self.note(index, f"no value for {_listed(names[absent[index]])}; {remedy}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
