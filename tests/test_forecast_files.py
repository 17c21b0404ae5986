"""Forecasts that continue the user's own tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from series_models import AHEAD, BACK, HOURS, Exported, ahead, exported, long, sales, write

from zoo import serve
from zoo.datasets import clock
from zoo.forecast_files import Continued, forecast, stem, written
from zoo.forecast_files import write as write_forecast
from zoo.types import BadData, UsageError

NEXT = [str(time) for time in pd.date_range("2024-01-01", periods=HOURS + AHEAD, freq="h")][HOURS:]

LAST = str(pd.Timestamp(NEXT[0]) - pd.Timedelta(hours=1))


def window(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """The last steps of a table with its promotion ahead, as a model reads it: zeros where series are not known."""
    return frame[[*names, "promo"]].fillna(0).to_numpy()[-BACK - AHEAD :]


def dated(values: np.ndarray, end: int = HOURS) -> np.ndarray:
    """A window of one series with its calendar."""
    times = [str(time) for time in pd.date_range("2024-01-01", periods=end + AHEAD, freq="h")][-BACK - AHEAD :]
    series = np.concatenate([values, np.zeros(AHEAD)])[:, None]
    return np.concatenate([series, clock.calendar(times)], axis=1)


def faults(model: Exported, path: Path) -> list[str]:
    with pytest.raises(BadData) as caught:
        forecast(model.forecaster, path)
    return [fault.replace(f"{path.parent}/", "") for fault in caught.value.faults]


def test_what_a_forecaster_says_of_itself(together: Exported, alone: Exported):
    one, other = together.forecaster, alone.forecaster
    assert (one.look_back, one.series) == (BACK, together.chain.input.series)
    assert (one.alone, other.alone) == (False, True)
    about = json.loads((together.folder / "model.json").read_text())
    assert about["signatures"] == {"serving_default": ["history", "known"]}
    assert about["series"]["names"] == ["north", "south"] and about["series"]["frequency"] == "h"


def test_a_table_is_continued_from_its_last_window(together: Exported, tmp_path: Path):
    frame = ahead(sales())
    (made,) = forecast(together.forecaster, write(tmp_path / "t.csv", frame))
    expected = together.tell(window(frame, ["north", "south"]))["forecast"]
    np.testing.assert_allclose(made.forecast, expected, rtol=1e-5)
    assert list(made.times) == NEXT and made.quantiles is None
    assert made.forecast[0, 1] > 100 * made.forecast[0, 0]  # in own units


def test_columns_in_another_order_and_a_long_file_are_the_same(together: Exported, tmp_path: Path):
    frame = ahead(sales())
    (made,) = forecast(together.forecaster, write(tmp_path / "t.csv", frame))
    turned = frame.assign(note=1)[["promo", "south", "note", "date", "north"]]
    for other in (
        write(tmp_path / "turned.csv", turned),
        write(tmp_path / "long.csv", long(frame).sample(frac=1, random_state=0).sort_values("time")),
    ):
        (again,) = forecast(together.forecaster, other)
        np.testing.assert_array_equal(again.forecast, made.forecast)
        assert again.times == made.times and again.found.table.names == ("north", "south")


def test_another_table_of_the_same_series_is_continued_too(together: Exported, tmp_path: Path):
    frame = ahead(sales(hours=BACK, seed=5))
    (made,) = forecast(together.forecaster, write(tmp_path / "short.csv", frame))
    np.testing.assert_allclose(made.forecast, together.tell(window(frame, ["north", "south"]))["forecast"], rtol=1e-5)


def test_each_series_alone(alone: Exported, tmp_path: Path):
    frame = sales().drop(columns="promo")
    (made,) = forecast(alone.forecaster, write(tmp_path / "t.csv", frame))
    assert made.forecast.shape == (AHEAD, 2) and made.quantiles.shape == (AHEAD, 2, 3)
    for column, name in enumerate(("north", "south")):
        expected = alone.tell(dated(frame[name].to_numpy()[-BACK:]))
        np.testing.assert_allclose(made.forecast[:, column], expected["forecast"][:, 0], rtol=1e-5)
        np.testing.assert_allclose(made.quantiles[:, column], expected["quantiles"][:, 0], rtol=1e-5)
    ends = long(frame)
    ends = ends[(ends["series"] == "north") | (ends["time"] < "2024-01-03")]
    first, second = forecast(alone.forecaster, write(tmp_path / "long.csv", ends))
    np.testing.assert_allclose(first.forecast[:, 0], made.forecast[:, 0], rtol=1e-6)
    assert second.times[0] == "2024-01-03 00:00:00"  # each series goes on from its own end
    expected = alone.tell(dated(frame["south"].to_numpy()[40:48], end=48))
    np.testing.assert_allclose(second.forecast, expected["forecast"], rtol=1e-5)


def test_a_series_that_never_changes_is_continued(alone: Exported, tmp_path: Path):
    (made,) = forecast(alone.forecaster, write(tmp_path / "t.csv", sales()[["date"]].assign(flat=7)))
    assert np.isfinite(made.forecast).all() and np.isfinite(made.quantiles).all()


def test_what_must_be_known_ahead_and_is_not(together: Exported, tmp_path: Path):
    remedy = "add rows with the time and these columns only"
    assert faults(together, write(tmp_path / "t.csv", sales())) == [
        f"t.csv: `promo` must be known for the 4 steps after {LAST}, and known for 0; {remedy}"
    ]
    assert faults(together, write(tmp_path / "t.csv", ahead(sales(), 2)))[0].endswith(f"and known for 2; {remedy}")
    assert faults(together, write(tmp_path / "t.csv", sales().drop(columns="promo"))) == [
        "t.csv: no column `promo`, which is said to be known; it has: date, north, south"
    ]


def test_tables_that_do_not_fit_the_model(together: Exported, alone: Exported, tmp_path: Path):
    frame = sales()
    path = tmp_path / "t.csv"
    write(path, frame.assign(date=pd.date_range("2024-01-01", periods=HOURS, freq="30min")))
    said = ["t.csv: has steps of `30min`, and the model was trained on steps of `h`; give those"]
    assert faults(together, path) == said
    write(path, frame[["north"]].assign(step=range(HOURS)))
    assert faults(alone, path) == ["t.csv: has counted steps, and the model was trained on steps of `h`; give those"]
    write(path, frame[:5].drop(columns="promo"))
    assert faults(alone, path) == ["t.csv: has 5 steps, and the model looks back on 8; add rows"]
    write(path, ahead(frame).drop(columns="south"))
    assert faults(together, path) == ["t.csv: no column `south`, which the model forecasts; it has: date, north, promo"]
    write(path, long(ahead(frame)).query("series == 'north'"))
    assert faults(together, path) == ["t.csv: no series `south`, which the model forecasts"]
    unequal = long(ahead(frame))
    write(path, unequal.drop(unequal[unequal["series"] == "south"].index[0]))
    assert faults(together, path) == ["t.csv: its series have different times; give all of them the same"]
    both = long(frame.drop(columns="promo"))
    write(path, both[(both["series"] == "north") | (both["time"] < "2024-01-01 03:00")])
    assert faults(alone, path) == ["t.csv: series `south` has 3 steps, and the model looks back on 8; add rows"]


def test_gaps_are_treated_as_in_training(alone: Exported, tmp_path_factory, tmp_path: Path):
    frame = sales()[["date", "north"]]
    path = write(tmp_path / "t.csv", frame.drop(index=HOURS - 3))
    assert "1 step is missing between" in faults(alone, path)[0]
    filling = exported(tmp_path_factory.mktemp("filling"), "electricity", frame.drop(index=50), gaps="fill")
    (made,) = forecast(filling.forecaster, path)
    values = frame["north"].to_numpy()[-BACK:].copy()
    values[-3] = values[-4]
    np.testing.assert_allclose(made.forecast, filling.tell(dated(values))["forecast"], rtol=1e-5)


def test_models_of_logarithms_need_positive_values(tmp_path_factory, tmp_path: Path):
    frame = sales()[["date", "north"]]
    model = exported(tmp_path_factory.mktemp("logarithms"), "m4_hourly", frame)
    frame.loc[80, "north"] = 0
    assert faults(model, write(tmp_path / "t.csv", frame)) == [
        "t.csv: is 0 at 2024-01-04 08:00:00, and the model works on logarithms; take one that does not"
    ]


def test_written_table_continues_the_given_one(together: Exported, tmp_path: Path):
    path = write(tmp_path / "my.sales.csv", ahead(sales()))
    made = forecast(together.forecaster, path)
    csv, png = write_forecast(path, made, tmp_path)
    assert (csv.name, png.name) == ("my.sales.forecast.csv", "my.sales.forecast.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    found = pd.read_csv(csv)
    assert found.columns.tolist() == ["date", "north", "south"]
    assert found["date"].tolist() == NEXT
    np.testing.assert_allclose(found[["north", "south"]], made[0].forecast, rtol=1e-6)
    assert "e+" not in csv.read_text()


def test_intervals_stand_beside_and_long_files_stay_long(alone: Exported, tmp_path: Path):
    frame = sales().drop(columns="promo")
    path = write(tmp_path / "t.csv", frame)
    csv, _ = write_forecast(path, forecast(alone.forecaster, path), tmp_path)
    wide = pd.read_csv(csv)
    assert wide.columns.tolist() == ["date", "north", "north_low", "north_high", "south", "south_low", "south_high"]
    assert (wide["north_low"] <= wide["north"]).all() and (wide["north"] <= wide["north_high"]).all()
    path = write(tmp_path / "long.csv", long(frame))
    csv, _ = write_forecast(path, forecast(alone.forecaster, path), tmp_path)
    told = pd.read_csv(csv)
    assert told.columns.tolist() == ["series", "time", "value", "value_low", "value_high"]
    assert told["series"].tolist() == ["north"] * AHEAD + ["south"] * AHEAD
    np.testing.assert_allclose(told["value"][:AHEAD], wide["north"], rtol=1e-6)
    path = write(tmp_path / "one.csv", long(frame).query("series == 'north'"))
    csv, _ = write_forecast(path, forecast(alone.forecaster, path), tmp_path)
    assert pd.read_csv(csv).columns.tolist() == told.columns.tolist()


def test_counted_steps_go_on_by_their_own_step(tmp_path_factory, tmp_path: Path):
    frame = sales()[["north"]].assign(step=range(10, 10 + 5 * HOURS, 5))
    model = exported(tmp_path_factory.mktemp("counts"), "electricity", frame, calendar=False)
    path = write(tmp_path / "t.csv", frame)
    (made,) = forecast(model.forecaster, path)
    last = 10 + 5 * (HOURS - 1)
    assert made.times == tuple(str(last + 5 * step) for step in range(1, AHEAD + 1))
    csv, png = write_forecast(path, [made], tmp_path)
    assert pd.read_csv(csv)["step"].tolist() == [last + 5 * step for step in range(1, AHEAD + 1)]
    assert png.exists()


def test_no_more_digits_than_there_are():
    assert written(np.array([12.3, 2226359.0, 0.1], np.float32)).tolist() == [12.3, 2226359.0, 0.1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sales.csv", "sales"), ("sales.2024.tsv.gz", "sales.2024"), ("A.CSV", "A"), ("x.jsonl", "x")],
)
def test_stem(name, expected):
    assert stem(Path("folder") / name) == expected


def test_predictions_are_a_row_a_table(alone: Exported, tmp_path: Path):
    frame = sales().drop(columns="promo")
    files = [write(tmp_path / "t.csv", frame), write(tmp_path / "long.csv", long(frame))]
    wide, first, second = alone.model.predict(files)
    assert (wide["file"], wide["time"], list(wide["forecast"])) == (str(files[0]), NEXT, ["north", "south"])
    assert list(first["forecast"]) == ["north"] and list(second["forecast"]) == ["south"]
    np.testing.assert_allclose(first["forecast"]["north"], wide["forecast"]["north"], rtol=1e-6)
    assert np.shape(wide["quantiles"]["south"]) == (AHEAD, 3)
    json.dumps(wide)


def test_tables_of_one_name_are_not_written_over_each_other(alone: Exported, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    files = [write(place / "t.csv", sales().drop(columns="promo")) for place in (Path(), Path("other"))]
    with pytest.raises(UsageError, match=r"`FILE` must have names of their own, .* `t\.csv`, `other/t\.csv` have not"):
        serve.continue_tables(alone.forecaster, files)
    (row,) = serve.continue_tables(alone.forecaster, files[:1])
    assert row == {
        "file": "t.csv", "forecast": "t.forecast.csv", "picture": "t.forecast.png", "from": NEXT[0], "to": NEXT[-1],
    }  # fmt: skip


def test_faults_of_all_files_are_said_at_once(alone: Exported, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = sales().drop(columns="promo")
    write(Path("good.csv"), frame)
    write(Path("short.csv"), frame[:4])
    write(Path("text.csv"), frame.assign(north="x")[:9])
    asked = [Path(name) for name in ("short.csv", "good.csv", "text.csv", "missing.csv")]
    for call in (alone.model.predict, lambda paths: serve.continue_tables(alone.forecaster, paths)):
        with pytest.raises(UsageError) as caught:
            call(asked)
        said = str(caught.value).splitlines()
        assert [line for line in said if line.startswith("`")] == [
            f"`{name}` has {count}; mend or remove these and run again:"
            for name, count in (("short.csv", "1 fault"), ("text.csv", "9 faults"), ("missing.csv", "1 fault"))
        ]
    assert not list(tmp_path.glob("*.forecast.*"))  # nothing is written where something is wrong


def test_a_picture_of_many_series_is_cut(alone: Exported, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("zoo.forecast_files.MOST_SERIES", 2)
    frame = sales()[["date", "north"]].assign(a=sales()["north"], b=sales()["south"])
    made: list[Continued] = forecast(alone.forecaster, write(tmp_path / "t.csv", frame))
    from zoo import forecast_files

    figure = forecast_files._picture("t.csv", made)
    assert len(figure.axes) == 2
    given, told = figure.axes[0].get_lines()[:2]
    np.testing.assert_allclose(given.get_ydata(), frame["north"].to_numpy()[-3 * AHEAD :])
    np.testing.assert_allclose(told.get_ydata(), made[0].forecast[:, 0])
