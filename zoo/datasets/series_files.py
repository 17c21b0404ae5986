"""The user's tables over time: read, ordered by no guess, with every fault and its line."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.datasets import clock, tables
from zoo.datasets.windows import Table
from zoo.types import BadData, Series

TIMES = ("time", "date", "datetime", "timestamp", "ds", "step")
LONG = ("series", "time", "value")


@dataclass(frozen=True)
class Read:
    """What a file of series holds.

    Args:
      tables: One, or of a long file one a series.
      ahead: Rows behind the last values that give known columns only: float64[step, column] of each table.
      place: Of the last row with values, "file:line", of each table.
    """

    tables: list[Table]
    ahead: list[np.ndarray]
    place: list[str]


def read(path: Path, series: Series, *, constant: bool = False) -> Read:
    """Reads a wide table, a time column and one column a series, or a long one, `series,time,value`.

    Times are dates with or without a time of day, or whole numbers. They must rise by one frequency, which is found
    out. Rows at the end that have known columns only are the future of those.

    Args:
      path: A CSV, TSV or JSON Lines file.
      series: Says which columns are known, which are series where that is settled, and whether gaps are filled.
      constant: Whether a series that never changes may be there.

    Raises:
      BadData: With every fault of the file.
    """
    rows, faults = tables.read(path, ())
    if not rows:
        raise BadData(path, faults or [f"{path}: has no rows"])
    columns = list(rows[0].values)
    long = set(LONG) <= set(columns)
    time = "time" if long else next((name for name in columns if name.lower() in TIMES), columns[0])
    series = replace(series, known=tuple(name for name in series.known if name not in clock.COLUMNS))
    missing = [name for name in series.known if name not in columns]
    if missing:
        faults.append(
            f"{path}: no column `{missing[0]}`, which is said to be known; it has: {', '.join(columns)[:100]}"
        )
        raise BadData(path, faults)
    names = ["value"] if long else [name for name in columns if name != time and name not in series.known]
    if series.names and not long:
        faults += [
            f"{path}: no column `{name}`, which the model forecasts" for name in series.names if name not in names
        ]
        names = list(series.names)
        if faults:
            raise BadData(path, faults)
    if not names:
        raise BadData(path, [*faults, f"{path}: has no column beside the time `{time}`; add one for each series"])
    parts: dict[str, list[tables.Row]] = defaultdict(list)
    for row in rows:
        parts[str(row.values.get("series")) if long else ""].append(row)
    found = Read([], [], [])
    for name, part in parts.items():
        reader = _Reader(part, time, names, series, faults, f"series `{name}`: " if long else "", constant)
        if reader.done:
            table = reader.table((name,) if long else tuple(names))
            found.tables.append(table)
            found.ahead.append(reader.ahead)
            found.place.append(reader.place)
    if len({table.frequency for table in found.tables}) > 1:
        kinds = ", ".join(sorted({f"{table.frequency} (`{table.names[0]}`)" for table in found.tables}))
        faults.append(f"{path}: its series have several frequencies: {kinds}; make a file of each")
    if faults:
        raise BadData(path, faults)
    return found


class _Reader:
    """Reads the rows of one table; notes their faults, and is `done` where there are none that hide others."""

    def __init__(
        self,
        rows: Sequence[tables.Row],
        time: str,
        names: Sequence[str],
        series: Series,
        faults: list[str],
        of: str,
        constant: bool,
    ):
        self.faults, self.of, self.series = faults, of, series
        self.done = False
        texts = [str(row.values.get(time, "")) for row in rows]
        times, wrong = clock.parse(texts)
        for index in wrong:
            self._note(rows[index], f"`{time}` is no time: `{tables.shorten(texts[index])}`; write 2024-01-31 13:00")
        values = self._numbers(rows, names)
        known = self._numbers(rows, series.known)
        if wrong or times is None or values is None or known is None:
            return
        filled = np.flatnonzero(~np.isnan(values).all(axis=1))
        if not len(filled):
            self._note(rows[0], f"no values for {', '.join(names)}")
            return
        last = filled[-1] + 1
        if not series.known and last < len(rows):  # rows without any value at the end say nothing
            rows, times, values, known = rows[:last], times[:last], values[:last], known[:last]
        if self._order(rows, times):
            return
        self._regular(rows, times, values, known, last, constant, names)

    def _note(self, row: tables.Row, reason: str) -> None:
        self.faults.append(f"{row.place}: {self.of}{reason}")

    def _numbers(self, rows: Sequence[tables.Row], names: Sequence[str]) -> np.ndarray | None:
        """float64[row, column], NaN where there is no value; None where some are no numbers, which is noted."""
        found = np.full((len(rows), len(names)), np.nan)
        sound = True
        for column, name in enumerate(names):
            raw = [row.values.get(name) for row in rows]
            numbers = pd.to_numeric(pd.Series(raw, dtype=object), errors="coerce").to_numpy(float)
            for index in np.flatnonzero(~np.isfinite(numbers)):
                if raw[index] not in (None, "") and str(raw[index]).lower() not in ("nan", "na", "null"):
                    shown = tables.shorten(str(raw[index]))
                    self._note(rows[index], f"`{name}` is no number: `{shown}`; write it with a point, as 1234.5")
                    sound = False
            found[:, column] = np.where(np.isfinite(numbers), numbers, np.nan)
        return found if sound else None

    def _order(self, rows: Sequence[tables.Row], times: pd.Index) -> bool:
        """Notes times that repeat or go back."""
        steps = np.diff(times.asi8 if isinstance(times, pd.DatetimeIndex) else times.to_numpy())
        for index in np.flatnonzero(steps <= 0) + 1:
            before = rows[index - 1].place.rsplit(":", 1)[-1]
            what = "is that of" if steps[index - 1] == 0 else "is before that of"
            remedy = "keep one of the two" if steps[index - 1] == 0 else "sort the rows by time"
            self._note(rows[index], f"its time {times[index]} {what} line {before}; {remedy}")
        return bool((steps <= 0).any())

    def _regular(
        self,
        rows: Sequence[tables.Row],
        times: pd.Index,
        values: np.ndarray,
        known: np.ndarray,
        last: int,
        constant: bool,
        names: Sequence[str],
    ) -> None:
        frequency, grid, odd = clock.regular(times)
        if frequency is None:
            for index in odd:
                before = rows[index - 1].place.rsplit(":", 1)[-1]
                apart = times[index] - times[index - 1]
                self._note(rows[index], f"its time {times[index]} is {apart} after line {before}, where others have a "
                           "steadier step; take one frequency")  # fmt: skip
            return
        places = grid.get_indexer(times)
        full = np.full((len(grid), values.shape[1]), np.nan)
        full_known = np.full((len(grid), known.shape[1]), np.nan)
        full[places], full_known[places] = values, known
        end = places[last - 1] + 1
        faults = len(self.faults)
        if self.series.gaps == "refuse":
            self._gaps(rows, times, places, values, known, last, names)
        else:
            full = pd.DataFrame(full[:end]).ffill().to_numpy()
            full_known = pd.DataFrame(full_known).ffill().to_numpy()
            for column, name in enumerate((*names, *self.series.known)):
                first = (full if column < len(names) else full_known)[0, column % len(names)]
                if math.isnan(first):
                    self._note(rows[0], f"`{name}` has no value yet, and none before it to fill in; begin where it has")
        for column, name in enumerate(names):
            there = full[:end, column][~np.isnan(full[:end, column])]
            if not constant and len(there) and np.ptp(there) == 0:
                self._note(rows[0], f"`{name}` is {there[0]:g} in every row; leave it out")
        if len(self.faults) > faults:
            return
        self.ahead, self.place = full_known[end:], rows[last - 1].place
        self._made = (clock.texts(grid[:end]), full[:end], full_known[:end], frequency)
        self.done = True

    def _gaps(
        self,
        rows: Sequence[tables.Row],
        times: pd.Index,
        places: np.ndarray,
        values: np.ndarray,
        known: np.ndarray,
        last: int,
        names: Sequence[str],
    ) -> None:
        remedy = "add them, or set gaps=fill to repeat the value before"
        for index in np.flatnonzero(np.diff(places) > 1) + 1:
            missing = places[index] - places[index - 1] - 1
            what = "1 step is" if missing == 1 else f"{missing} steps are"
            self._note(rows[index], f"{what} missing between {times[index - 1]} and {times[index]}; {remedy}")
        for index in range(len(rows)):
            absent = [names[at] for at in np.flatnonzero(np.isnan(values[index]))] if index < last else []
            absent += [self.series.known[at] for at in np.flatnonzero(np.isnan(known[index]))]
            if absent:
                self._note(rows[index], f"no value for {', '.join(f'`{name}`' for name in absent)}; {remedy}")

    def table(self, names: tuple[str, ...]) -> Table:
        """What was read, under these names."""
        times, values, known, frequency = self._made
        return Table(
            times=times,
            names=names,
            values=values,
            known=self.series.known,
            known_values=known if self.series.known else None,
            frequency=frequency,
        )
