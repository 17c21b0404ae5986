"""What `zoo data` says of series; of other data `test_runs.py` does."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zoo import terminal
from zoo.datasets.windows import Table, as_dataset, history
from zoo.describe import describe
from zoo.types import Dataset

ABOUT = {"name": "n", "version": "1", "origin": "own", "citation": "", "licence": "mine"}


def made(tables: list[Table], alone: bool, known: str = "", final: bool = False) -> Dataset:
    cuts = [(len(table.values) - 20, len(table.values) - 10, len(table.values)) for table in tables]
    input = history(5, 3, alone=alone, known=known)
    return as_dataset(tables, cuts, input, standardise=not alone, final=final, **ABOUT)


def table(name: str, times: tuple[str, ...], frequency: str = "", **known) -> Table:
    values = np.random.default_rng(0).normal(size=(len(times), 1))
    return Table(times=times, names=(name,), values=values, frequency=frequency, **known)


HOURS = tuple(str(time) for time in pd.date_range("2024-01-01", periods=48, freq="h"))


def test_a_table_with_dates(capsys):
    known = {"known": ("promo",), "known_values": np.ones((48, 1))}
    about = describe(made([table("north", HOURS, "h", **known)], alone=False, known="promo"))
    assert about["splits"] == {
        "train": {"windows": 21, "from": "2024-01-01 05:00:00", "to": "2024-01-02 03:00:00"},
        "val": {"windows": 8, "from": "2024-01-02 04:00:00", "to": "2024-01-02 13:00:00"},
        "test": {"windows": 8, "from": "2024-01-02 14:00:00", "to": "2024-01-02 23:00:00"},
    }
    facts = ("series", "names", "known", "frequency", "season", "look_back", "horizon")
    assert [about[fact] for fact in facts] == [1, ["north"], ["promo"], "h", 24, 5, 3]
    assert about["input"] == "history: float32[step=8, column=2]"
    terminal.print_data(about)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in ("names north", "known promo", "frequency h", "season 24", "look_back 5", "horizon 3"):
        assert line in lines
    assert "split windows from to" in lines
    assert "test 8 2024-01-02 14:00:00 2024-01-02 23:00:00" in lines


def test_many_series_alone_are_counted_and_named_shortly(capsys):
    names = [f"customer {number}" for number in range(30)]
    about = describe(made([table(name, HOURS, "h") for name in names], alone=True))
    assert (about["series"], about["names"]) == (30, names)
    assert about["splits"]["test"] == {"windows": 240, "from": "2024-01-02 14:00:00", "to": "2024-01-02 23:00:00"}
    terminal.print_data(about)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("names"))
    assert line.endswith(", ...") and "customer 0, customer 1, customer 2," in line and len(line) < 170


def test_counted_steps():
    tens = tuple(str(10 * step) for step in range(1, 49))
    about = describe(made([table("a", tens), table("b 7", tens[:40])], alone=True))
    assert (about["frequency"], about["season"], about["names"]) == ("counted steps", 1, ["a", "b 7"])
    assert about["splits"]["test"] == {"windows": 16, "from": "310", "to": "480"}
