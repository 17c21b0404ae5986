"""Rolling-origin evaluation, beside the same sums done here."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from series_models import AHEAD, BACK, HOURS, Exported, ahead, long, sales, write

from zoo.backtest import _summary, backtest
from zoo.datasets import clock
from zoo.types import BadData

SEASON = 24


def told(model: Exported, frame: pd.DataFrame, origin: int, names: list[str]) -> np.ndarray:
    """What the chain itself says from a row on, of series side by side with their promotion."""
    window = frame[[*names, "promo"]].to_numpy()[origin - BACK : origin + AHEAD].copy()
    window[BACK:, : len(names)] = 0
    return model.tell(window)["forecast"]


def test_every_cut_off_is_scored_by_hand(together: Exported, tmp_path: Path):
    frame, names = sales(), ["north", "south"]  # nothing behind the end is asked for
    path = write(tmp_path / "my.sales.csv", frame)
    rows = backtest(together.forecaster, path, 3, tmp_path)
    values = frame[names].to_numpy()
    origins = [HOURS - 3 * AHEAD, HOURS - 2 * AHEAD, HOURS - AHEAD]
    scale = np.abs(values[SEASON : origins[0]] - values[: origins[0] - SEASON]).mean(axis=0)
    assert [row["cutoff"] for row in rows] == [*(str(frame["date"][origin - 1]) for origin in origins), "mean"]
    for row, origin in zip(rows, origins, strict=False):
        truth = values[origin : origin + AHEAD]
        said = {
            "": told(together, frame, origin, names),
            "last_value_": np.repeat(values[origin - 1 : origin], AHEAD, axis=0),
            "seasonal_naive_": values[origin - SEASON : origin - SEASON + AHEAD],
        }
        for name, forecast in said.items():
            expected = (np.abs(forecast - truth).mean(axis=0) / scale).mean()
            assert row[f"{name}mase"] == pytest.approx(expected, abs=6e-5)
        percent = 2 * np.abs(said[""] - truth) / (np.abs(said[""]) + np.abs(truth))
        assert row["smape"] == pytest.approx(percent.mean(), abs=6e-5)
    for name in ("mase", "smape", "last_value_mase", "seasonal_naive_mase"):
        assert rows[-1][name] == pytest.approx(np.mean([row[name] for row in rows[:-1] if not row["seen"]]), abs=6e-5)


def test_what_is_written(together: Exported, tmp_path: Path):
    frame = sales()
    path = write(tmp_path / "my.sales.csv", frame)
    backtest(together.forecaster, path, 2, tmp_path)
    assert (tmp_path / "my.sales.backtest.png").read_bytes().startswith(b"\x89PNG")
    found = pd.read_csv(tmp_path / "my.sales.backtest.csv")
    assert found.columns.tolist() == [
        "cutoff", "series", "step", "time", "truth", "forecast", "last_value", "seasonal_naive",
    ]  # fmt: skip
    assert len(found) == 2 * 2 * AHEAD
    origin = HOURS - AHEAD
    last = found[(found["cutoff"] == str(frame["date"][origin - 1])) & (found["series"] == "south")]
    assert last["step"].tolist() == [1, 2, 3, 4]
    assert last["time"].tolist() == [str(time) for time in frame["date"][origin:]]
    np.testing.assert_allclose(last["truth"], frame["south"][origin:])
    np.testing.assert_allclose(last["last_value"], [frame["south"][origin - 1]] * AHEAD)
    np.testing.assert_allclose(last["seasonal_naive"], frame["south"][origin - SEASON : origin - SEASON + AHEAD])
    np.testing.assert_allclose(last["forecast"], told(together, frame, origin, ["north", "south"])[:, 1], rtol=1e-5)


def test_the_forecast_of_a_cut_off_does_not_see_what_comes_after(together: Exported, tmp_path: Path):
    frame = sales()
    later = frame.copy()
    later.loc[HOURS - AHEAD :, ["north", "south"]] *= 9
    said = []
    for number, one in enumerate((frame, later)):
        (tmp_path / str(number)).mkdir()
        backtest(together.forecaster, write(tmp_path / "t.csv", one), 1, tmp_path / str(number))
        said.append(pd.read_csv(tmp_path / str(number) / "t.backtest.csv")["forecast"].to_numpy())
    np.testing.assert_array_equal(*said)


def test_rows_behind_the_end_are_left_alone(together: Exported, tmp_path: Path):
    plain = backtest(together.forecaster, write(tmp_path / "t.csv", sales()), 2, tmp_path)
    assert backtest(together.forecaster, write(tmp_path / "t.csv", ahead(sales())), 2, tmp_path) == plain


def test_cut_offs_before_the_end_of_training_are_marked_and_not_counted(together: Exported, tmp_path: Path):
    frame = sales()
    assert together.forecaster.series.until == str(frame["date"][71])  # the last of val, as 18 rows are test
    rows = backtest(together.forecaster, write(tmp_path / "t.csv", frame), 6, tmp_path)
    # cut-offs after rows 65, 69, 73, ...
    assert [row["seen"] for row in rows] == [True, True, False, False, False, False, False]
    assert rows[-1]["mase"] == pytest.approx(np.mean([row["mase"] for row in rows[2:6]]), abs=6e-5)
    unseen = dataclasses.replace(
        together.forecaster, series=dataclasses.replace(together.forecaster.series, until="2030-01-01 00:00:00")
    )
    rows = backtest(unseen, tmp_path / "t.csv", 2, tmp_path)
    assert [row["seen"] for row in rows] == [True] * 3
    assert rows[-1]["mase"] == pytest.approx(np.mean([row["mase"] for row in rows[:2]]), abs=6e-5)


def test_each_series_alone_in_wide_and_long_files(alone: Exported, tmp_path: Path):
    frame = sales().drop(columns="promo")
    wide = backtest(alone.forecaster, write(tmp_path / "wide.csv", frame), 2, tmp_path)
    assert backtest(alone.forecaster, write(tmp_path / "long.csv", long(frame)), 2, tmp_path) == wide
    found = pd.read_csv(tmp_path / "long.backtest.csv").query("series == 'north'")["forecast"].to_numpy()
    values, times = frame["north"].to_numpy(), [str(time) for time in frame["date"]]
    for number, origin in enumerate((HOURS - 2 * AHEAD, HOURS - AHEAD)):
        series = np.concatenate([values[origin - BACK : origin], np.zeros(AHEAD)])[:, None]
        window = np.concatenate([series, clock.calendar(times[origin - BACK : origin + AHEAD])], axis=1)
        expected = alone.tell(window)["forecast"][:, 0]
        np.testing.assert_allclose(found[number * AHEAD : (number + 1) * AHEAD], expected, rtol=1e-5)


def test_too_few_rows_for_so_many_cut_offs(together: Exported, alone: Exported, tmp_path: Path):
    path = write(tmp_path / "t.csv", sales(30))
    with pytest.raises(
        BadData, match=r"t\.csv: has 30 steps, and 6 cut-offs need 32; ask for less with --backtest, or"
    ):
        backtest(together.forecaster, path, 6, tmp_path)
    assert len(backtest(together.forecaster, path, 5, tmp_path)) == 6
    frame = long(sales(30).drop(columns="promo"))
    path = write(tmp_path / "t.csv", frame[(frame["series"] == "north") | (frame["time"] < "2024-01-01 15:00")])
    with pytest.raises(BadData, match=r"t\.csv: series `south` has 15 steps, and 2 cut-offs need 16"):
        backtest(alone.forecaster, path, 2, tmp_path)


def test_a_series_that_repeats_itself_exactly_has_no_scaled_error(alone: Exported, tmp_path: Path):
    frame = sales()[["date"]].assign(flat=3)
    rows = backtest(alone.forecaster, write(tmp_path / "t.csv", frame), 2, tmp_path)
    assert all(row["mase"] is None and row["last_value_mase"] is None for row in rows)
    assert all(row["smape"] is not None for row in rows)


def test_means_are_over_series_and_steps():
    errors = pd.DataFrame(
        {
            "number": [0, 0, 1, 1], "step": [1, 2, 1, 2], "cutoff": ["5", "5", "10", "10"],
            "smape": [0.1, 0.3, 0.5, 0.7], "forecast": [1.0, 2.0, 3.0, np.nan], "last_value": [1.0] * 4,
            "seasonal_naive": [2.0] * 4,
        }
    )  # fmt: skip
    first, second, mean = _summary(errors, until="9")
    assert first == {
        "cutoff": "5", "seen": True, "mase": 1.5, "smape": 0.2, "last_value_mase": 1.0, "seasonal_naive_mase": 2.0,
    }  # fmt: skip
    assert (second["seen"], second["mase"], mean["mase"], mean["smape"]) == (False, 3.0, 3.0, 0.6)
