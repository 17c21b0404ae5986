"""Tables over time, cut into windows of past and future; splits are by time, and nothing in train looks ahead."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.datasets import clock
from zoo.datasets.naive2 import naive2
from zoo.types import Dataset, Series, Spec, UsageError

SEASONS = {"B": 5, "W": 52, "MS": 12, "ME": 12, "QS": 4, "QE": 4}  # by pandas' name of frequencies that vary in length


@dataclass(frozen=True, kw_only=True)
class Table:
    """Values of several series at the same times, evenly apart and without gaps.

    Args:
      times: One text a step, in ISO 8601 or a count.
      names: Of the series.
      values: float64[step, series].
      known: Names of the columns whose future is known.
      known_values: float64[step, column].
      frequency: As of `Series`.
      season: As of `Series`; None for the one that belongs to the frequency.
    """

    times: tuple[str, ...]
    names: tuple[str, ...]
    values: np.ndarray
    known: tuple[str, ...] = ()
    known_values: np.ndarray | None = None
    frequency: str = ""
    season: int | None = None

    def alone(self) -> list[Table]:
        """Each series in a table of its own."""
        return [replace(self, names=(name,), values=self.values[:, [column]]) for column, name in enumerate(self.names)]

    @property
    def columns(self) -> np.ndarray:
        """float64[step, column]: the series, then the known columns."""
        return self.values if self.known_values is None else np.concatenate([self.values, self.known_values], axis=1)


Cut = tuple[int, int, int]  # first step of val, first step of test, end


def history(
    look_back: int,
    ahead: int,
    *,
    alone: bool = False,
    known: str = "",
    calendar: bool = False,
    positive: bool = False,
    gaps: str = "refuse",
) -> Spec:
    """What a forecaster takes.

    Args:
      look_back: Steps of the past.
      ahead: Steps to be told.
      alone: Whether each series is an example of its own, or all of a table go together.
      known: Names of columns whose future is known, with commas between.
      calendar: Whether the time of the day, the week and the year are known too, behind those columns.
      positive: As of `Series`.
      gaps: As of `Series`.

    Raises:
      UsageError: No step of the past or of the future.
    """
    for name, steps in (("look_back", look_back), ("horizon", ahead)):
        if steps < 1:
            raise UsageError(f"`{name}` must be at least 1 step, got {steps}.")
    names = tuple(name.strip() for name in known.split(",") if name.strip())
    names += clock.COLUMNS if calendar else ()
    series = Series(ahead=ahead, known=names, positive=positive, gaps=gaps)
    steps = look_back + (ahead if names else 0)
    columns = 1 + len(names) if alone else None
    return Spec(
        name="history", kind="series", shape=(steps, columns), dtype="float32", axes=("step", "column"), series=series
    )


def look_back(input: Spec) -> int:
    """Steps of the past that a forecaster with this input takes."""
    return input.shape[0] - (input.series.ahead if input.series.known else 0)


def season_of(frequency: str) -> int:
    """Steps after which values are alike: a day of anything shorter, a week of days, a year of anything longer.

    Args:
      frequency: As of `Series`.
    """
    from pandas import Timedelta
    from pandas.tseries.frequencies import to_offset

    name = frequency.split("-")[0]
    if not frequency or name in SEASONS:
        return SEASONS.get(name, 1)
    try:
        steps = Timedelta(days=1) / Timedelta(to_offset(frequency))
    except ValueError:  # years, and several weeks or months at once
        return 1
    return 7 if steps == 1 else round(steps) if steps > 1 and steps == round(steps) else 1


def as_dataset(
    tables: Sequence[Table],
    cuts: Sequence[Cut],
    input: Spec,
    *,
    standardise: bool,
    final: bool = False,
    most: Mapping[str, int] = MappingProxyType({}),
    **about: Any,
) -> Dataset:
    """Cuts tables into windows, each forecast once for every step that it can start at.

    A window belongs to the split in which all of its future is; its past may reach into the split before.

    Args:
      tables: With the same columns and frequency.
      cuts: Of each table.
      input: As `history` gives it.
      standardise: Give targets in standard deviations from the mean, by statistics of the train rows; only for one
        table. Else targets are as they are.
      final: Let train windows reach into val, which then has been seen.
      most: Per split, how many windows to take, evenly apart, where there are more.
      **about: `name`, `version`, `origin`, `citation`, `licence` and the other fields of `Dataset` that are known.

    Returns:
      Examples `{"id": string[], "input": float32[step, column], "target": float32[ahead, series]}` in the order of the
      tables and times; the id is the time of the first step told, behind the series' name where there are several
      tables. Its references of the test split are `seasonal_error: float64[example, series]`, that of all values before
      the test; where there are several tables, `series: str[example]`, their names; and where each series is alone and
      told once, `naive2: float32[example, ahead, series]`.
    """
    series = _described(tables, cuts, input, standardise)
    columns = tables[0].columns.shape[1]
    input = replace(input, shape=(input.shape[0], columns), series=series)
    target = Spec(
        name="forecast",
        kind="series",
        shape=(series.ahead, columns - len(series.known)),
        dtype="float32",
        axes=("step", "series"),
        unit="standard deviations" if standardise else "",
        series=series,
    )
    starts = _starts(cuts, look_back(input), series.ahead, final)
    starts |= {split: _thinned(starts[split], count) for split, count in most.items()}
    return Dataset(
        input=input,
        target=target,
        splits={split: _windows(tables, places, input, target) for split, places in starts.items()},
        sizes={split: sum(map(len, places)) for split, places in starts.items()},
        fingerprint=_fingerprint(tables, cuts, input, final, most),
        references={"test": _references(tables, cuts, starts["test"], series)},
        **about,
    )


def seasonal_error(values: np.ndarray, season: int) -> np.ndarray:
    """float64[series]: the mean absolute difference of values a season apart, or a step where there is no season yet.

    Args:
      values: float64[step, series].
      season: Steps of a season.
    """
    apart = season if len(values) > season else 1
    return np.abs(values[apart:] - values[:-apart]).mean(axis=0) if len(values) > 1 else np.zeros(values.shape[1])


def _described(tables: Sequence[Table], cuts: Sequence[Cut], input: Spec, standardise: bool) -> Series:
    first = tables[0]
    ends = [table.times[cut[1] - 1] for table, cut in zip(tables, cuts, strict=True)]
    series = replace(
        input.series,
        names=first.names if len(tables) == 1 else ("value",),
        known=first.known,
        frequency=first.frequency,
        season=season_of(first.frequency) if first.season is None else first.season,
        until=reduce(lambda last, end: end if clock.before(last, end) else last, ends),
    )
    if standardise:
        center, scale = _statistics(first.values[: cuts[0][0]])
        series = replace(series, center=center, scale=scale)
    if first.known:
        train = [table.known_values[: cut[0]] for table, cut in zip(tables, cuts, strict=True)]
        center, scale = _statistics(np.concatenate(train), [name in clock.COLUMNS for name in first.known])
        series = replace(series, known_center=center, known_scale=scale)
    return series


def _statistics(train: np.ndarray, as_is: Sequence[bool] = ()) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each column of the train rows; 0 and 1 `as_is`, 1 where nothing changes."""
    center, scale = train.mean(axis=0), np.where(np.ptp(train, axis=0) > 0, train.std(axis=0), 1.0)
    for column in np.flatnonzero(as_is):
        center[column], scale[column] = 0.0, 1.0
    return tuple(center.tolist()), tuple(scale.tolist())


