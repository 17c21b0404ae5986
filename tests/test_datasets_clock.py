"""Times of steps: read, their frequency found, carried on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zoo.datasets import clock

NO_TIME = "is no time; write 2024-01-31 or 2024-01-31 13:00, or count the steps in whole numbers"


def dates(first: str, periods: int, frequency: str) -> list[str]:
    return [str(time) for time in pd.date_range(first, periods=periods, freq=frequency)]


@pytest.mark.parametrize(
    ("texts", "first", "last"),
    [
        (["2024-01-30", "2024-01-31"], "2024-01-30", "2024-01-31"),
        (["2024-01-31", "2024-01-31 13:00"], "2024-01-31", "2024-01-31 13:00"),
        (["2024-01-31T13:00:00.25", "2024-01-31T13:00:00.5"], "2024-01-31 13:00:00.25", "2024-01-31 13:00:00.5"),
        (["20240101", "20240102"], "2024-01-01", "2024-01-02"),
        (["2024-01", "2024-02"], "2024-01-01", "2024-02-01"),
        (["2024/3/1", "2024/3/2"], "2024-03-01", "2024-03-02"),
        (["01/02/2024", "13/02/2024"], "2024-02-01", "2024-02-13"),  # no month 13
        (["01/02/2024", "01/13/2024"], "2024-01-02", "2024-01-13"),
        (["31.12.2013 23:00", "01.01.2014 00:00"], "2013-12-31 23:00", "2014-01-01"),
    ],
)
def test_dates_are_read_without_guessing(texts, first, last):
    times, faults = clock.parse(texts)
    assert faults == {}
    assert (times[0], times[-1]) == (pd.Timestamp(first), pd.Timestamp(last))


def test_whole_numbers_count():
    times, faults = clock.parse(["-2", "0", "1000000"])
    assert (times.tolist(), times.dtype, faults) == ([-2, 0, 1_000_000], np.int64, {})


def test_a_zone_is_kept():
    times, faults = clock.parse(["2024-01-01T00:00+01:00", "2024-01-01T01:00+01:00"])
    assert faults == {}
    assert clock.texts(times) == ("2024-01-01 00:00:00+01:00", "2024-01-01 01:00:00+01:00")
    assert clock.onwards(clock.texts(times)[-1], "h", 1) == ("2024-01-01 02:00:00+01:00",)
    np.testing.assert_array_equal(clock.calendar(clock.texts(times))[:, 1], [1, np.cos(np.pi / 12)])


@pytest.mark.parametrize(
    ("texts", "faults"),
    [
        (["2024-01-01", "soon", "2024-02-30"], {1: f"`soon` {NO_TIME}", 2: f"`2024-02-30` {NO_TIME}"}),
        (["", "2024-01-01"], {0: f"`` {NO_TIME}"}),
        (["north", "south", "east"], {0: f"`north` {NO_TIME}"}),  # a column of something else is one fault
        (["13/01/2024", "01/13/2024", "14/01/2024"], {1: f"`01/13/2024` {NO_TIME}"}),
        (["5", "6.5"], {0: f"`5` {NO_TIME}"}),
        (["x" * 40, "2024"], {0: f"`{'x' * 30}...` {NO_TIME}"}),
        (
            ["01/02/2024", "01/03/2024"],
            {0: "`01/02/2024` and the others have day and month in an order that cannot be seen; write 2024-01-31"},
        ),
        (
            ["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00", "2024-03-31T04:00+02:00", "2024-03-31T05:00"],
            {
                1: "its time zone is +02:00, where it was +01:00 before; write all times in one, such as +00:00",
                3: "its time zone is none, where it was +01:00 before; write all times in one, such as +00:00",
            },
        ),
    ],
)
def test_what_is_no_time_is_said_where_it_stands(texts, faults):
    assert clock.parse(texts) == (None, faults)


@pytest.mark.parametrize(
    ("frequency", "found"),
    [
        ("YS", "YS-JAN"), ("YE-MAR", "YE-MAR"), ("QS-FEB", "QS-MAY"), ("QE", "QE-MAR"), ("MS", "MS"), ("ME", "ME"),
        ("W-SUN", "W-SUN"), ("W-WED", "W-WED"), ("B", "B"), ("D", "D"), ("28D", "28D"), ("2D", "2D"), ("12h", "12h"),
        ("h", "h"), ("15min", "15min"), ("90min", "90min"), ("s", "s"), ("100ms", "100ms"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [12, 3])
def test_frequency_is_found(frequency, found, rows):
    times = pd.date_range("2023-02-27 07:00", periods=rows, freq=frequency)
    if (frequency, rows) == ("B", 3):
        found = "D"  # three working days in a row are three days
    name, grid, faults = clock.regular(times)
    assert (name, faults) == (found, {})
    assert grid.equals(times)
    more = pd.date_range(times[-1], periods=4, freq=found)[1:]
    assert tuple(pd.Timestamp(time) for time in clock.onwards(clock.texts(times)[-1], name, 3)) == tuple(more)


@pytest.mark.parametrize("frequency", ["YS", "QE", "MS", "W-SUN", "B", "D", "h", "15min"])
def test_gaps_do_not_hide_the_frequency(frequency):
    whole = pd.date_range("2021-01-01", periods=40, freq=frequency)
    name, grid, faults = clock.regular(whole.delete([2, 3, 17]))
    assert faults == {}
    assert name.split("-")[0] == frequency.split("-")[0]
    assert grid.equals(whole)


def test_one_long_gap_is_a_gap():
    times = pd.date_range("2024-01-01", periods=20, freq="h").append(pd.date_range("2024-03-01", periods=20, freq="h"))
    name, grid, faults = clock.regular(times)
    assert (name, faults, len(grid)) == ("h", {}, 60 * 24 + 20)


def test_counts_rise_by_their_usual_step():
    name, grid, faults = clock.regular(pd.Index([10, 20, 30, 50, 60]))
    assert (name, grid.tolist(), faults) == ("", [10, 20, 30, 40, 50, 60], {})
    faults = clock.regular(pd.Index([10, 20, 30, 35, 45, 55]))[2]
    assert faults == {3: "is 5 after the line before, where most are 10 apart; take one frequency"}


def test_mixed_frequencies_are_said():
    hours = pd.date_range("2024-01-01", periods=30, freq="h")
    off = hours.insert(10, hours[9] + pd.Timedelta("20min"))
    assert clock.regular(off)[2] == {
        10: "is 20min after the line before, where most are 1h apart; take one frequency",
        11: "is 40min after the line before, where most are 1h apart; take one frequency",
    }
    days = pd.date_range("2024-01-03", periods=20, freq="D")
    assert clock.regular(hours.append(days))[2] == {
        30: "is 19h after the line before, 20 lines are so far or farther, and 29 are 1h apart; take one frequency"
    }


def test_calendar_against_the_clock():
    found = clock.calendar(["2024-01-01 00:00:00", "2024-01-04 06:00:00", "2024-12-31 12:00:00"])
    turns = np.array([[0, 0, 0], [6 / 24, (3 + 0.25) / 7, (3 + 0.25) / 366], [0.5, (1 + 0.5) / 7, 365.5 / 366]])
    for place in range(3):
        np.testing.assert_allclose(found[:, 2 * place], np.sin(2 * np.pi * turns[:, place]), atol=1e-12)
        np.testing.assert_allclose(found[:, 2 * place + 1], np.cos(2 * np.pi * turns[:, place]), atol=1e-12)
    assert clock.COLUMNS[:3] == ("hour_of_day_sin", "hour_of_day_cos", "day_of_week_sin")


def test_times_are_written_as_the_table_writes_them():
    assert clock.onwards("2024-01-31", "ME", 2) == ("2024-02-29", "2024-03-31")
    assert clock.onwards("2024-12-31 22:00:00", "h", 3) == (
        "2024-12-31 23:00:00", "2025-01-01 00:00:00", "2025-01-01 01:00:00",
    )  # fmt: skip
    assert clock.onwards("2024-01-05", "B", 2) == ("2024-01-08", "2024-01-09")
    assert clock.onwards("98", "", 3) == ("99", "100", "101")
    assert clock.onwards("98", "", 2, step=10) == ("108", "118")


@pytest.mark.parametrize(
    ("time", "other", "earlier"),
    [
        ("99", "100", True), ("100", "100", False), ("2024-01-31", "2024-01-31 01:00:00", True),
        ("2024-01-31 00:00:00", "2024-01-31", False), ("2024-01-01", "500", False), ("5", "2024-01-01", False),
        ("2024-01-01 00:00:00+01:00", "2024-01-02", True),
    ],
)  # fmt: skip
def test_before(time, other, earlier):
    assert clock.before(time, other) is earlier
