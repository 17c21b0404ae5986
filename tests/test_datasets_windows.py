"""Windows over tables, against plain slices; and that nothing in train looks ahead."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from zoo.datasets import clock, windows
from zoo.datasets.windows import Table, as_dataset, history, look_back, season_of, seasonal_error
from zoo.types import Dataset, Spec, UsageError

ABOUT = {"name": "n", "version": "", "origin": "generated", "citation": "", "licence": ""}
BACK, AHEAD = 5, 3
STEPS, CUT = 40, (24, 31, 40)


def table(steps: int = STEPS, series: int = 2, known: int = 0, seed: int = 0) -> Table:
    draws = np.random.default_rng(seed)
    return Table(
        times=tuple(str(step) for step in range(steps)),
        names=tuple("abcdef"[:series]),
        values=draws.normal(10, 3, (steps, series)),
        known=tuple("xyz"[:known]),
        known_values=draws.normal(5, 2, (steps, known)) if known else None,
        season=4,
    )


def made(one: Table | None = None, cut=CUT, **options) -> Dataset:
    one = one or table()
    names = ",".join(one.known)
    options = {"standardise": True, **options}
    return as_dataset([one], [cut], history(BACK, AHEAD, known=names), **options, **ABOUT)


def read(dataset: Dataset, split: str) -> list[dict]:
    return list(dataset.splits[split].as_numpy_iterator())


def test_every_window_is_a_slice_and_belongs_where_all_of_its_future_is():
    one = table()
    dataset = made(one)
    first_told = {"train": range(5, 22), "val": range(24, 29), "test": range(31, 38)}
    mean, deviation = one.values[:24].mean(axis=0), one.values[:24].std(axis=0)
    for split, places in first_told.items():
        rows = read(dataset, split)
        assert [row["id"].decode() for row in rows] == [str(place) for place in places]
        assert dataset.sizes[split] == len(rows) == dataset.splits[split].cardinality().numpy()
        for row, place in zip(rows, places, strict=True):
            np.testing.assert_array_equal(row["input"], one.values[place - 5 : place].astype(np.float32))
            wanted = (one.values[place : place + 3] - mean) / deviation
            np.testing.assert_allclose(row["target"], wanted, rtol=1e-6, atol=1e-6)
    assert first_told["train"][-1] + AHEAD == CUT[0] and first_told["test"][-1] + AHEAD == STEPS


def test_what_it_says_of_itself():
    dataset = made()
    series = dataset.target.series
    assert series == dataset.input.series
    assert (series.ahead, series.names, series.season, series.frequency) == (3, ("a", "b"), 4, "")
    assert series.until == "30"  # the last step of val; the test begins with the next
    np.testing.assert_allclose(series.center, table().values[:24].mean(axis=0))
    np.testing.assert_allclose(series.scale, table().values[:24].std(axis=0))
    assert str(dataset.input) == "history: float32[step=5, column=2]"
    assert str(dataset.target) == "forecast: float32[step=3, series=2] in standard deviations"
    assert history(BACK, AHEAD).accepts(dataset.input)
    assert dataset.references["test"]["seasonal_error"].shape == (7, 2)


def test_only_train_rows_make_the_statistics():
    one = table(known=1)
    other = dataclasses.replace(one, values=one.values.copy(), known_values=one.known_values.copy())
    other.values[CUT[0] :] *= 1000
    other.known_values[CUT[0] :] += 500
    assert made(one).target.series == made(other).target.series


def looks_ahead(split: str, border: int) -> bool:
    """Whether any window of a split, or the statistics, change with the rows from a border on."""
    one = table(known=1)
    later = dataclasses.replace(one, values=one.values.copy(), known_values=one.known_values.copy())
    later.values[border:] = -1e6
    later.known_values[border:] = -1e6
    before, after = made(one), made(later)
    pairs = zip(read(before, split), read(after, split), strict=True)
    same = [np.array_equal(a[part], b[part]) for a, b in pairs for part in ("input", "target")]
    return before.target.series != after.target.series or not all(same)


def test_nothing_looks_ahead():
    assert not looks_ahead("train", CUT[0])
    assert not looks_ahead("val", CUT[1])
    assert looks_ahead("val", CUT[0])  # the check itself sees what changes
    assert looks_ahead("test", CUT[1])


def test_a_planted_leak_is_caught(monkeypatch):
    described, starts = windows._described, windows._starts

    def of_all_rows(tables, cuts, *rest):
        return described(tables, [(STEPS, *cut[1:]) for cut in cuts], *rest)

    def one_step_late(cuts, *rest):
        return starts([(cut[0] + 1, *cut[1:]) for cut in cuts], *rest)

    for name, leak in (("_described", of_all_rows), ("_starts", one_step_late)):
        with monkeypatch.context() as patch:
            patch.setattr(windows, name, leak)
            assert looks_ahead("train", CUT[0])
    assert not looks_ahead("train", CUT[0])


def test_the_past_of_a_window_ends_where_its_future_begins():
    one = table()
    for step in range(31, 38):
        later = dataclasses.replace(one, values=np.where(np.arange(STEPS)[:, None] >= step, 1e6, one.values))
        before, after = (read(made(each), "test")[step - 31] for each in (one, later))
        assert before["id"].decode() == str(step)
        np.testing.assert_array_equal(before["input"], after["input"])
        assert (after["target"] > 1e4).all()


def test_known_columns_go_on_and_series_do_not():
    one = table(known=2)
    dataset = made(one)
    assert look_back(dataset.input) == BACK and dataset.input.shape == (BACK + AHEAD, 4)
    for place, row in zip(range(24, 29), read(dataset, "val"), strict=True):
        np.testing.assert_array_equal(row["input"][:BACK, :2], one.values[place - 5 : place].astype(np.float32))
        assert not row["input"][BACK:, :2].any()
        np.testing.assert_array_equal(row["input"][:, 2:], one.known_values[place - 5 : place + 3].astype(np.float32))
    # a series that is seen in the future would be here too
    changed = dataclasses.replace(one, values=one.values + np.where(np.arange(STEPS) >= 26, 99.0, 0)[:, None])
    before, after = read(dataset, "val")[2], read(made(changed), "val")[2]
    assert before["id"] == b"26"
    np.testing.assert_array_equal(before["input"], after["input"])


def test_known_columns_are_standardised_by_train_and_the_calendar_is_not():
    days = clock.onwards("2023-12-31", "D", STEPS)
    one = table(series=1, known=1)
    calendar = clock.calendar(days)
    one = dataclasses.replace(
        one,
        times=days,
        frequency="D",
        known=("x", *clock.COLUMNS),
        known_values=np.concatenate([one.known_values, calendar], axis=1),
    )
    input = history(BACK, AHEAD, alone=True, known="x", calendar=True)
    series = as_dataset([one], [CUT], input, standardise=False, **ABOUT).input.series
    assert series.center == series.scale == ()
    assert series.known == ("x", *clock.COLUMNS)
    np.testing.assert_allclose(series.known_center, [one.known_values[:24, 0].mean(), *[0] * 6])
    np.testing.assert_allclose(series.known_scale, [one.known_values[:24, 0].std(), *[1] * 6])


def test_known_columns_that_never_change_in_train_are_not_divided_by_nothing():
    one = table(known=1)
    one.known_values[:30] = 0.1
    series = made(one).input.series
    np.testing.assert_allclose(series.known_center, [0.1])
    assert series.known_scale == (1.0,)


def test_series_alone_are_windows_one_after_the_other():
    one = table()
    short = table(steps=30, series=1, seed=1)
    tables, cuts = [*one.alone(), short], [CUT, CUT, (20, 25, 30)]
    dataset = as_dataset(tables, cuts, history(BACK, AHEAD, alone=True), standardise=False, **ABOUT)
    assert dict(dataset.sizes) == {"train": 17 + 17 + 13, "val": 5 + 5 + 3, "test": 7 + 7 + 3}
    test = read(dataset, "test")
    assert [row["id"].decode() for row in test] == [
        *(f"a {place}" for place in range(31, 38)), *(f"b {place}" for place in range(31, 38)), "a 25", "a 26", "a 27",
    ]  # fmt: skip
    np.testing.assert_array_equal(test[8]["input"], one.values[27:32, [1]].astype(np.float32))
    np.testing.assert_array_equal(test[-1]["target"], short.values[27:30].astype(np.float32))
    assert dataset.target.unit == "" and dataset.target.series.names == ("value",)
    assert dataset.references["test"]["series"].tolist() == ["a"] * 7 + ["b"] * 7 + ["a"] * 3
    assert dataset.target.series.until == "30"  # as a number; as a text "24" and "30" would do, and "9" too


def test_until_of_counts_is_the_greatest_number():
    tables = [table(steps, series=1) for steps in (12, 120)]
    dataset = as_dataset(
        tables, [(8, 9, 12), (100, 111, 120)], history(2, 1, alone=True), standardise=False, **ABOUT
    )  # fmt: skip
    assert dataset.target.series.until == "110"


def test_final_lets_train_reach_into_val():
    one = table()
    dataset = made(one, final=True)
    assert [row["id"].decode() for row in read(dataset, "train")][-1] == "28"
    assert read(dataset, "val")[-1]["id"] == b"28"
    assert dataset.target.series == made(one).target.series
    assert dataset.fingerprint != made(one).fingerprint


def test_most_takes_windows_evenly_apart():
    dataset = made(most={"train": 5, "val": 100})
    assert [int(row["id"]) for row in read(dataset, "train")] == [5, 9, 13, 17, 21]
    assert dataset.sizes["val"] == 5
    tables = table().alone()
    dataset = as_dataset(
        tables, [CUT, CUT], history(BACK, AHEAD, alone=True), standardise=False, most={"train": 4}, **ABOUT
    )
    assert [row["id"].decode() for row in read(dataset, "train")] == ["a 5", "a 16", "b 10", "b 21"]


def test_references_of_series_told_once():
    draws = np.random.default_rng(3)
    season = np.array([1.0, 2.0, 4.0, 3.0])
    tables = [
        dataclasses.replace(table(series=1, seed=seed), values=(10 * np.tile(season, 10) + draws.random(40))[:, None])
        for seed in range(2)
    ]
    cut = (34, 37, 40)
    dataset = as_dataset(tables, [cut, cut], history(BACK, AHEAD, alone=True), standardise=False, **ABOUT)
    found = dataset.references["test"]
    assert found["naive2"].shape == (2, 3, 1)
    for one, told, error in zip(tables, found["naive2"], found["seasonal_error"], strict=True):
        before = one.values[:37, 0]
        expected = windows.naive2(before, 4, 3)
        np.testing.assert_allclose(told[:, 0], expected, rtol=1e-6)
        np.testing.assert_allclose(error, np.mean([abs(before[t] - before[t - 4]) for t in range(4, 37)]))
    assert "naive2" not in made().references["test"]


def test_seasonal_error_by_hand():
    values = np.array([[1.0, 5.0], [4.0, 5.0], [2.0, 6.0], [8.0, 6.0]])
    np.testing.assert_allclose(seasonal_error(values, 2), [(1 + 4) / 2, (1 + 1) / 2])
    np.testing.assert_allclose(seasonal_error(values, 1), [(3 + 2 + 6) / 3, 1 / 3])
    np.testing.assert_allclose(seasonal_error(values, 4), seasonal_error(values, 1))  # no season to look back on
    np.testing.assert_allclose(seasonal_error(values[:1], 1), [0, 0])


def test_fingerprint_follows_data_cuts_and_windows():
    base = made().fingerprint
    assert base == made().fingerprint
    others = [
        made(table(seed=1)), made(cut=(23, 31, 40)), made(most={"train": 3}),
        made(dataclasses.replace(table(), names=("a", "c"))), made(table(known=1)),
    ]  # fmt: skip
    assert len({base, *(other.fingerprint for other in others)}) == 6


@pytest.mark.parametrize(
    ("frequency", "season"),
    [
        ("", 1), ("h", 24), ("15min", 96), ("30min", 48), ("2h", 12), ("5h", 1), ("12h", 2), ("D", 7), ("B", 5),
        ("W-SUN", 52), ("MS", 12), ("ME", 12), ("QS-FEB", 4), ("QE-DEC", 4), ("YS-JAN", 1), ("28D", 1), ("min", 1440),
    ],
)  # fmt: skip
def test_seasons(frequency, season):
    assert season_of(frequency) == season


def test_history_spec():
    spec = history(7, 3, known=" promo, price ,", calendar=True, gaps="fill")
    assert spec.series.known == ("promo", "price", *clock.COLUMNS)
    assert (spec.shape, spec.series.gaps, look_back(spec)) == ((10, None), "fill", 7)
    assert history(7, 3, alone=True).shape == (7, 1)
    assert history(7, 3, alone=True, known="x", positive=True) == Spec(
        name="history", kind="series", shape=(10, 2), dtype="float32", axes=("step", "column"),
        series=windows.Series(ahead=3, known=("x",), positive=True),
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"`look_back` must be at least 1 step, got 0\."):
        history(0, 3)
    with pytest.raises(UsageError, match=r"`horizon` must be at least 1 step, got -1\."):
        history(7, -1)
