"""Runs that stop in the middle and go on: in this process by signals, in others by kill -9."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from conftest import SETTINGS, Recorded
from filelock import FileLock
from mlflow.entities import Run

import zoo
from zoo import catalog, process, tracking
from zoo.checkpoint import Checkpoints
from zoo.interrupt import Interrupted, Terminated
from zoo.record import Record
from zoo.types import RunError, UsageError

TINY = {"sample": True, "name": "tiny", "seed": 3, "limit": 64, "progress": "silent", **SETTINGS}  # as of `recorded`


def of(run_id: str) -> Run:
    return tracking.open_store().get_run(run_id)


def curves(run_id: str) -> dict[str, list[tuple[int, float]]]:
    """Every metric's history but for those of time and of the machine."""
    client = tracking.open_store()
    names = [
        name
        for name in of(run_id).data.metrics
        if not name.startswith("system/") and name not in ("seconds", "latency_ms")
    ]
    return {name: [(each.step, each.value) for each in client.get_metric_history(run_id, name)] for name in names}


def weights(export: str) -> list[tuple[tuple[int, ...], bytes]]:
    """Shape and bytes of every weight; sorted, since the numbers in their names follow no order."""
    stored = tf.train.load_checkpoint(f"{export}/variables/variables")
    names = [name for name in stored.get_variable_to_shape_map() if "variables/" in name]
    return sorted((stored.get_tensor(name).shape, stored.get_tensor(name).tobytes()) for name in names)


def signal_in(monkeypatch: pytest.MonkeyPatch, where: str, number: int, after: int = 1) -> None:
    """Has this process send itself a signal at the end of the call number `after` of a record's method."""
    plain = getattr(Record, where)
    calls = []

    def with_signal(self: Record, *arguments: Any, **options: Any) -> Any:
        done = plain(self, *arguments, **options)
        calls.append(1)
        if len(calls) == after:
            os.kill(os.getpid(), number)
        return done

    monkeypatch.setattr(Record, where, with_signal)


def stopped(monkeypatch: pytest.MonkeyPatch, number: int = signal.SIGINT, **options: Any) -> str:
    """Id of a run that a signal stopped after its first epoch."""
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", number)
        with pytest.raises((Interrupted, Terminated)):
            zoo.run("adding", **{**TINY, **options})
    return tracking.runs()[0]["run_id"]


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [(signal.SIGINT, "interrupted", None), (signal.SIGTERM, "terminated (SIGTERM)", 143)],
)
def test_stopped_and_resumed_a_run_ends_as_if_it_had_not_been(
    place: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, code: int | None
):
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", number)
        with pytest.raises((Interrupted, Terminated)) as caught:
            zoo.run("adding", **TINY)
    assert getattr(caught.value, "code", None) == code
    (row,) = tracking.runs()
    run_id = row["run_id"]
    assert row["status"] == "KILLED" and of(run_id).data.tags["reason"] == reason
    assert [step for step, _ in curves(run_id)["train_loss"]] == [1]
    assert Checkpoints(place / "mlruns" / "checkpoints" / run_id).latest().state["epoch"] == 1

    result = zoo.resume("tiny", progress="silent")
    assert (result.run_id, result.name) == (run_id, "tiny")
    assert (result.metrics, result.baseline) == (recorded.tiny.metrics, recorded.tiny.baseline)
    (row,) = tracking.runs()
    assert row["status"] == "FINISHED" and row["run_id"] == run_id
    tags = of(run_id).data.tags
    assert "reason" not in tags and tags["resumed_by"] == "zoo.run in Python"
    mine, params, files = curves(run_id), of(run_id).data.params, sorted(result.kernels)
    ended = weights(result.export)
    assert not (place / "mlruns" / "checkpoints" / run_id).exists()
    monkeypatch.chdir(recorded.folder)
    assert mine == curves(recorded.tiny.run_id)
    assert params == of(recorded.tiny.run_id).data.params and files == sorted(recorded.tiny.kernels)
    expected = weights(recorded.tiny.export)
    assert ended == expected and len(expected) >= 5


