"""What a table over time is, to a forecaster; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Series:
    """What the columns of a table over time are, of which the past is given and the future is to be told.

    An example's input is float32[look-back, column], the series first and then the known columns; where there are known
    columns, its rows go on for `ahead` steps, in which the series are 0. Its target is float32[ahead, series].

    Args:
      ahead: Steps to be told.
      names: Of the series.
      known: Names of the columns whose future is known too, such as a holiday.
      frequency: Time between two steps as pandas writes it ("h", "15min", "MS"); "" where steps are only counted.
      season: Steps after which values are alike, a day of hours or a year of months; 1 for none.
      center: Mean of each series over the train rows; empty where every window is scaled by itself.
      scale: Standard deviation of each series over the train rows; empty as `center`.
      known_center: Mean of each known column over the train rows; 0 for those of the calendar.
      known_scale: Standard deviation of each known column over the train rows; 1 for those of the calendar.
      positive: Whether values have to be above 0.
      gaps: Whether missing steps and values are refused, or filled with the last value before them.
      until: The last time that training and the choice of an epoch have seen, in ISO 8601 or as a count.
    """

    ahead: int
    names: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    frequency: str = ""
    season: int = 1
    center: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    known_center: tuple[float, ...] = ()
    known_scale: tuple[float, ...] = ()
    positive: bool = False
    gaps: Literal["refuse", "fill"] = "refuse"
    until: str = ""
