"""Forecasts that continue the user's own tables, with their own times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

from zoo.datasets import clock, series_files, tables
from zoo.datasets.series_files import Found
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

    def read(self, path: Path) -> list[Found]:
        """The user's tables; one with all series in the model's order where it forecasts them together.

        Raises:
          BadData: With every fault of the file, or it does not fit the model.
        """
        wanted = replace(self.series, names=()) if self.alone else self.series
        found = series_files.read(path, wanted, constant=True)
        if not self.alone and found[0].long:
            found = [self._together(path, found)]
        faults = [f"{path}: {fault}" for each in found for fault in self._faults(each.table, len(found) > 1)]
        if faults:
            raise BadData(path, faults)
        return found

    def _together(self, path: Path, found: list[Found]) -> Found:
        by_name = {each.table.names[0]: each for each in found}
        faults = [
            f"{path}: no series `{name}`, which the model forecasts"
            for name in self.series.names
            if name not in by_name
        ]
        if faults:
            raise BadData(path, faults)
        chosen = [by_name[name] for name in self.series.names]
        if len({each.table.times for each in chosen}) > 1:
            raise BadData(path, [f"{path}: its series have different times; give all of them the same"])
        values = np.concatenate([each.table.values for each in chosen], axis=1)
        return replace(chosen[0], table=replace(chosen[0].table, names=self.series.names, values=values))

    def _faults(self, table: Table, several: bool) -> list[str]:
        """Why a table does not fit the model."""
        of, found = f"series `{table.names[0]}` " if several else "", []
        if self.series.frequency and table.frequency.split("-")[0] != self.series.frequency.split("-")[0]:
            given, wanted = (_every(frequency) for frequency in (table.frequency, self.series.frequency))
            found.append(f"{of}has {given}, and the model was trained on {wanted}; give those")
        if len(table.values) < self.look_back:
            have = "1 step" if len(table.values) == 1 else f"{len(table.values)} steps"
            found.append(f"{of}has {have}, and the model looks back on {self.look_back}; add rows")
        if self.series.positive and table.values.min() <= 0:
            at = f"{table.values.min():g} at {table.times[int(table.values.min(axis=1).argmin())]}"
            found.append(f"{of}is {at}, and the model works on logarithms; take one that does not")
        return found

    def times_after(self, table: Table) -> tuple[str, ...]:
        """The times of the steps to be told after the end of a table."""
        step = 1 if table.frequency or len(table.times) < 2 else int(table.times[1]) - int(table.times[0])
        return clock.onwards(table.times[-1], table.frequency, self.series.ahead, step)

    def lacks(self, found: Found) -> list[str]:
        """What a table must know of the steps behind its end and does not."""
        given = [name for name in self.series.known if name not in clock.COLUMNS]
        if not given or len(found.behind) >= self.series.ahead:
            return []
        names = ", ".join(f"`{name}`" for name in given)
        after = f"{self.series.ahead} steps after {found.table.times[-1]}, and known for {len(found.behind)}"
        return [f"{names} must be known for the {after}; add rows with the time and these columns only"]

    def tell(self, found: Found, origin: int) -> dict[str, np.ndarray]:
        """What comes from one step of a table on.

        Args:
          found: Has at least the look-back before that step, and all that has to be known behind it.
          origin: The step, up to the table's length.

        Returns:
          `forecast: float32[ahead, series]`, and `quantiles: float32[ahead, series, quantile]` where there are some.
        """
        begin, end = origin - self.look_back, origin + self.series.ahead
        history = found.table.values[begin:origin]
        history = history.T[..., None] if self.alone else history[None]  # each series an example, or the table one
        inputs = {"history": history}
        if self.series.known:
            inputs["known"] = np.repeat(self._known(found, begin, end)[None], len(history), 0)
        told = self.call(**{name: tf.constant(value, tf.float32) for name, value in inputs.items()})
        if self.alone:
            return {name: np.moveaxis(value.numpy()[:, :, 0], 0, 1) for name, value in told.items()}
        return {name: value.numpy()[0] for name, value in told.items()}

    def _known(self, found: Found, begin: int, end: int) -> np.ndarray:
        """float64[step, column]: the known columns of these steps, of which some may be behind the table's end."""
        parts, table = [], found.table
        if table.known:
            parts.append(np.concatenate([table.known_values, found.behind])[begin:end])
        if len(table.known) < len(self.series.known):
            parts.append(clock.calendar((*table.times, *self.times_after(table))[begin:end]))
        return np.concatenate(parts, axis=1)


