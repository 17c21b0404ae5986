"""Times of steps: read from text, their frequency found out, and carried on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

CALENDAR = ("B", "W", "MS", "ME", "QS", "QE", "YS", "YE")  # frequencies whose steps are not all equally long
COLUMNS = tuple(f"{name}_{wave}" for name in ("hour_of_day", "day_of_week", "day_of_year") for wave in ("sin", "cos"))
COVERED = 0.8  # share of a calendar frequency's steps that must be there for it to be the one


def parse(texts: Sequence[str]) -> tuple[pd.Index | None, list[int]]:
    """Times of texts, and the places of those that are none.

    Args:
      texts: Dates with or without a time of day, all written alike, or whole numbers, which count steps.

    Returns:
      A DatetimeIndex, or an index of int64; None where any text is no time.
    """
    if all(text.lstrip("-").isdigit() and len(text) < 8 for text in texts):
        return pd.Index([int(text) for text in texts], dtype="int64"), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # says that a format was not inferred; then there are faults
        try:
            times = pd.DatetimeIndex(pd.to_datetime(pd.Series(list(texts), dtype=str), errors="coerce"))
        except ValueError:  # several time zones
            return None, list(range(len(texts)))
    wrong = np.flatnonzero(times.isna()).tolist()
    return (None if wrong else times), wrong


def regular(times: pd.Index) -> tuple[str | None, pd.Index, list[int]]:
    """The frequency of rising times, and all times of it from the first to the last.

    Args:
      times: As `parse` gives them.

    Returns:
      Frequency ("" for counts, None where there is none), the whole grid, and the places of times that are off it.
    """
    if not isinstance(times, pd.DatetimeIndex):
        steps = np.diff(times.to_numpy())
        step = int(np.gcd.reduce(steps)) if len(steps) else 1
        return "", pd.Index(range(int(times[0]), int(times[-1]) + 1, step)), []
    if len(times) < 3:
        return None, times, list(range(1, len(times)))
    steps = np.diff(times.asi8)
    if (steps == steps[0]).all():
        weekly = pd.Timedelta(times[1] - times[0]) == pd.Timedelta(days=7)
        found = pd.infer_freq(times) if weekly else to_offset(times[1] - times[0]).freqstr
        return found, times, []
    for name in CALENDAR:
        grid = _calendar(times, name)
        if grid is not None and len(times) >= COVERED * len(grid):
            return grid.freqstr, grid, []
    lengths, counts = np.unique(steps, return_counts=True)
    step = lengths[counts.argmax()]
    odd = np.flatnonzero(steps % step) + 1
    if len(odd):
        return None, times, odd.tolist()
    frequency = to_offset(pd.Timedelta(step, unit=times.unit)).freqstr
    return frequency, pd.date_range(times[0], times[-1], freq=frequency), []


def _calendar(times: pd.DatetimeIndex, name: str) -> pd.DatetimeIndex | None:
    """All times of a calendar frequency, None where some of `times` are not among them."""
    anchored = f"{name}-{times[0].strftime('%a').upper()}" if name == "W" else name
    grid = pd.date_range(times[0], times[-1], freq=anchored)
    if name in ("QS", "QE", "YS", "YE"):
        grid = pd.date_range(times[0], times[-1], freq=f"{name}-{times[0].strftime('%b').upper()}")
    return grid if times.isin(grid).all() else None


def calendar(times: Sequence[str]) -> np.ndarray:
    """float64[step, 6] in [-1, 1]: where each time is in its day, week and year, as `COLUMNS` names it.

    Args:
      times: As `texts` gives them; no counts.
    """
    index = pd.DatetimeIndex(times)
    hour = (index.hour + index.minute / 60) / 24
    angles = 2 * np.pi * np.stack([hour, (index.dayofweek + hour) / 7, (index.dayofyear - 1 + hour) / 366], axis=1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(index), len(COLUMNS))


def texts(times: pd.Index) -> tuple[str, ...]:
    """Times as people write them: dates alone where no time of day is other than midnight."""
    if not isinstance(times, pd.DatetimeIndex):
        return tuple(str(time) for time in times)
    daily = (times == times.normalize()).all()
    return tuple(times.strftime("%Y-%m-%d" if daily else "%Y-%m-%d %H:%M:%S"))


def onwards(last: str, frequency: str, ahead: int, step: int = 1) -> tuple[str, ...]:
    """The times after the last one.

    Args:
      last: As `texts` gives it.
      frequency: As `regular` gives it.
      ahead: How many.
      step: Between two counts, where there is no frequency.
    """
    if not frequency:
        return tuple(str(int(last) + step * (index + 1)) for index in range(ahead))
    times = pd.date_range(pd.Timestamp(last), periods=ahead + 1, freq=frequency)[1:]
    daily = len(last) == 10 and (times == times.normalize()).all()
    return tuple(times.strftime("%Y-%m-%d" if daily else "%Y-%m-%d %H:%M:%S"))
