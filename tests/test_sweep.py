"""Sweeps as commands: real processes on a real record and a real study."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from test_resume_processes import COMMAND, heed_ctrl_c

import zoo
from zoo import tracking
from zoo.sweeps.study import UNCOUNTED
from zoo.types import UsageError

PARENT = "mlflow.parentRunId"


@pytest.fixture
def tiny(place: Path) -> Path:
    """The folder of `place`, with a recipe in it."""
    shutil.copy(Path(__file__).with_name("tiny_recipe.py"), place / "tiny.py")
    return place


def begun(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "sweep", "./tiny.py", *words, "--limit", "20"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )


def ended(running: subprocess.Popen[str], code: int = 0) -> tuple[dict[str, Any], list[str]]:
    """What a sweep gave, and the lines that it said."""
    with running:
        out, said = running.communicate(timeout=900)
    assert running.returncode == code, said
    return json.loads(out) if out else {}, said.splitlines()


def recorded() -> tuple[Run, dict[str, list[Run]]]:
    """The run of the one sweep, and those of its trials by their tag."""
    client = tracking.open_store()
    experiment = client.get_experiment_by_name("tiny").experiment_id
    (parent,) = client.search_runs([experiment], "tags.recipe = 'sweep of tiny'")
    children: dict[str, list[Run]] = {}
    for run in client.search_runs([experiment], "tags.recipe = 'tiny'"):
        assert run.data.tags[PARENT] == parent.info.run_id
        children.setdefault(run.data.tags["trial"], []).append(run)
    return parent, children


def states(name: str, url: str | None = None) -> list[str]:
    """How the trials of a study ended, by their number; those that do not count as what they were left for."""
    url = url or f"sqlite:///{tracking.folder() / 'sweeps.db'}"
    study = optuna.load_study(study_name=name, storage=url)
    return [trial.user_attrs.get(UNCOUNTED, trial.state.name) for trial in study.get_trials()]


def test_two_trials_at_once_and_the_better_one_is_tested(tiny: Path):
    words = ("off=0.25,3", "units=2", "--sample", "--trials", "5", "--workers", "2", "--name", "small", "--json")
    found, said = ended(begun(tiny, *words))
    parent, children = recorded()
    assert {label: [run.info.status for run in runs] for label, runs in children.items()} == {
        "0": ["FINISHED"], "1": ["FINISHED"], "winner": ["FINISHED"],
    }  # fmt: skip
    (first,), (other,), (winner,) = children["0"], children["1"], children["winner"]
    assert (found["name"], found["recipe"], found["watch"]) == ("small", "tiny", "val_loss")
    assert found["run_id"] == parent.info.run_id and found["settings"] == {"off": 0.25, "units": 2}
    assert found["value"] == first.data.metrics["kept_val_loss"] < other.data.metrics["kept_val_loss"]
    assert [(row["trial"], row["state"], row["settings"], row["run_id"]) for row in found["trials"]] == [
        (0, "complete", {"off": 0.25}, first.info.run_id),
        (1, "complete", {"off": 3.0}, other.info.run_id),
    ]
    assert [run.info.run_name for run in (parent, first, other, winner)] == [
        "small", "small 0", "small 1", "small winner",
    ]  # fmt: skip
    assert {run.data.tags["sweep"] for run in (parent, first, other, winner)} == {"small"}
    file = tiny / "tiny.py"
    alike = f"zoo run {file} units=2 off=0.25 --sample --limit 20 --seed 0"
    assert first.data.tags["command"] == f"{alike} --name 'small 0' --no-test"
    assert winner.data.tags["command"] == f"{alike} --name 'small winner'"

    # Validation has decided, and the test is touched once.
    assert [name for run in (first, other) for name in run.data.metrics if "test" in name] == []
    assert "export" not in first.data.tags and found["winner"]["proof"] == "passed"
    assert winner.data.metrics["kept_val_loss"] == found["value"]  # done again, bit for bit
    for name, value in found["winner"]["metrics"].items():
        assert parent.data.metrics[name] == pytest.approx(value)
    assert {"test_mse", "baseline_mse", "best_val_loss"} <= set(parent.data.metrics)
    assert parent.info.status == "FINISHED" and parent.data.tags["winner"] == winner.info.run_id
    assert parent.data.params == {"off": "0.25,3.0", "units": "2", "seed": "0", "limit": "20"}
    client = tracking.open_store()
    assert [each.path for each in client.list_artifacts(parent.info.run_id)] == ["pictures", "trials.json"]
    assert states("small") == ["COMPLETE", "COMPLETE"] and states("small winner") == ["COMPLETE"]

    assert said[1] == f"sweep small: 2 trials, 0 of them done; run {parent.info.run_id[:8]}"
    assert any(line.startswith(f"trial 0  off=0.25  val_loss {found['value']:.4f}  (best ") for line in said)
    with pytest.raises(UsageError, match=rf"run {parent.info.run_id[:8]} is a sweep, which goes on by .*`zoo sweep "):
        zoo.resume("small")


@pytest.mark.slow
def test_a_sweep_that_has_ended_is_not_done_again(tiny: Path):
    words = ("off=0.0..1.0", "--sample", "--name", "ended", "--json")
    found, _ = ended(begun(tiny, *words, "--trials", "1"))
    again, said = ended(begun(tiny, *words, "--trials", "1"))
    assert again == found and not [line for line in said if line.startswith("trial")]
    parent, children = recorded()
    assert parent.info.status == "FINISHED" and {label: len(runs) for label, runs in children.items()} == {
        "0": 1, "winner": 1,
    }  # fmt: skip
    _, more = ended(begun(tiny, *words, "--trials", "2"), 2)
    assert more[-1] == (
        "error: the sweep `ended` has ended with 1 trials and its winner is tested; for more of them begin another, by "
        "another `--name`."
    )
    _, other = ended(begun(tiny, "off=0.0..2.0", *words[1:]), 2)
    assert other[-1].startswith("error: the sweep `ended` was begun with other ranges and choices; go on with it as")


@pytest.mark.slow
def test_failed_and_pruned_trials_do_not_end_a_sweep(tiny: Path):
    """On data that is no sample, so that the winner is registered."""
    words = ("off=2,1,0.25,3,4,9", "ends=well", "--name", "pruned")
    found, said = ended(begun(tiny, *words, "--json"))
    parent, children = recorded()
    assert states("pruned") == ["COMPLETE"] * 5 + ["PRUNED"]
    (run,) = children["5"]
    assert run.info.status == "KILLED" and run.data.tags["reason"] == "pruned after epoch 1"
    assert (found["trials"][0]["trial"], found["trials"][5]["state"]) == (2, "pruned")
    assert "trial 5  off=9  pruned after epoch 1  (best " in "\n".join(said)
    client = MlflowClient(tracking.uri())
    (version,) = client.search_model_versions("name='tiny'")
    assert version.run_id == parent.data.tags["winner"] == children["winner"][0].info.run_id

    client.delete_run(parent.info.run_id)
    found, said = ended(begun(tiny, "ends=raised,killed,lost,well", "off=0.5", "--name", "failed", "--json"))
    reasons = {row["settings"]["ends"]: row["reason"] for row in found["trials"]}
    assert reasons["well"] == "" and found["settings"] == {"off": 0.5, "ends": "well"}
    assert reasons["raised"] == "AssertionError('as it was told')"
    assert reasons["killed"].startswith(f"its process ended with SIGKILL; see {tiny / 'mlruns' / 'sweeps'}")
    assert reasons["lost"].startswith("the training loss is not a number")
    assert states("failed") == ["FAIL", "FAIL", "FAIL", "COMPLETE"]
    for row in found["trials"][1:]:
        run = client.get_run(row["run_id"])
        assert (run.info.status, run.data.tags["reason"]) == ("FAILED", row["reason"])
    assert "trial 0  ends=raised  failed: AssertionError('as it was told')  (none is complete)" in said


@pytest.mark.slow
def test_where_all_trials_fail_it_is_one_line_and_code_1(tiny: Path):
    _, said = ended(begun(tiny, "units=2,3", "ends=raised", "--sample", "--workers", "2", "--name", "bad"), 1)
    assert said[-1] == (
        "error: none of the 2 trials of `bad` came to its end; the last: AssertionError('as it was told') "
        "(run again with --debug for the traceback)"
    )
    parent, children = recorded()
    assert parent.info.status == "FAILED" and parent.data.tags["reason"].startswith("none of the 2 trials of `bad`")
    assert sorted(children) == ["0", "1"] and states("bad") == ["FAIL", "FAIL"]


def trained(count: int) -> None:
    """Waits until so many trials are at their second epoch or behind it."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        client = tracking.open_store()
        found = client.get_experiment_by_name("tiny")
        runs = client.search_runs([found.experiment_id], "tags.recipe = 'tiny'") if found else []
        if sum("val_loss" in run.data.metrics for run in runs) >= count:
            return
        time.sleep(0.5)
    raise AssertionError("no trial has begun")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_sweep_and_its_trials_within_five_seconds(tiny: Path, number: int, code: int):
    words = ("off=0.0..1.0", "epochs=100000", "--sample", "--workers", "2", "--trials", "3", "--name", "cut")
    running = begun(tiny, *words)
    trained(2)
    children = psutil.Process(running.pid).children(recursive=True)
    at = time.monotonic()
    running.send_signal(number)
    _, said = ended(running, code)
    assert time.monotonic() - at < 5
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    parent, children = recorded()
    every = [parent, *children["0"], *children["1"]]
    assert [run.info.status for run in every] == ["KILLED"] * 3 and sorted(children) == ["0", "1"]
    assert said[-2 if number == signal.SIGINT else -1] == (
        f"go on with this sweep by the same command: `zoo sweep ./tiny.py {' '.join(words)} --limit 20`"
    )
    assert states("cut") == ["its sweep was stopped"] * 2 + ["WAITING"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("whole", [True, False], ids=["with its trials", "alone"])
def test_a_killed_sweep_goes_on_by_the_same_command(tiny: Path, whole: bool):
    words = ("off=0.25,0.5,1", "--sample", "--workers", "2", "--json")
    running = begun(tiny, *words, TINY_SLEEPS="600")
    name = next(line for line in running.stderr if line.startswith("sweep ")).split()[1].rstrip(":")
    until = time.monotonic() + 300
    while time.monotonic() < until and len(tracking.runs("tiny")) < 2:
        time.sleep(0.5)
    children = psutil.Process(running.pid).children()
    with running:
        running.kill()
        for child in children if whole else []:
            child.kill()
        running.communicate()
    psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running()]  # alone, they have seen that it is gone
    rows = {row["recipe"]: row["status"] for row in tracking.runs()}
    assert rows == {"tiny": "KILLED", "sweep of tiny": "KILLED"}
    assert states(name) == ["RUNNING", "RUNNING", "WAITING"]

    found, said = ended(begun(tiny, *words))
    assert found["name"] == name and f"sweep {name}: 3 trials, 0 of them done; run {found['run_id'][:8]}" in said
    assert states(name) == ["its process is gone"] * 2 + ["COMPLETE"] * 3
    assert sorted(row["settings"]["off"] for row in found["trials"]) == [0.25, 0.5, 1.0]
    parent, children = recorded()
    assert parent.info.status == "FINISHED" and "reason" not in parent.data.tags
    ends = {label: " ".join(run.info.status for run in runs) for label, runs in children.items()}
    finished = dict.fromkeys(("2", "3", "4", "winner"), "FINISHED")
    assert ends == {"0": "KILLED", "1": "KILLED", **finished}


