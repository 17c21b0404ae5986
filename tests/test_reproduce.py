"""A published figure measured again, in real runs of a tiny recipe."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from zoo import catalog, cli, reproduce
from zoo.types import RunError, UsageError

TINY = "length=20 sequences=100 units=2 epochs=1"


def recipe(folder: Path, result: str, command: str = f"zoo run tiny {TINY}") -> Path:
    text = catalog.find("adding").read_text()
    text = re.sub(r"^Result .*?^Command .*?$", f"Result    {result}\nCommand   {command}", text, flags=re.M | re.S)
    file = folder / "tiny.py"
    file.write_text(text)
    return file


@pytest.mark.slow
def test_a_figure_holds_within_two_spreads_and_not_beyond(place: Path, capsys: pytest.CaptureFixture):
    file = recipe(place, "test_mse 0.5 ± 9.0 (3 seeds), baseline 0.2")
    found = reproduce.reproduce(str(file), seeds=1, more=["--limit", "40"])
    assert (found.metric, found.published, found.spread, len(found.values)) == ("test_mse", 0.5, 9.0, 1)
    assert found.holds and found.mean == found.values[0] > 0
    recipe(place, f"test_mse {found.mean + 0.3:.4f} ± 0.1 (3 seeds), baseline 0.2", f"zoo run tiny {TINY} --limit 40")
    assert cli.main(["reproduce", str(file), "--seeds", "1", "--json"]) == 1
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["values"] == [found.values[0]] and again["holds"] is False


def test_what_has_no_figure_cannot_be_reproduced(tmp_path: Path):
    with pytest.raises(UsageError, match=r"must have a figure to reproduce, and its header says: not measured\."):
        reproduce.reproduce(str(recipe(tmp_path, "not measured")))


def test_a_run_that_fails_is_named(tmp_path: Path):
    file = recipe(tmp_path, "test_mse 0.5 ± 0.1 (3 seeds), baseline 0.2", "zoo run tiny unit=3")
    with pytest.raises(RunError, match=r"`zoo run .*tiny\.py unit=3 --seed 0` ended with 2; its reason is above\."):
        reproduce.reproduce(str(file))
