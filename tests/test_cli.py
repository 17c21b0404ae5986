from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from series_models import ahead, sales, write

from zoo import catalog, cli, terminal
from zoo.types import BadData, RunError, RunResult, UsageError

ROOT = Path(__file__).resolve().parent.parent
VERBS = (
    "list",
    "show",
    "check",
    "data",
    "run",
    "sweep",
    "runs",
    "compare",
    "ui",
    "predict",
    "inspect",
    "export",
    "serve",
    "copy",
    "doctor",
)


def zoo(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, in a folder of its own."""
    paths = {"PYTHONPATH": str(ROOT), "ZOO_CACHE": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "-m", "zoo", *words],
        cwd=folder,
        env={**os.environ, **paths, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_import_and_listing_load_nothing_heavy(tmp_path):
    code = """
import sys, zoo
from zoo import catalog, cli
cli.main(["list"]); cli.main(["show", "adding"]); cli.main(["run", "adding", "unit=3"]); cli.main(["run", "--help"])
zoo.Recipe, zoo.Spec, zoo.Dataset, zoo.Training, zoo.Source, zoo.UsageError, zoo.layers, zoo.tasks, zoo.datasets
zoo.architectures
print([name for name in ("tensorflow", "keras", "mlflow", "numpy", "pandas") if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"


def test_public_names():
    import zoo as package

    assert set(dir(package)) >= {"run", "load", "compare", "Recipe", "Spec", "UsageError", "layers", "datasets"}
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'Recipes'; it has BadData, Dataset"):
        package.Recipes  # noqa: B018


def test_public_functions_are_those_of_the_modules():
    import zoo as package
    from zoo import comparison, runs, serve

    assert package.run is runs.run
    assert package.load == serve.Model.load
    assert package.compare is comparison.compare


def test_list(tmp_path, capsys):
    assert cli.main(["list"]) == 0
    shown = capsys.readouterr().out
    assert cli.main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == catalog.names()
    for row in rows:
        assert set(row) == {"name", "summary", "data", "licence", "model", "result", "command"}
        assert row["name"] in shown
        assert row["summary"] in shown


def test_the_table_of_the_readme_is_what_list_prints(capsys):
    assert cli.main(["list", "--markdown"]) == 0
    table = capsys.readouterr().out
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert f"<!-- zoo list --markdown -->\n{table}<!-- end -->\n" in readme
    assert table.count("\n") == 2 + len(catalog.names())


def seconds_of_processor(*words: str, folder: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
    """What a command costs on a quiet machine: the least of five calls."""
    taken = []
    for _ in range(5):
        before = os.times()
        done = zoo(*words, folder=folder)
        after = os.times()
        taken.append(after.children_user - before.children_user + after.children_system - before.children_system)
    return min(taken), done


def test_list_answers_within_half_a_second_once_warm(tmp_path):
    seconds, done = seconds_of_processor("list", folder=tmp_path)
    assert done.returncode == 0
    before = os.times()
    subprocess.run([sys.executable, "-c", "import typer"], check=True)
    after = os.times()
    bare = after.children_user - before.children_user + after.children_system - before.children_system
    assert seconds < max(0.5, 6 * bare)  # a busy machine is slow at everything


def test_list_shows_sound_recipes_beside_a_broken_one(tmp_path, monkeypatch, capsys):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = lstm-zoo\n")
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "adding.py").write_bytes(catalog.find("adding").read_bytes())
    (tmp_path / "recipes" / "bare.py").write_text("import zoo\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["list"]) == 2
    said = capsys.readouterr()
    assert "The adding problem" in said.out
    assert "bare.py` must open with a docstring" in said.err


def test_show(capsys):
    assert cli.main(["show", "adding"]) == 0
    text = capsys.readouterr().out
    assert f"file     {catalog.find('adding')}" in text
    assert "Memory cells of the LSTM." in text
    assert cli.main(["show", "adding", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["settings"]["units"] | {"help": ""} == {
        "type": "int", "default": catalog.defaults(catalog.find("adding"))["units"], "choices": [], "optional": False,
        "help": "",
    }  # fmt: skip


def test_help_of_every_command_has_an_example(capsys):
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "--debug" in text
    for verb in VERBS:
        assert verb in text
        assert cli.main([verb, "--help"]) == 0
        assert f"Example: zoo {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "addin"], "error: there is no recipe 'addin', the nearest is 'adding'; there are "),
        (["run", "adding", "unit=3"], "error: there is no setting 'unit', the nearest is 'units'; the settings and"),
        (["run", "adding", "units=3.0"], "error: `units` must be int, got '3.0'; the default is units="),
        (["run", "adding", "--units", "3"], "A recipe's settings are written setting=value. See `zoo --help`."),
        (["run", "adding", "--sample", "--data", "x"], "error: `--sample` and `--data` exclude each other, got both"),
        (["run", "adding", "--data", "x"], "error: `--data` must be a folder or a file, and there is none at x."),
        (["run", "adding", "--limit", "0"], "error: `--limit` must be at least 1 example, got 0."),
        (["data", "adding", "units=many"], "error: `units` must be int, got 'many'"),
        (["run"], "error: Missing argument 'NAME'. See `zoo --help`."),
        (["walk"], "error: No such command 'walk'."),
        (["predict", "latest", "a.wav", "b.wav"], "error: `FILE` must be a file, and there is none at a.wav, b.wav."),
        (["check", "nothing"], "error: there is no recipe 'nothing'"),
        (["copy", "adding", "my"], "error: `my` must end with .py"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_wrong_setting_fails_within_a_second(tmp_path):
    seconds, done = seconds_of_processor("run", "adding", "unit=3", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert seconds < 1


def test_copy_and_run_by_path(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["copy", "adding", "my.py"]) == 0
    assert capsys.readouterr().out == "wrote my.py; run it: zoo run ./my.py --sample\n"
    assert cli.main(["copy", "adding", "my.py"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert cli.main(["run", "./my.py", "unit=3"]) == 2
    assert "the nearest is 'units'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("`x` must be y."), 2, "error: `x` must be y."),
        (RunError("the loss is not a number."), 1,
         "error: the loss is not a number. (run again with --debug for the traceback)"),
        (KeyError("x"), 1, "error: KeyError: 'x' (run again with --debug for the traceback)"),
        (ValueError("first\nsecond"), 1, "error: ValueError: first (run again with --debug for the traceback)"),
        (ValueError(), 1, "error: ValueError: no reason given (run again with --debug for the traceback)"),
        (BadData("clips", ["a: empty", "b: text"]), 2,
         "error: `clips` has 2 faults; mend or remove these and run again:\n  a: empty\n  b: text"),
    ],
)  # fmt: skip
def test_each_error_gets_its_code_and_line(error, code, line):
    assert terminal.explain(error) == (code, line)


@pytest.mark.parametrize("flag", [[], ["--debug"]])
def test_a_traceback_only_with_debug(tmp_path, monkeypatch, capsys, flag):
    (tmp_path / "my.py").write_text('"""Bad."""\nimport no_such_module\n')
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "./my.py", *flag]) == 2
    said = capsys.readouterr().err
    assert ("Traceback" in said) == bool(flag)
    assert said.endswith("it raised ModuleNotFoundError: No module named 'no_such_module'.\n")


def test_an_interrupt_is_one_line_and_code_130(monkeypatch, capsys):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(catalog, "names", interrupt)
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


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


def test_reading_an_empty_record(tmp_path):
    done = zoo("runs", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"no such run in sqlite:///{tmp_path / 'mlflow.db'}; start one")
    done = zoo("runs", "--json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "[]\n")
    done = zoo("compare", "latest", "latest", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "mlflow.db").exists()


def test_data_is_described_without_chatter(tmp_path):
    done = zoo("data", "adding", "--sample", "--limit", "4", "--json", folder=tmp_path)
    assert done.stderr == f"recipe {catalog.find('adding')}\n"
    assert done.returncode == 0
    about = json.loads(done.stdout)
    assert about["origin"] == "sample"
    assert about["splits"]["train"]["examples"] == 4
    table = zoo("data", "adding", "--sample", "--limit", "4", folder=tmp_path).stdout
    assert f"fingerprint  {about['fingerprint']}" in table


def test_verbose_lets_tensorflow_speak(tmp_path):
    done = zoo("data", "adding", "--sample", "--limit", "1", "--verbose", folder=tmp_path, TF_CPP_MIN_LOG_LEVEL="0")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) > 1


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


@pytest.mark.slow
def test_a_run_prints_one_json_line_and_leaves_a_record(tmp_path):
    words = ("adding", "--sample", "epochs=1", "sequences=300", "--seed", "7", "--name", "wide")
    done = zoo("run", *words, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    result = json.loads(done.stdout)
    assert list(result) == [
        "run_id", "name", "recipe", "data", "metrics", "baseline", "kernels", "seconds", "export", "proof",
    ]  # fmt: skip
    assert (result["name"], result["recipe"], result["data"], result["proof"]) == ("wide", "adding", "sample", "passed")
    assert f"recipe {catalog.find('adding')}" in done.stderr
    assert "cudart" not in done.stderr
    rows = json.loads(zoo("runs", "adding", "--json", folder=tmp_path).stdout)
    assert [row["run_id"] for row in rows] == [result["run_id"]]
    copied = zoo("export", "wide", "model", folder=tmp_path)
    assert (copied.returncode, copied.stdout) == (0, "model\n")
    assert (tmp_path / "model" / "saved_model.pb").exists()