def _every(frequency: str) -> str:
    return f"steps of `{frequency}`" if frequency else "counted steps"


@dataclass(frozen=True, kw_only=True)
class Continued:
    """What follows one table.

    Attributes:
      found: The table.
      times: Of the steps told.
      forecast: float32[ahead, series].
      quantiles: float32[ahead, series, quantile], or None.
    """

    found: Found
    times: tuple[str, ...]
    forecast: np.ndarray
    quantiles: np.ndarray | None = None

    def columns(self, name: str | None = None) -> dict[str, np.ndarray]:
        """The forecast of each series by its name, or by `name`, with `_low` and `_high` where there are quantiles."""
        columns = {}
        for column, series in enumerate(self.found.table.names):
            columns[name or series] = written(self.forecast[:, column])
            if self.quantiles is not None:
                ends = {"low": self.quantiles[:, column, 0], "high": self.quantiles[:, column, -1]}
                columns |= {f"{name or series}_{end}": written(values) for end, values in ends.items()}
        return columns


def written(values: np.ndarray) -> np.ndarray:
    """float64 of float32, with no more digits than those have."""
    return values.astype(str).astype(np.float64)


def forecast(model: Forecaster, path: Path) -> list[Continued]:
    """What follows each table of a file.

    Raises:
      BadData: With every fault of the file, or it does not fit the model.
    """
    found = model.read(path)
    faults = [f"{path}: {fault}" for each in found for fault in model.lacks(each)]
    if faults:
        raise BadData(path, faults)
    return [
        Continued(found=each, times=model.times_after(each.table), **model.tell(each, len(each.table.values)))
        for each in found
    ]


def stem(path: Path) -> str:
    """A table's file name, without what says of which kind it is."""
    name = path.name[: -len(".gz")] if path.name.lower().endswith(".gz") else path.name
    return name[: -len(tables.kind(path) or "")] or name


def write(path: Path, made: list[Continued], folder: Path) -> tuple[Path, Path]:
    """Writes `<name>.forecast.csv`, which continues the table with its own columns, and `<name>.forecast.png`.

    Args:
      path: Of the user's table.
      made: What follows it.
      folder: Where to write.

    Returns:
      The two files.
    """
    csv, png = (folder / f"{stem(path)}.forecast.{kind}" for kind in ("csv", "png"))
    if made[0].found.long:
        parts = [{"series": each.found.table.names[0], "time": each.times, **each.columns("value")} for each in made]
        rows = pd.concat(map(pd.DataFrame, parts))
    else:
        rows = pd.DataFrame({made[0].found.time: made[0].times, **made[0].columns()})
    rows.to_csv(csv, index=False)
    _picture(path.name, made).savefig(png, dpi=110)
    return csv, png


def _picture(name: str, made: list[Continued]) -> Figure:
    lines = [(each, column) for each in made for column in range(len(each.found.table.names))][:MOST_SERIES]
    figure = Figure(figsize=(9, 1.9 * len(lines) + 0.6), layout="constrained")
    figure.suptitle(f"{name}, continued")
    for axes, (each, column) in zip(figure.subplots(len(lines), 1, squeeze=False)[:, 0], lines, strict=True):
        table = each.found.table
        past = table.values[-PAST * len(each.times) :, column]
        before, after = (
            pd.to_datetime(list(times)) if table.frequency else np.array(times, int)
            for times in (table.times[-len(past) :], each.times)
        )
        axes.plot(before, past, color="grey", linewidth=0.9, label="given")
        if each.quantiles is not None:
            low, high = each.quantiles[:, column, 0], each.quantiles[:, column, -1]
            axes.fill_between(after, low, high, color="C0", alpha=0.25, label="interval")
        axes.plot(after, each.forecast[:, column], color="C0", label="forecast")
        axes.axvline(before[-1], color="grey", linewidth=0.8, linestyle="dotted")
        if table.frequency:
            axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
        axes.set_ylabel(table.names[column])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=3, fontsize=8)
    return figure