@pytest.mark.slow
def test_two_commands_on_one_storage_share_the_trials(tiny: Path):
    url = f"sqlite:///{tiny / 'shared.db'}"
    words = ("off=0.0..1.0", "--sample", "--trials", "5", "--storage", url, "--name", "shared", "--json")
    running = [begun(tiny, *words) for _ in range(2)]
    (one, _), (other, _) = [ended(each) for each in running]
    assert one == other
    parent, children = recorded()
    assert parent.info.status == "FINISHED"
    counted = [state for state in states("shared", url) if state != "another process was faster"]
    assert counted == ["COMPLETE"] * 5
    runs = [run for runs in children.values() for run in runs]
    assert len(runs) == 6 and len(children["winner"]) == 1
    study = optuna.load_study(study_name="shared", storage=url)
    owners = {json.loads(trial.user_attrs["process"])["pid"] for trial in study.get_trials()}
    assert owners == {each.pid for each in running}
    assert len({trial.params["off"] for trial in study.get_trials() if trial.params}) == 5


@pytest.mark.slow
def test_a_sweep_of_thirty_trials_does_not_grow(tiny: Path):
    words = ("off=0.0..1.0", "--sample", "--pruner", "none", "--name", "long", "--json")
    running = begun(tiny, *words, "--trials", "30", "--workers", "2")
    process, sizes = psutil.Process(running.pid), []
    for line in running.stderr:
        if line.startswith("trial "):
            sizes.append(process.memory_info().rss / 2**20)
            libraries = [place.path for place in process.memory_maps() if "tensorflow" in place.path]
            assert libraries == []
    ended(running)
    print(f"MiB after each trial: {' '.join(f'{size:.0f}' for size in sizes)}", file=sys.stderr)
    assert len(sizes) == 30 and sizes[-1] - sizes[4] < 16