STAGES = {"evaluation": ("table", 1), "export": ("text", 2)}  # the second text is the proof of the export


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_stopped_behind_training_only_the_rest_is_done(
    place: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, stage: str
):
    where, count = STAGES[stage]
    with monkeypatch.context() as patch:
        signal_in(patch, where, signal.SIGINT, count)
        with pytest.raises(KeyboardInterrupt):
            zoo.run("adding", **TINY)
    (row,) = tracking.runs()
    assert row["status"] == "KILLED"
    result = zoo.resume("latest", progress="silent")
    assert result.metrics == recorded.tiny.metrics and result.kernels == recorded.tiny.kernels
    mine = curves(row["run_id"])
    monkeypatch.chdir(recorded.folder)
    assert mine == curves(recorded.tiny.run_id)


def test_a_torn_checkpoint_is_passed_over(place: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch):
    settings = {**SETTINGS, "epochs": 3}
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", signal.SIGINT, after=2)
        with pytest.raises(KeyboardInterrupt):
            zoo.run("adding", **{**TINY, **settings})
    (row,) = tracking.runs()
    last = Checkpoints(place / "mlruns" / "checkpoints" / row["run_id"]).files()[-1]
    last.write_bytes(last.read_bytes()[:-100])
    zoo.resume("tiny", progress="silent")
    found = curves(row["run_id"])
    assert [step for step, _ in found["train_loss"]] == [1, 2, 3]  # the second epoch was done twice, and logged once
    whole = zoo.run("adding", **{**TINY, **settings, "name": "whole"})
    assert found == curves(whole.run_id)


@pytest.mark.slow
def test_the_recipe_is_the_one_that_the_run_began_with(place: Path, monkeypatch: pytest.MonkeyPatch):
    file = place / "mine.py"
    file.write_bytes(catalog.find("adding").read_bytes())
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            zoo.run(file, **TINY)
    file.write_text("broken")
    assert zoo.resume("latest", progress="silent").recipe == "mine"


