"""What the terminal shows: tables of results, runs and comparisons."""

from __future__ import annotations

import os
import subprocess
import sys

from test_cli import ROOT

from zoo import terminal
from zoo.types import RunResult

RESULT = RunResult(
    run_id="0123456789abcdef",
    name="wide",
    recipe="spoken_digits",
    data="sample",
    metrics={"test_accuracy": 0.98125, "best_val_accuracy": 1.0},
    baseline={"baseline_accuracy": 0.5},
    kernels={"forward": "cpu: no GPU", "backward": "cpu: no GPU", "top": "cudnn"},
    seconds=61.2,
    export=None,
    proof="none",
)


def test_result_table(capsys):
    terminal.print_result(RESULT)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "metric test baseline"
    assert "accuracy 0.9812 0.5" in lines
    assert "best_val_accuracy 1" in lines
    assert "run wide (0123456789abcdef)" in lines
    assert "data sample, so no figure here is a real result" in lines
    assert "kernels 2 LSTM layers on cpu: no GPU; 1 LSTM layer on cudnn" in lines
    assert "export none" in lines
    assert lines[-1] == "next zoo ui"


def test_result_names_the_export_and_what_to_do_with_it(tmp_path, monkeypatch, capsys):
    import dataclasses

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text('{"kind": "audio"}')
    monkeypatch.chdir(tmp_path)
    exported = dataclasses.replace(RESULT, data="own", export=str(tmp_path / "model"), proof="passed")
    terminal.print_result(exported)
    text = capsys.readouterr().out
    assert "export   model, proof passed\n" in text
    assert "data     own\n" in text
    assert text.endswith("next     zoo predict latest my.wav\n         zoo serve latest\n         zoo ui\n")
    (tmp_path / "model" / "model.json").write_text('{"kind": "series", "series": {"look_back": 24}}')
    terminal.print_result(exported)
    assert "next     zoo predict latest my.csv\n" in capsys.readouterr().out


ROW = {
    "run_id": "0123456789abcdef",
    "name": "wide",
    "recipe": "adding",
    "status": "FINISHED",
    "started": 0,
    "seconds": 1.5,
}


def test_runs_on_samples_stand_apart(capsys):
    metrics = {"test_mse": 0.25, "baseline_mse": 0.5, "val_mse": 1.0}
    rows = [{**ROW, "data": "sample", "metrics": {}}, {**ROW, "data": "real", "metrics": metrics}]
    terminal.print_runs(rows, "sqlite:///x.db")
    text = capsys.readouterr().out
    real, sample = text.split("on samples\n")
    assert "mse 0.25 (0.5)" in real
    assert "sample" not in real
    assert "01234567" in sample
    terminal.print_runs([], "sqlite:///x.db")
    assert capsys.readouterr().out == "no such run in sqlite:///x.db; start one with `zoo run NAME --sample`\n"


def test_comparison_puts_runs_side_by_side(capsys):
    rows = [{**ROW, "data": "own"}, {**ROW, "run_id": "fedcba9876543210", "name": "narrow", "data": "own"}]
    ids = [row["run_id"] for row in rows]
    found = {"runs": rows, "settings": {"units": ["96", "48"]}, "metrics": {"test_mse": [0.25, None]}}
    group = {"runs": ids, "settings": {"units": "96"}, "metrics": {"test_mse": {"mean": 0.25, "count": 1}}}
    pair = {"runs": ids, "metric": "mse", "examples": 9, "difference": 0.5, "low": 0.25, "high": 0.75}
    terminal.print_comparison({**found, "groups": [group], "pairs": [pair]})
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "settings wide 01234567 narrow fedcba98" in lines
    assert "units 96 48" in lines
    assert "test_mse 0.25" in lines
    assert "units=96" in lines and "test_mse 0.25 1" in lines
    assert lines[-1] == (
        "narrow against wide: mse differs by +0.5000 (+0.2500 to +0.7500 with 95 %) on the same 9 test examples"
    )
    terminal.print_comparison({"runs": rows, "settings": {}, "metrics": {}, "groups": [], "pairs": []})
    assert "none differ" in capsys.readouterr().out


def test_results_only_keeps_standard_output_clean_of_child_processes(tmp_path):
    code = """
import subprocess, sys
from zoo import terminal
with terminal.results_only():
    print("from Python")
    sys.stdout.flush()
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
print("result")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("result\n", "from Python\nfrom a child\n")
