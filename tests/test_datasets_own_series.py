"""The user's own series: how they are split, and what cannot be learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.datasets import own, own_series
from zoo.datasets.windows import history
from zoo.types import BadData, Dataset, Spec, UsageError

DRAWS = np.random.default_rng(0)


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


def wide(steps: int = 100, series: int = 2, frequency: str = "D") -> pd.DataFrame:
    values = DRAWS.normal(10, 1, (steps, series)).round(3)
    times = pd.date_range("2024-01-01", periods=steps, freq=frequency)
    return pd.DataFrame({"date": times, **{name: values[:, at] for at, name in enumerate("abcdef"[:series])}})


def long(lengths: dict[str, int]) -> pd.DataFrame:
    parts = []
    for name, steps in lengths.items():
        times = pd.date_range("2024-01-01", periods=steps, freq="D")
        parts.append(pd.DataFrame({"series": name, "time": times, "value": DRAWS.normal(10, 1, steps).round(3)}))
    return pd.concat(parts)


def load(path: Path, input: Spec) -> Dataset:
    return own.load(path, input, "forecasting")


def faults(path: Path, input: Spec) -> list[str]:
    with pytest.raises(BadData) as caught:
        load(path, input)
    return [fault.replace(f"{path.parent}/", "") for fault in caught.value.faults]


def ids(dataset: Dataset, split: str) -> list[str]:
    return [example["id"].decode() for example in dataset.splits[split].as_numpy_iterator()]


def test_a_wide_table_together_is_split_by_time(tmp_path):
    frame = wide()
    dataset = load(write(tmp_path / "t.csv", frame), history(10, 4))
    assert (dataset.name, dataset.origin, dataset.licence) == ("t.csv", "own", "the user's own data")
    days = frame["date"].dt.strftime("%Y-%m-%d").tolist()
    assert ids(dataset, "train") == days[10:67]  # 70 rows, the last forecast ends with the 70th
    assert ids(dataset, "val") == days[70:77]
    assert ids(dataset, "test") == days[80:97]
    train = frame[["a", "b"]].to_numpy()[:70]
    series = dataset.target.series
    np.testing.assert_allclose(series.center, train.mean(axis=0))
    np.testing.assert_allclose(series.scale, train.std(axis=0))
    assert (series.names, series.frequency, series.season, series.until) == (("a", "b"), "D", 7, days[79])
    window = next(iter(dataset.splits["test"].as_numpy_iterator()))
    np.testing.assert_array_equal(window["input"], frame[["a", "b"]].to_numpy()[70:80].astype(np.float32))
    wanted = (frame[["a", "b"]].to_numpy()[80:84] - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(window["target"], wanted, rtol=1e-5, atol=1e-6)


def test_a_long_file_together_is_the_same(tmp_path):
    frame = wide()
    written = frame.melt("date", ["a", "b"], "series", "value").rename(columns={"date": "time"})
    one = load(write(tmp_path / "wide.csv", frame), history(10, 4))
    other = load(write(tmp_path / "long.csv", written), history(10, 4))
    assert one.fingerprint == other.fingerprint and one.target == other.target


def test_few_series_alone_keep_every_window_of_their_last_fifth(tmp_path):
    dataset = load(write(tmp_path / "t.csv", long({"a": 100, "b": 60})), history(10, 4, alone=True))
    assert dict(dataset.sizes) == {"train": 57 + 29, "val": 7 + 3, "test": 17 + 9}
    assert ids(dataset, "test")[17] == "b 2024-02-18"
    assert dataset.target.series.center == () and dataset.target.unit == ""


def test_many_series_alone_are_told_once_each(tmp_path):
    lengths = {f"s{number:02d}": 40 + number for number in range(20)}
    dataset = load(write(tmp_path / "t.csv", long(lengths)), history(10, 4, alone=True))
    assert (dataset.sizes["val"], dataset.sizes["test"]) == (20, 20)
    assert dataset.sizes["train"] == sum(steps - 8 - 10 - 4 + 1 for steps in lengths.values())
    assert dataset.references["test"]["naive2"].shape == (20, 4, 1)
    assert ids(dataset, "test")[0] == f"s00 {pd.Timestamp('2024-01-01') + pd.Timedelta(days=36):%Y-%m-%d}"


def test_known_columns_and_the_calendar(tmp_path):
    frame = wide(series=1).assign(promo=DRAWS.integers(0, 2, 100))
    path = write(tmp_path / "t.csv", frame)
    dataset = load(path, history(10, 4, alone=True, known="promo", calendar=True))
    assert dataset.input.shape == (14, 8)
    window = next(iter(dataset.splits["test"].as_numpy_iterator()))["input"]
    np.testing.assert_array_equal(window[:, 1], frame["promo"][70:84])
    np.testing.assert_allclose(window[0, 4:6], [np.sin(2 * np.pi * 0 / 7), np.cos(2 * np.pi * 0 / 7)], atol=1e-6)
    assert frame["date"][70].day_of_week == 0
    assert not window[10:, 0].any()
    counted = write(tmp_path / "counted.csv", frame.assign(date=range(100)))
    assert faults(counted, history(10, 4, alone=True, calendar=True)) == [
        "counted.csv: its times are counts and no dates, which the calendar needs; set calendar=false"
    ]


def test_series_that_are_too_short(tmp_path):
    path = write(tmp_path / "t.csv", wide(40))
    assert faults(path, history(30, 5)) == [
        "t.csv: has 40 steps, of which 27 are left to train on, and look_back + horizon is 30 + 5; set look_back=22 or "
        "less, or add rows"
    ]
    assert load(path, history(22, 5)).sizes["train"] == 1
    assert faults(path, history(10, 30)) == [
        "t.csv: has 40 steps, of which 0 are left to train on, and look_back + horizon is 10 + 30; set a smaller "
        "horizon and look_back, or add rows"
    ]
    path = write(tmp_path / "long.csv", long({"a": 100, "b": 12, "c": 11}))
    assert [fault.split(",")[0] for fault in faults(path, history(10, 4, alone=True))] == [
        "long.csv: series `b` has 12 steps", "long.csv: series `c` has 11 steps",
    ]  # fmt: skip


def test_a_series_that_is_constant_where_it_is_trained(tmp_path):
    frame = wide()
    frame.loc[:75, "b"] = 3.5
    assert faults(write(tmp_path / "t.csv", frame), history(10, 4)) == [
        "t.csv: `b` is 3.5 in all of the 70 train rows; leave it out"
    ]
    frame["b"] = 3.5
    assert faults(write(tmp_path / "t.csv", frame), history(10, 4)) == [
        "t.csv:2: `b` is 3.5 from here to the end; leave it out, there is nothing to learn"
    ]


def test_logarithms_need_positive_values(tmp_path):
    frame = wide(series=1)
    frame.loc[20, "a"] = -2.5
    path = write(tmp_path / "t.csv", frame)
    assert faults(path, history(10, 4, alone=True, positive=True)) == [
        "t.csv: series `a` is -2.5 at 2024-01-21, and this recipe works on logarithms; take one that does not"
    ]
    assert load(path, history(10, 4, alone=True)).sizes["train"] == 57


def test_series_side_by_side_need_the_same_times_and_the_same_known_columns(tmp_path):
    remedy = "this recipe reads series side by side; give all the same, or take one that reads each series alone"
    path = write(tmp_path / "t.csv", long({"a": 100, "b": 60}))
    assert faults(path, history(10, 4)) == [
        "t.csv: series `b` goes from 2024-01-01 to 2024-02-29, and `a` from 2024-01-01 to 2024-04-09; " + remedy
    ]
    frame = long({"a": 60, "b": 60}).assign(promo=[0] * 60 + [1] * 60)
    assert faults(write(tmp_path / "t.csv", frame), history(10, 4, known="promo")) == [
        "t.csv: series `b` and `a` differ in what is known at the same time; " + remedy
    ]


def test_paths_that_hold_no_series(tmp_path):
    assert faults(tmp_path, history(3, 1))[0].endswith(
        "is a folder; series are split by time, so name the one file they are in"
    )
    with pytest.raises(UsageError, match=r"`.*no\.csv` does not exist; give a folder or a file"):
        load(tmp_path / "no.csv", history(3, 1))
    (tmp_path / "empty.csv").write_text("")
    assert faults(tmp_path / "empty.csv", history(3, 1)) == ["empty.csv: has no rows"]


def test_nothing_in_train_depends_on_what_comes_later(tmp_path):
    """Not even where a column is the value of the next row."""
    frame = wide(series=1)
    frame["leak"] = frame["a"].shift(-1).fillna(0)
    dataset = load(write(tmp_path / "t.csv", frame), history(10, 4))
    later = frame.copy()
    later.loc[70:, ["a", "leak"]] *= -50
    changed = load(write(tmp_path / "later.csv", later), history(10, 4))
    assert dataset.target.series == changed.target.series  # statistics, season, frequency, until
    for one, other in zip(*(each.splits["train"].as_numpy_iterator() for each in (dataset, changed)), strict=True):
        np.testing.assert_array_equal(one["input"], other["input"])
        np.testing.assert_array_equal(one["target"], other["target"])


def test_cuts_are_shares_of_the_rows_and_hold_a_forecast():
    assert own_series._cut(100, 4, many=False) == (70, 80, 100)
    assert own_series._cut(100, 30, many=False) == (40, 70, 100)
    assert own_series._cut(100, 30, many=True) == (40, 70, 100)
    assert own_series._cut(1000, 24, many=True) == (952, 976, 1000)
