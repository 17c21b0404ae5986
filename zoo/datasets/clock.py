"""Times of steps: read from text, their frequency found out, and carried on."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

# Frequencies whose steps differ in length, by pandas' names; the first that has all times is the one
LONG = ("YS", "YE", "QS", "QE", "MS", "ME")
ANCHORED = ("YS", "YE", "QS", "QE")  # at a month
SHORTEST_LONG = pd.Timedelta(days=28)
COLUMNS = tuple(f"{name}_{wave}" for name in ("hour_of_day", "day_of_week", "day_of_year") for wave in ("sin", "cos"))
FEWEST = 3  # times that show a frequency
COVERED, OTHERS = 0.5, 0.2  # with fewer of a frequency's steps and more of other lengths, it is not the one
COUNT = re.compile(r"-?\d{1,7}", re.ASCII)  # 8 digits are a date
ZONE = re.compile(r"[T ]\d\d?[\d:.,]*\s*(Z|[+-]\d\d(?::?\d\d)?)$", re.ASCII)


def parse(texts: Sequence[str]) -> tuple[pd.Index | None, dict[int, str]]:
    """Times of texts, or what is wrong with some of them, by their place.

    Args:
      texts: Dates with or without a time of day, the year first, or with day and month in an order that some of them
        settle; or whole numbers, which count steps.

    Returns:
      A DatetimeIndex, or an index of int64; None where there are faults.
    """
    if all(COUNT.fullmatch(text) for text in texts):
        return pd.Index([int(text) for text in texts], dtype="int64"), {}
    zones = [found[1] if (found := ZONE.search(text)) else "none" for text in texts]
    others = {zone: zones.index(zone) for zone in dict.fromkeys(zones) if zone != zones[0]}
    if others:
        remedy = "write all times in one, such as +00:00"
        return None, {at: f"its time zone is {zone}, where it was {zones[0]} before; {remedy}"
                      for zone, at in others.items()}  # fmt: skip
    column = pd.Series(list(texts), dtype=str)
    times = pd.to_datetime(column, errors="coerce", format="ISO8601")
    if times.isna().all():
        return _day_and_month(column)
    wrong = np.flatnonzero(times.isna()).tolist()
    return (None, {at: _no_time(texts[at]) for at in wrong}) if wrong else (pd.DatetimeIndex(times), {})


def _day_and_month(column: pd.Series) -> tuple[pd.DatetimeIndex | None, dict[int, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # says that the order was not the one asked for, or none was found
        both = [pd.to_datetime(column, errors="coerce", dayfirst=first) for first in (False, True)]
    whole = [times for times in both if times.notna().all()]
    if len(whole) == 2 and not whole[0].equals(whole[1]):
        return None, {0: f"`{column[0]}` and the others have day and month in an order that cannot be seen; write "
                         "2024-01-31"}  # fmt: skip
    if whole:
        return pd.DatetimeIndex(whole[0]), {}
    wrong = np.flatnonzero(min(both, key=lambda times: times.isna().sum()).isna())
    return None, {int(at): _no_time(column[at]) for at in (wrong if len(wrong) < len(column) else wrong[:1])}


def _no_time(text: str) -> str:
    shown = text if len(text) <= 30 else f"{text[:30]}..."
    return f"`{shown}` is no time; write 2024-01-31 or 2024-01-31 13:00, or count the steps in whole numbers"


def regular(times: pd.Index) -> tuple[str, pd.Index, dict[int, str]]:
    """The frequency of rising times, and all times of it from the first to the last.

    Args:
      times: As `parse` gives them, at least `FEWEST`, each once.

    Returns:
      The frequency as pandas writes it, "" for counts; the whole grid; and what is wrong with times that are off it, by
      their place, or with all of them, at the first that shows it.
    """
    dated = isinstance(times, pd.DatetimeIndex)
    steps = np.diff(times.asi8 if dated else times.to_numpy())
    if dated and pd.Timedelta(steps.min(), unit=times.unit) >= SHORTEST_LONG:
        for name in LONG:
            name = f"{name}-{times[0].strftime('%b').upper()}" if name in ANCHORED else name
            grid = pd.date_range(times[0], times[-1], freq=name)
            if times.isin(grid).all():
                return name, grid, {}
    lengths, counts = np.unique(steps, return_counts=True)
    step = int(lengths[counts.argmax()])
    length = pd.Timedelta(step, unit=times.unit) if dated else step
    if dated and length == pd.Timedelta(days=1) and len(lengths) > 1 and (times.day_of_week < 5).all():
        return "B", pd.date_range(times[0], times[-1], freq="B"), {}
    faults = {
        int(at) + 1: f"is {_name(times[at + 1] - times[at])} after the line before, where most are {_name(length)} "
        "apart; take one frequency"
        for at in np.flatnonzero(steps % step)
    }
    others = np.flatnonzero(steps != step)
    all_there = len(times) >= COVERED * ((times[-1] - times[0]) // length + 1)
    if not faults and not all_there and len(others) > OTHERS * len(steps):
        at = int(others[0])
        faults[at + 1] = (
            f"is {_name(times[at + 1] - times[at])} after the line before, {len(others)} lines are so far or farther, "
            f"and {len(steps) - len(others)} are {_name(length)} apart; take one frequency"
        )
    if not dated:
        return "", pd.Index(range(int(times[0]), int(times[-1]) + 1, step)), faults
    frequency = _frequency(length, times[0])
    return frequency, pd.date_range(times[0], times[-1], freq=frequency), faults


def _frequency(length: pd.Timedelta, first: pd.Timestamp) -> str:
    if length == pd.Timedelta(days=7):
        return f"W-{first.strftime('%a').upper()}"
    days = length // pd.Timedelta(days=1)
    if length == pd.Timedelta(days=days):
        return "D" if days == 1 else f"{days}D"
    return to_offset(length).freqstr


def _name(length: pd.Timedelta | int) -> str:
    """1h, 30min, 2D, or a count."""
    if not isinstance(length, pd.Timedelta):
        return str(length)
    days = length // pd.Timedelta(days=1)
    name = f"{days}D" if length == pd.Timedelta(days=days) else to_offset(length).freqstr
    return name if name[0].isdigit() else f"1{name}"


def calendar(times: Sequence[str]) -> np.ndarray:
    """float64[step, 6] in [-1, 1]: where each time is in its day, week and year, as `COLUMNS` names it.

    Args:
      times: As `texts` gives them; no counts.
    """
    index = pd.DatetimeIndex(times)
    hour = (index.hour + index.minute / 60) / 24
    angles = 2 * np.pi * np.stack([hour, (index.day_of_week + hour) / 7, (index.day_of_year - 1 + hour) / 366], axis=1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(index), len(COLUMNS))


def texts(times: pd.Index) -> tuple[str, ...]:
    """Times as people write them, in ISO 8601; dates alone where no time of day is other than midnight."""
    return tuple(times.astype(str))


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
    return texts(pd.date_range(pd.Timestamp(last), periods=ahead + 1, freq=frequency))[1:]


def before(time: str, other: str) -> bool:
    """Whether a time lies before another, both as `texts` gives them; not so for a date and a count. No zone counts."""
    counts = [bool(COUNT.fullmatch(each)) for each in (time, other)]
    if any(counts):
        return all(counts) and int(time) < int(other)
    return pd.Timestamp(time).tz_localize(None) < pd.Timestamp(other).tz_localize(None)
