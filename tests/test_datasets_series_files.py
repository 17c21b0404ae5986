"""The user's tables over time: what is read, and every fault with its line and remedy."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.datasets.series_files import Found, read
from zoo.types import BadData, Series

ADD = "add them, or set gaps=fill to repeat the value before"
PLAIN = Series(ahead=2)
FILL = Series(ahead=2, gaps="fill")
KNOWN = Series(ahead=2, known=("promo",))


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def days(*values: str, header: str = "date,north") -> list[str]:
    return [header, *(f"2024-01-{day:02d},{value}" for day, value in enumerate(values, 1))]


def faults(path: Path, series: Series = PLAIN, **options) -> list[str]:
    """The faults of a file, without its folder."""
    with pytest.raises(BadData) as caught:
        read(path, series, **options)
    return [fault.replace(f"{path.parent}/", "") for fault in caught.value.faults]


def only(path: Path, series: Series = PLAIN, **options) -> Found:
    (found,) = read(path, series, **options)
    return found


def test_a_wide_table(tmp_path):
    lines = ["south,Date,north", "1,2024-01-01,5.5", "2,2024-01-02,-1e3", "4,2024-01-03,0"]
    found = only(write(tmp_path / "t.csv", *lines))
    assert found.table.names == ("south", "north") and found.time == "Date" and not found.long
    assert found.table.times == ("2024-01-01", "2024-01-02", "2024-01-03")
    np.testing.assert_array_equal(found.table.values, [[1, 5.5], [2, -1000], [4, 0]])
    assert (found.table.frequency, found.table.known, found.table.known_values) == ("D", (), None)
    assert found.behind.shape == (0, 0)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".csv.gz"])
def test_every_kind_of_file(tmp_path, suffix):
    frame = pd.DataFrame({"t": [1, 2, 3, 4], "a": [1.5, 2, 3, 5], "b": [7, 8, 9, 9.25]})
    if suffix == ".jsonl":
        text = "".join(json.dumps(row) + "\n" for row in frame.to_dict("records"))
    else:
        text = frame.to_csv(index=False, sep="\t" if suffix == ".tsv" else ",")
    path = tmp_path / f"t{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode())
    found = only(path)
    np.testing.assert_array_equal(found.table.values, frame[["a", "b"]])
    assert found.table.times == ("1", "2", "3", "4")  # no column is called time, so it is the first


def test_a_long_file_is_a_table_for_each_series(tmp_path):
    rows = ["value,series,region,time", "1,b,x,2024-01-01", "5,a,x,2024-01-01", "2,b,y,2024-02-01", "7,a,y,2024-02-01"]
    rows += ["8,a,y,2024-03-01", "4,b,y,2024-03-01", "9,b,y,2024-04-01"]
    first, second = read(write(tmp_path / "t.csv", *rows), PLAIN)
    assert (first.table.names, second.table.names, first.long) == (("b",), ("a",), True)
    np.testing.assert_array_equal(first.table.values[:, 0], [1, 2, 4, 9])
    np.testing.assert_array_equal(second.table.values[:, 0], [5, 7, 8])
    assert first.table.frequency == second.table.frequency == "MS"
    assert second.table.times == ("2024-01-01", "2024-02-01", "2024-03-01")


@pytest.mark.parametrize(
    ("first", "frequency"),
    [("2020-01-31", "ME"), ("2024-01-07", "W-SUN"), ("2024-01-01", "B"), ("2024-01-01", "15min"), ("2024-01-01", "h")],
)
def test_frequency_is_inferred(tmp_path, first, frequency):
    times = pd.date_range(first, periods=30, freq=frequency)
    pd.DataFrame({"time": times, "a": np.arange(30)}).to_csv(tmp_path / "t.csv", index=False)
    found = only(tmp_path / "t.csv")
    assert found.table.frequency == frequency
    assert pd.DatetimeIndex(found.table.times).equals(times)


def test_rows_without_values_at_the_end_say_nothing(tmp_path):
    found = only(write(tmp_path / "t.csv", *days("1", "2", "3", "", "NA")))
    assert found.table.times == ("2024-01-01", "2024-01-02", "2024-01-03")


def test_rows_at_the_end_with_known_columns_are_their_future(tmp_path):
    lines = days("1,0", "2,1", "3,0", ",1", ",0", header="date,north,promo")
    found = only(write(tmp_path / "t.csv", *lines), KNOWN)
    assert found.table.names == ("north",) and found.table.known == ("promo",)
    np.testing.assert_array_equal(found.table.values[:, 0], [1, 2, 3])
    np.testing.assert_array_equal(found.table.known_values[:, 0], [0, 1, 0])
    np.testing.assert_array_equal(found.behind, [[1], [0]])


def test_the_models_own_series_are_taken_in_its_order(tmp_path):
    lines = days("1,x,5", "2,y,6", "3,z,7", header="date,b,note,a")
    found = only(write(tmp_path / "t.csv", *lines), Series(ahead=2, names=("a", "b")))
    assert found.table.names == ("a", "b")
    np.testing.assert_array_equal(found.table.values[0], [5, 1])


def test_gaps_are_filled_only_when_asked_for_and_never_from_behind(tmp_path):
    lines = ["date,a,b", "2024-01-01,1,10", "2024-01-02,2,", "2024-01-05,5,50", "2024-01-06,6,60"]
    path = write(tmp_path / "t.csv", *lines)
    assert faults(path) == [
        f"t.csv:3: no value for `b`; {ADD}",
        f"t.csv:4: 2 steps are missing between 2024-01-02 and 2024-01-05; {ADD}",
    ]
    found = only(path, FILL)
    assert found.table.times == tuple(f"2024-01-{day:02d}" for day in range(1, 7))
    np.testing.assert_array_equal(found.table.values, [[1, 10], [2, 10], [2, 10], [2, 10], [5, 50], [6, 60]])
    later = write(tmp_path / "later.csv", *lines[:3], "2024-01-05,-999,-999", "2024-01-06,6,60")
    np.testing.assert_array_equal(only(later, FILL).table.values[:4], found.table.values[:4])


def test_known_columns_are_filled_too(tmp_path):
    lines = days("1,0", "2,", "3,1", ",", ",0", header="date,north,promo")
    path = write(tmp_path / "t.csv", *lines)
    assert faults(path, KNOWN) == [f"t.csv:3: no value for `promo`; {ADD}", f"t.csv:5: no value for `promo`; {ADD}"]
    found = only(path, Series(ahead=2, known=("promo",), gaps="fill"))
    np.testing.assert_array_equal(found.table.known_values[:, 0], [0, 0, 1])
    np.testing.assert_array_equal(found.behind[:, 0], [1, 0])


def test_there_is_nothing_to_fill_in_before_the_first_value(tmp_path):
    path = write(tmp_path / "t.csv", *days(",1", "2,2", "3,3", header="date,a,b"))
    assert faults(path, FILL) == ["t.csv:2: no value for `a`, and none before it to fill in; begin where it has one"]


def test_every_fault_at_once(tmp_path):
    lines = [
        "date,north,south,flat",
        "2024-01-01,1,10,3",
        "2024-01-02,two,11,3",
        '2024-01-03,3,"1.234,5",3',
        "2024-01-03,3,12,3",
        "2024-01-06,4,,3",
        "2024-01-05,5,14,3",
        "2024-01-07,inf,15,3",
    ]
    assert faults(write(tmp_path / "t.csv", *lines)) == [
        "t.csv:2: `flat` is 3 from here to the end; leave it out, there is nothing to learn",
        "t.csv:3: `north` is no number: `two`; write it with a point, as 1234.5",
        "t.csv:4: `south` is no number: `1.234,5`; write it with a point, as 1234.5",
        "t.csv:5: its time 2024-01-03 is that of line 4; keep one of the two",
        f"t.csv:6: no value for `south`; {ADD}",
        "t.csv:7: its time 2024-01-05 is before that of line 6; sort the rows by time",
        f"t.csv:7: 1 step is missing between 2024-01-03 and 2024-01-05; {ADD}",
        "t.csv:8: `north` is no number: `inf`; write it with a point, as 1234.5",
    ]


def test_the_message_has_all_faults(tmp_path):
    path = write(tmp_path / "t.csv", *days("1", "x", "y"))
    with pytest.raises(BadData, match=rf"`{path}` has 2 faults; mend or remove these and run again:\n  .*:3: .*\n  "):
        read(path, PLAIN)


def test_times_that_fall_are_one_fault(tmp_path):
    lines = ["date,a", *(f"2024-01-{day:02d},{day}" for day in range(9, 1, -1))]
    path = write(tmp_path / "t.csv", *lines)
    assert faults(path) == ["t.csv:3: the times fall from line to line; sort the rows by time"]


def test_mixed_frequencies(tmp_path):
    hours = [f"2024-01-01 {hour:02d}:00,{hour}" for hour in range(12)]
    path = write(tmp_path / "t.csv", "time,a", *hours, "2024-01-01 11:30,5", "2024-01-01 12:00,6")
    assert faults(path) == [
        "t.csv:14: its time 2024-01-01 11:30 is 30min after the line before, where most are 1h apart; take one "
        "frequency",
        "t.csv:15: its time 2024-01-01 12:00 is 30min after the line before, where most are 1h apart; take one "
        "frequency",
    ]
    path = write(tmp_path / "t.csv", "time,a", *hours, *(f"2024-01-{day:02d} 00:00,{day}" for day in range(2, 12)))
    assert faults(path) == [
        "t.csv:14: its time 2024-01-02 00:00 is 13h after the line before, 10 lines are so far or farther, and 11 are "
        "1h apart; take one frequency"
    ]


def test_series_of_several_frequencies(tmp_path):
    lines = ["series,time,value", *(f"a,2024-01-0{day},{day}" for day in range(1, 5))]
    lines += [f"b,2024-0{month}-01,{month}" for month in range(1, 5)]
    assert faults(write(tmp_path / "t.csv", *lines)) == [
        "t.csv: its series have several frequencies: `D` (`a`), `MS` (`b`); make a file of each"
    ]


def test_faults_of_a_long_file_name_the_series(tmp_path):
    lines = ["series,time,value", "a,1,1", "b,1,x", "a,2,2", "a,4,3", ",5,6", "b,2,3", "b,3,5", "c,1,5", "c,2,6"]
    assert faults(write(tmp_path / "t.csv", *lines)) == [
        "t.csv:3: series `b`: `value` is no number: `x`; write it with a point, as 1234.5",
        f"t.csv:5: series `a`: 1 step is missing between 2 and 4; {ADD}",
        "t.csv:6: no value for `series`",
        "t.csv:9: series `c`: 2 rows do not show how far apart steps are; give 3 at least",
    ]


def test_what_is_no_time(tmp_path):
    path = write(tmp_path / "t.csv", "when,a", "2024-01-01,1", "soon,x", "2024-01-03,3")
    assert faults(path) == [
        "t.csv:3: `a` is no number: `x`; write it with a point, as 1234.5",
        "t.csv:3: `when`: `soon` is no time; write 2024-01-31 or 2024-01-31 13:00, or count the steps in whole numbers",
    ]


def test_several_time_zones(tmp_path):
    path = write(
        tmp_path / "t.csv", "time,a", "2024-03-31T01:00+01:00,1", "2024-03-31T03:00+02:00,2", "2024-03-31T04:00+02:00,3"
    )
    assert faults(path) == [
        "t.csv:3: `time`: its time zone is +02:00, where it was +01:00 before; write all times in one, such as +00:00"
    ]


def test_cells_that_are_missing_hide_no_other_fault_and_make_none(tmp_path):
    path = write(tmp_path / "t.csv", "date,a,b", "2024-01-01,1,2", "2024-01-02,3", "2024-01-03,4,x", "2024-01-04,1,2")
    assert faults(path) == [
        "t.csv:3: has 2 cells, the header has 3",
        "t.csv:4: `b` is no number: `x`; write it with a point, as 1234.5",
    ]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "t.csv: has no rows"),
        (["date,a"], "t.csv: has no rows"),
        (["date,a", "2024-01-01,1"], "t.csv:2: 1 row does not show how far apart steps are; give 3 at least"),
        (["date,a", "2024-01-01,1", "2024-01-02,2"],
         "t.csv:2: 2 rows do not show how far apart steps are; give 3 at least"),
        (["date", "2024-01-01"], "t.csv: has no column beside the time `date`; add one for each series"),
        (["date,a", "2024-01-01,", "2024-01-02,nan"], "t.csv:2: no value for `a` in any row"),
        (["date,a,a", "2024-01-01,1,2"], "t.csv:1: column `a` is there twice"),
        (["date,a,split", "2024-01-01,1,train"],
         "t.csv: has a column `split`, and series are split by time; leave it out"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_table(tmp_path, lines, fault):
    assert faults(write(tmp_path / "t.csv", *lines)) == [fault]


def test_columns_that_are_asked_for_and_not_there(tmp_path):
    path = write(tmp_path / "t.csv", *days("1", "2", "3"))
    assert faults(path, Series(ahead=1, known=("promo", "price"))) == [
        "t.csv: no column `promo`, which is said to be known; it has: date, north",
        "t.csv: no column `price`, which is said to be known; it has: date, north",
    ]
    assert faults(path, Series(ahead=1, names=("north", "south"))) == [
        "t.csv: no column `south`, which the model forecasts; it has: date, north"
    ]


def test_folders_and_other_files_are_refused(tmp_path):
    assert faults(tmp_path / "") == [
        f"{tmp_path}: is a folder; series are split by time, so name the one file they are in".replace(
            f"{tmp_path.parent}/", ""
        )
    ]
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    assert faults(tmp_path / "t.xlsx") == ["t.xlsx: is no table; it must be one of .csv, .tsv, .jsonl"]


def test_a_series_that_never_changes_may_be_allowed(tmp_path):
    path = write(tmp_path / "t.csv", *days("5", "5", "5"))
    assert faults(path) == ["t.csv:2: `north` is 5 from here to the end; leave it out, there is nothing to learn"]
    np.testing.assert_array_equal(only(path, constant=True).table.values, [[5], [5], [5]])