@pytest.mark.slow
def test_what_was_asked_for_is_kept(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    kept = json.loads((place / "mlruns" / "checkpoints" / run_id / "request.json").read_text())
    dataset = zoo.runs.load_data(catalog.load(catalog.find("adding"), SETTINGS), sample=True, seed=3, limit=64)
    assert kept == {
        "file": "adding.py",
        "settings": SETTINGS,
        "sample": True,
        "data": None,
        "manual_dir": None,
        "seed": 3,
        "name": "tiny",
        "limit": 64,
        "test": True,
        "require_cudnn": False,
        "fingerprint": dataset.fingerprint,
    }


def test_other_data_is_refused_and_the_run_left_as_it_is(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    load = zoo.runs.load_data

    def changed(*arguments: Any, **options: Any) -> Any:
        return dataclasses.replace(load(*arguments, **options), fingerprint="another")

    monkeypatch.setattr(zoo.runs, "load_data", changed)
    with pytest.raises(
        UsageError, match=r"the data of a resumed run must be as it was, .* \(fingerprint .*, another now"
    ):
        zoo.resume(run_id, progress="silent")
    assert of(run_id).info.status == "KILLED" and of(run_id).data.tags["reason"] == "interrupted"


def test_other_features_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    monkeypatch.setattr("zoo.features.state_key", lambda chain: "another")
    with pytest.raises(RunError, match="the layers before the network are not those of the checkpoint"):
        zoo.resume(run_id, progress="silent")


def test_what_cannot_be_resumed_says_why(standing: Recorded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(UsageError, match=f"run {standing.tiny.run_id[:8]} has finished, there is nothing to resume"):
        zoo.resume("tiny")
    with pytest.raises(UsageError, match=r"no run in sqlite:.* was cut off and can be resumed here"):
        zoo.resume("latest")
    with pytest.raises(UsageError, match="`RUN` must be a run, got 'nothing'"):
        zoo.resume("nothing")


def test_a_run_whose_folder_is_gone_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    shutil.rmtree(place / "mlruns" / "checkpoints" / run_id)
    with pytest.raises(RunError, match=rf"run {run_id[:8]} has no checkpoints in .*; resume it where it ran, or start"):
        zoo.resume(run_id)


def test_a_run_that_goes_on_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    with (
        FileLock(place / "mlruns" / "checkpoints" / run_id / "lock", is_singleton=False),
        pytest.raises(UsageError, match=f"run {run_id[:8]} goes on in another process; see `zoo runs`"),
    ):
        zoo.resume(run_id, progress="silent")
    client = tracking.open_store()
    client.set_tag(run_id, process.TAG, process.identity())
    client.update_run(run_id, status="RUNNING")
    with pytest.raises(UsageError, match=f"run {run_id[:8]} goes on in process {os.getpid()} on "):
        zoo.resume(run_id, progress="silent")


def dead_identity(**changes: Any) -> str:
    """Of a process that has been here and is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return json.dumps({**json.loads(process.identity()), "pid": gone.pid, **changes})


def test_a_dead_processs_run_is_marked_at_the_next_command(place: Path):
    client = tracking.open_store()
    experiment = client.create_experiment("x")
    tags = {
        "gone": dead_identity(),
        "before the last start": dead_identity(boot="another", pid=os.getpid()),
        "same number, another process": dead_identity(pid=os.getpid(), started=1.0),
        "here": process.identity(),
        "elsewhere": dead_identity(host="another"),
        "in another container": dead_identity(pids="pid:[1]"),
    }
    ids = {name: client.create_run(experiment, tags={process.TAG: tag}).info.run_id for name, tag in tags.items()}
    ids["not of the zoo"] = client.create_run(experiment).info.run_id
    rows = {row["run_id"]: row["status"] for row in tracking.runs()}
    dead = {"gone", "before the last start", "same number, another process"}
    assert {name for name, run_id in ids.items() if rows[run_id] == "KILLED"} == dead
    assert {rows[ids[name]] for name in ids.keys() - dead} == {"RUNNING"}
    for name in dead:
        pid = json.loads(tags[name])["pid"]
        assert of(ids[name]).data.tags["reason"].startswith(f"its process is gone (process {pid} on ")


def test_another_machines_run_is_dead_when_it_has_long_not_written(place: Path):
    client = tracking.open_store()
    run_id = client.create_run(
        client.create_experiment("x"), tags={process.TAG: dead_identity(host="another")}
    ).info.run_id
    folder = tracking.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "request.json").write_text("{}")
    assert tracking.runs()[0]["status"] == "RUNNING"
    os.utime(folder / "request.json", (time.time() - 700, time.time() - 700))
    assert tracking.runs()[0]["status"] == "KILLED"
    assert of(run_id).data.tags["reason"].endswith(f"killed or cut off; `zoo resume {run_id[:8]}` goes on with it")
    assert time.time() - of(run_id).info.end_time / 1000 == pytest.approx(700, abs=60)  # its last sign of life


COMMAND = [sys.executable, "-m", "zoo"]
LONG = ["run", "adding", "--sample", "length=30", "sequences=2000", "epochs=400", "--name", "long"]


def heed_ctrl_c() -> None:
    """A shell's background jobs ignore SIGINT, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begun(place: Path, arguments: list[str], line: str | tuple[str, ...]) -> subprocess.Popen:
    """A command that has come as far as a line that starts so."""
    running = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    for said in running.stderr:
        if said.startswith(line):
            return running
    raise AssertionError(f"it ended with {running.wait()}")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_command_within_five_seconds(place: Path, number: int, code: int):
    running = begun(place, LONG, "epoch 2/")
    at = time.monotonic()
    running.send_signal(number)
    said = running.stderr.read().splitlines()
    running.wait()
    took = time.monotonic() - at
    assert running.returncode == code
    (row,) = tracking.runs()
    hint = f"go on with this run by `zoo resume {row['run_id'][:8]}`"
    assert hint in said and said[-1] == ("interrupted" if number == signal.SIGINT else hint)
    assert row["status"] == "KILLED" and took < 5
    assert of(row["run_id"]).info.end_time / 1000 - time.time() < 0


@pytest.mark.slow
def test_a_killed_command_is_found_and_goes_on(place: Path):
    running = begun(place, LONG, "epoch 3/")
    run_id = tracking.open_store().search_runs(["1"])[0].info.run_id
    assert tracking.runs()[0]["status"] == "RUNNING"
    with pytest.raises(UsageError, match=f"run {run_id[:8]} goes on in process {running.pid} on "):
        zoo.resume(run_id)
    running.kill()
    running.wait()
    assert tracking.runs()[0]["status"] == "KILLED"
    again = begun(place, ["resume", "long"], "epoch ")
    assert tracking.runs()[0]["status"] == "RUNNING"
    again.kill()
    again.wait()
    (row,) = tracking.runs()
    assert row["status"] == "KILLED"
    steps = [step for step, _ in curves(run_id)["train_loss"]]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) >= 3