def _starts(cuts: Sequence[Cut], back: int, ahead: int, final: bool) -> dict[str, list[np.ndarray]]:
    """By split, int[window] for each table: the first steps that are told."""
    ends = {"train": [(0, cut[1] if final else cut[0]) for cut in cuts]}
    ends |= {"val": [cut[:2] for cut in cuts], "test": [cut[1:] for cut in cuts]}
    return {
        split: [np.arange(max(back, begin), end - ahead + 1) for begin, end in borders]
        for split, borders in ends.items()
    }


def _thinned(starts: list[np.ndarray], most: int) -> list[np.ndarray]:
    ends = np.cumsum([len(rows) for rows in starts])
    if ends[-1] <= most:
        return starts
    chosen = np.linspace(0, ends[-1] - 1, most).astype(int)
    return [
        rows[chosen[(chosen >= end - len(rows)) & (chosen < end)] - (end - len(rows))]
        for rows, end in zip(starts, ends, strict=True)
    ]


def _windows(tables: Sequence[Table], starts: list[np.ndarray], input: Spec, target: Spec) -> tf.data.Dataset:
    bases = np.cumsum([0, *(len(table.values) for table in tables[:-1])])
    back, ahead, series = look_back(input), target.shape[0], target.shape[1]
    columns = tf.constant(np.concatenate([table.columns for table in tables]).astype(np.float32))
    wanted = np.concatenate([table.values for table in tables])
    if input.series.center:
        wanted = (wanted - input.series.center[:series]) / input.series.scale[:series]
    wanted = tf.constant(wanted.astype(np.float32))
    several = len(tables) > 1
    ids = [
        f"{table.names[0]} {table.times[start]}" if several else table.times[start]
        for table, rows in zip(tables, starts, strict=True)
        for start in rows
    ]
    places = np.concatenate([base + rows for base, rows in zip(bases, starts, strict=True)]).astype(np.int64)

    def window(id: tf.Tensor, place: tf.Tensor) -> dict[str, tf.Tensor]:
        past = columns[place - back : place]
        if input.series.known:
            known = columns[place : place + ahead, series:]
            past = tf.concat([past, tf.pad(known, [[0, 0], [series, 0]])], 0)
        return {
            "id": id,
            "input": tf.ensure_shape(past, input.shape),
            "target": tf.ensure_shape(wanted[place : place + ahead], target.shape),
        }

    return tf.data.Dataset.from_tensor_slices((tf.constant(ids, tf.string), places)).map(window)


def _references(
    tables: Sequence[Table], cuts: Sequence[Cut], starts: list[np.ndarray], series: Series
) -> Mapping[str, np.ndarray]:
    errors = [
        seasonal_error(table.values[: cut[1]], series.season)[None].repeat(len(rows), 0)
        for table, cut, rows in zip(tables, cuts, starts, strict=True)
    ]
    found = {"seasonal_error": np.concatenate(errors)}
    if len(tables) > 1:
        found["series"] = np.repeat([table.names[0] for table in tables], [len(rows) for rows in starts])
    if len(tables[0].names) == 1 and max(map(len, starts)) == 1:
        told = [
            naive2(table.values[:start, 0], series.season, series.ahead)
            for table, rows in zip(tables, starts, strict=True)
            for start in rows
        ]
        found["naive2"] = np.stack(told)[..., None].astype(np.float32)
    return found


def _fingerprint(tables: Sequence[Table], cuts: Sequence[Cut], input: Spec, final: bool, most: Mapping) -> str:
    digest = hashlib.sha256(f"{list(cuts)} {input} {input.series} {final} {dict(most)}".encode())
    for table in tables:
        digest.update("\n".join([*table.names, *table.known, *table.times]).encode())
        digest.update(np.ascontiguousarray(table.columns).tobytes())
    return digest.hexdigest()[:16]
