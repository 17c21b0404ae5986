"""Forecasts that continue the user's own tables, with their own times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from matplotlib.figure import Figure

from zoo.datasets import clock, series_files
from zoo.datasets.windows import Table
from zoo.types import BadData, Series

PAST = 3  # times as many steps of the past as of the future in a picture
MOST_SERIES = 12  # in a picture


@dataclass(frozen=True, kw_only=True)
class Forecaster:
    """An export that forecasts, and what it was trained on.

    Attributes:
      call: Its `serving_default`.
      series: Of its input.
      look_back: Steps of the past that it reads.
    """

    call: Any
    series: Series
    look_back: int

    @classmethod
    def of(cls, loaded: Any, about: Mapping[str, Any]) -> Forecaster:
        """From a loaded SavedModel and its `model.json`."""
        described = dict(about["series"])
        back = described.pop("look_back")
        made = Series(**{name: tuple(v) if isinstance(v, list) else v for name, v in described.items()})
        return cls(call=loaded.signatures["serving_default"], series=made, look_back=back)

    @property
    def alone(self) -> bool:
        """Whether it forecasts any series by itself, or those of its table together."""
        return not self.series.center

    def read(self, path: Path) -> tuple[list[Table], list[np.ndarray]]:
        """The user's tables, and float64[step, column] of what is known behind their ends.

        Raises:
          BadData: With every fault of the file, or it does not fit the model.
        """
        wanted = replace(self.series, names=()) if self.alone else self.series
        found = series_files.read(path, wanted, constant=True)
        tables, ahead = found.tables, found.ahead
        if not self.alone and len(tables) > 1:
            by_name = {table.names[0]: table for table in tables}
            missing = [name for name in self.series.names if name not in by_name]
            if missing:
                raise BadData(path, [f"{path}: no series `{name}`, which the model forecasts" for name in missing])
            chosen = [by_name[name] for name in self.series.names]
            if len({table.times for table in chosen}) > 1:
                raise BadData(path, [f"{path}: its series end at different times; give all of them the same"])
            values = np.concatenate([table.values for table in chosen], axis=1)
            tables, ahead = [replace(chosen[0], names=self.series.names, values=values)], ahead[:1]
        faults = []
        for table in tables:
            of = f"series `{table.names[0]}` " * (len(tables) > 1)
            if self.series.frequency and table.frequency != self.series.frequency:
                kinds = f"`{table.frequency or 'counts'}`, and the model was trained on `{self.series.frequency}`"
                faults.append(f"{path}: {of}has steps of {kinds}; give steps of that")
            if len(table.values) < self.look_back:
                faults.append(
                    f"{path}: {of}has {len(table.values)} steps, and the model looks back on {self.look_back}; add rows"
                )
            if self.series.positive and table.values.min() <= 0:
                faults.append(f"{path}: {of}has values of 0 or less, and the model works on logarithms")
        if faults:
            raise BadData(path, faults)
        return tables, ahead

    def times_after(self, table: Table) -> tuple[str, ...]:
        """The times of the steps to be told after the end of a table."""
        step = 1 if table.frequency or len(table.times) < 2 else int(table.times[1]) - int(table.times[0])
        return clock.onwards(table.times[-1], table.frequency, self.series.ahead, step)

    def tell(self, table: Table, behind: np.ndarray, origin: int, path: Path) -> dict[str, np.ndarray]:
        """What comes from one step of a table on.

        Args:
          table: Has at least the look-back before that step.
          behind: float64[step, column]: what is known behind its end.
          origin: The step, up to the table's length.
          path: Of its file, for the faults.

        Returns:
          `forecast: float32[ahead, series]`, and `quantiles: float32[ahead, series, quantile]` where there are some.

        Raises:
          BadData: The file has too few rows of known columns behind its end.
        """
        begin, end = origin - self.look_back, origin + self.series.ahead
        inputs = {"history": table.values[None, begin:origin]}
        if self.series.known:
            inputs["known"] = self._known(table, behind, path)[None, begin:end]
        if self.alone and len(table.names) > 1:
            inputs["history"] = np.moveaxis(inputs["history"], 2, 0)
            inputs |= {name: np.repeat(value, len(table.names), 0) for name, value in inputs.items() if name == "known"}
        told = self.call(**{name: tf.constant(value, tf.float32) for name, value in inputs.items()})
        if self.alone:
            return {name: np.moveaxis(value.numpy()[:, :, 0], 0, 1) for name, value in told.items()}
        return {name: value.numpy()[0] for name, value in told.items()}

    def _known(self, table: Table, behind: np.ndarray, path: Path) -> np.ndarray:
        """float64[step, column]: the known columns of a table and of as many steps behind its end as are told."""
        parts, ahead = [], self.series.ahead
        given = [name for name in self.series.known if name not in clock.COLUMNS]
        if given:
            if len(behind) < ahead or np.isnan(behind[:ahead]).any():
                names = ", ".join(f"`{name}`" for name in given)
                reason = (
                    f"{names} must be known for the {ahead} steps after {table.times[-1]}, and is for {len(behind)}"
                )
                raise BadData(path, [f"{path}: {reason}; add rows with the time and these columns only"])
            parts.append(np.concatenate([table.known_values, behind[:ahead]]))
        if len(given) < len(self.series.known):
            parts.append(clock.calendar((*table.times, *self.times_after(table))))
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True, kw_only=True)
class Continued:
    """What follows one table.

    Attributes:
      table: The table.
      times: Of the steps told.
      forecast: float32[ahead, series].
      quantiles: float32[ahead, series, quantile], or None.
    """

    table: Table
    times: tuple[str, ...]
    forecast: np.ndarray
    quantiles: np.ndarray | None = None


def forecast(model: Forecaster, path: Path) -> list[Continued]:
    """What follows each table of a file.

    Raises:
      BadData: With every fault of the file, or it does not fit the model.
    """
    return [
        Continued(table=table, times=model.times_after(table), **model.tell(table, behind, len(table.values), path))
        for table, behind in zip(*model.read(path), strict=True)
    ]


def write(path: Path, made: list[Continued], folder: Path) -> tuple[Path, Path]:
    """Writes `<name>.forecast.csv`, which continues the table, and `<name>.forecast.png`.

    Args:
      path: Of the user's table.
      made: What follows it.
      folder: Where to write.

    Returns:
      The two files.
    """
    stem = path.name.split(".")[0]
    csv, png = folder / f"{stem}.forecast.csv", folder / f"{stem}.forecast.png"
    if len(made) == 1:
        rows = pd.DataFrame({"time": made[0].times, **_columns(made[0])})
    else:
        parts = [
            pd.DataFrame({"series": each.table.names[0], "time": each.times, **_columns(each, "value")})
            for each in made
        ]
        rows = pd.concat(parts)
    rows.to_csv(csv, index=False, float_format="%.6g")
    _picture(path.name, made).savefig(png, dpi=110)
    return csv, png


def _columns(each: Continued, name: str | None = None) -> dict[str, np.ndarray]:
    found = {}
    for column, series in enumerate(each.table.names):
        found[name or series] = each.forecast[:, column]
        if each.quantiles is not None:
            ends = {"low": each.quantiles[:, column, 0], "high": each.quantiles[:, column, -1]}
            found |= {f"{name or series}_{end}": values for end, values in ends.items()}
    return found


def _picture(name: str, made: list[Continued]) -> Figure:
    lines = [(each, column) for each in made for column in range(len(each.table.names))][:MOST_SERIES]
    figure = Figure(figsize=(9, 1.9 * len(lines) + 0.6), layout="constrained")
    figure.suptitle(f"{name}, continued")
    for axes, (each, column) in zip(figure.subplots(len(lines), 1, squeeze=False)[:, 0], lines, strict=True):
        past = each.table.values[-PAST * len(each.times) :, column]
        dated = bool(each.table.frequency)
        before, after = (
            pd.to_datetime(list(times)) if dated else np.array(times, int)
            for times in (each.table.times[-len(past) :], each.times)
        )
        axes.plot(before, past, color="grey", linewidth=0.9, label="given")
        if each.quantiles is not None:
            axes.fill_between(
                after,
                each.quantiles[:, column, 0],
                each.quantiles[:, column, -1],
                color="C0",
                alpha=0.25,
                label="interval",
            )
        axes.plot(after, each.forecast[:, column], color="C0", label="forecast")
        axes.set_ylabel(each.table.names[column])
        axes.legend(loc="upper left", fontsize=7)
    return figure
