"""Runs whose process is gone or stopped from outside: marked, told apart from those that go on, and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from test_resume import curves, of

import zoo
from zoo import process, tracking
from zoo.types import UsageError


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
    with begun(place, LONG, "epoch 2/") as running:
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
    with begun(place, LONG, "epoch 3/") as running:
        run_id = tracking.open_store().search_runs(["1"])[0].info.run_id
        assert tracking.runs()[0]["status"] == "RUNNING"
        with pytest.raises(UsageError, match=f"run {run_id[:8]} goes on in process {running.pid} on "):
            zoo.resume(run_id)
        running.kill()
    assert tracking.runs()[0]["status"] == "KILLED"
    with begun(place, ["resume", "long"], "epoch ") as again:
        assert tracking.runs()[0]["status"] == "RUNNING"
        again.kill()
    (row,) = tracking.runs()
    assert row["status"] == "KILLED"
    steps = [step for step, _ in curves(run_id)["train_loss"]]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) >= 3
