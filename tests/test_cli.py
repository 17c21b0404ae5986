from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import catalog, cli, terminal
from zoo.types import BadData, RunError, UsageError

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
