"""Sweeps that are not begun: wrong calls, and what they load before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_resume_processes import COMMAND

import zoo
from zoo import catalog, cli
from zoo.types import UsageError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["units=64..8"], "error: `units` must have a range from low to high, got 64..8."),
        (["units=64,"], "error: `units` must have a value between its commas, got '64,'"),
        (["unit=1,2"], "error: there is no setting 'unit', the nearest is 'units'"),
        (["cell=a..b"], "error: `cell` must be a number to have a range, got 'a..b', and it takes one of lstm, gru"),
        (["units=8"], "error: a sweep must vary a setting, and none varies; write a range as"),
        (
            ["units=8,9", "--trials", "0"],
            "error: Invalid value for '--trials': Input should be greater than or equal to 1.",
        ),
        (["units=8,9", "--pruner", "best"], "'best' is not one of 'median', 'hyperband', 'none'."),
        (["units=8,9", "--sample", "--data", "x"], "error: `--sample` and `--data` exclude each other"),
        (["units=8,9", "--data", "x"], "error: `--data` must be a folder or a file, and there is none at x."),
        (["units=8,9", "--limit", "0"], "error: `--limit` must be at least 1 example, got 0."),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["sweep", "adding", *words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and message in said.err and said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_the_recipe_refuses_is_not_recorded(tmp_path: Path):
    words = ("adding", "length=2,30", "--sample")
    done = subprocess.run([*COMMAND, "sweep", *words], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "error: `length` must be at least 20 steps, got 2. Give a longer sequence."
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_without_optuna_it_says_how_to_install_it(tmp_path: Path):
    code = "import sys; sys.modules['optuna'] = None; from zoo.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "sweep", "adding", "units=2,4"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: a sweep needs Optuna, which is not installed; install it: pip install 'lstm-zoo[scale]'\n"
    )
    assert not list(tmp_path.iterdir())


def test_optuna_is_not_loaded_before_a_sweep(tmp_path: Path):
    code = """
import sys, zoo
from zoo import cli
cli.main(["sweep", "adding", "units=2"]); cli.main(["sweep", "--help"]); cli.main(["list"])
print([name for name in ("optuna", "tensorflow", "keras", "mlflow") if name in sys.modules], file=sys.stderr)
zoo.sweep
print("optuna" in sys.modules, "tensorflow" in sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-2:] == ["[]", "False False"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "`trials` must be at least 1, got 0."),
        ({"workers": 0}, "`workers` must be at least 1, got 0."),
        ({"pruner": "best"}, "`pruner` must be one of median, hyperband, none, got 'best'."),
        ({"units": 3}, "`units` must be given once, got 2,4 and 3."),
        ({"unit": 3}, "there is no setting 'unit'"),
    ],
)
def test_wrong_calls_from_python_are_refused(options, message):
    with pytest.raises(UsageError) as caught:
        zoo.sweep("adding", {"units": [2, 4]}, **options)
    assert message in str(caught.value)


def test_the_help_says_what_a_range_is(capsys):
    assert cli.main(["sweep", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "low..high, on a logarithmic scale where high is ten times low or more" in text
    assert "Example: zoo sweep spoken_digits learning_rate=1e-4..1e-2 units=64,128 --trials 20 --workers 2" in text
    assert catalog.settings(catalog.find("spoken_digits")).keys() >= {"learning_rate", "units"}
