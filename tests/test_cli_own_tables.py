"""The user's own table, from the command line to its continuation."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from series_models import ahead, sales, write

from zoo import cli


def test_the_users_own_table_is_learnt_continued_and_tested_in_its_past(place, capsys):
    frame = sales()
    write(Path("sales.csv"), ahead(frame, 6))
    words = ("look_back=24", "horizon=6", "units=8", "segment=6", "epochs=1", "known=promo")
    assert cli.main(["run", "ett", "--data", "sales.csv", *words, "--json"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert (result["data"], result["proof"]) == ("own", "passed")
    assert {"test_mse", "test_mae", "test_smape", "test_mase"} <= set(result["metrics"])
    assert {"baseline_mse", "last_value_mse", "seasonal_naive_mse"} <= set(result["baseline"])
    assert "steps of `h`, a season has 24 of them" in said.err

    assert cli.main(["predict", "latest", "sales.csv"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["forecast"] == "sales.forecast.csv" and Path("sales.forecast.png").exists()
    told = pd.read_csv("sales.forecast.csv")
    assert told.columns.tolist() == ["date", "north", "south"]
    expected = pd.date_range(frame["date"].iloc[-1], periods=7, freq="h")[1:]
    assert told["date"].tolist() == [str(time) for time in expected]
    assert (row["from"], row["to"]) == (str(expected[0]), str(expected[-1]))

    assert cli.main(["predict", "latest", "sales.csv", "--backtest", "2"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    cutoffs = [str(frame["date"].iloc[-13]), str(frame["date"].iloc[-7]), "mean"]
    assert [row["cutoff"] for row in rows] == cutoffs and rows[-1]["mase"] > 0
    assert len(pd.read_csv("sales.backtest.csv")) == 2 * 2 * 6 and Path("sales.backtest.png").exists()

    write(Path("broken.csv"), frame.assign(north="many"))
    assert cli.main(["predict", "latest", "broken.csv"]) == 2
    said = capsys.readouterr().err
    assert f"error: `broken.csv` has {len(frame)} faults; mend or remove these and run again:" in said
    assert "  broken.csv:2: `north` is no number: `many`; write it with a point, as 1234.5" in said


def test_own_tables_are_described_and_refused_without_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(Path("sales.csv"), sales())
    assert cli.main(["data", "ett", "--data", "sales.csv", "look_back=12", "horizon=6"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "names north, south, promo" in lines and "frequency h" in lines
    assert any(line.startswith("test 13 2024-01-04 00:00:00") for line in lines)
    write(Path("gap.csv"), sales().drop(index=40))
    assert cli.main(["run", "ett", "--data", "gap.csv", "look_back=12", "horizon=6"]) == 2
    assert "  gap.csv:42: 1 step is missing between 2024-01-02 15:00:00 and 2024-01-02 17:00:00; add them, or set" in (
        capsys.readouterr().err
    )
    assert cli.main(["data", "ett", "--data", "gap.csv", "look_back=12", "horizon=6", "gaps=fill"]) == 0
    assert cli.main(["data", "electricity", "--sample", "interval=1"]) == 2
    assert "error: `interval` must be a share from 0.001 to 0.999, got 1.0." in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gap.csv", "sales.csv"]
