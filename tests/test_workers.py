"""Two workers that train one run together, as processes of their own on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from test_devices import TINY, same
from test_resume import of

from zoo import tracking

ZOO = [sys.executable, "-m", "zoo"]
GONE = "error: one of the 2 workers is gone or out of reach, and training has stopped; start all of them again by"


def ports(count: int) -> list[int]:
    """That nobody listens at."""
    with_ports = [socket.socket() for _ in range(count)]
    for each in with_ports:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in with_ports]
    for each in with_ports:
        each.close()
    return found


def workers(command: Sequence[str], places: Sequence[Path]) -> list[subprocess.Popen]:
    """A command as so many workers, each in its folder."""
    addresses = [f"localhost:{port}" for port in ports(len(places))]
    started = []
    for index, place in enumerate(places):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
        started.append(subprocess.Popen(command, cwd=place, env=environment, **pipes))
    return started


def until(running: subprocess.Popen, line: str) -> None:
    """Reads what a command says as far as a line that starts so."""
    for said in running.stderr:
        if said.startswith(line):
            return
    raise AssertionError(f"it ended with {running.wait()}")


def ended(running: subprocess.Popen) -> tuple[int, list[str], list[str]]:
    """Exit code, and the lines of both streams."""
    out, said = running.communicate(timeout=300)
    return running.returncode, out.splitlines(), said.splitlines()


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the other worker, which shares none with the chief."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture
def alone(place: Path) -> None:
    """A run `alone` in this process."""
    done = subprocess.run([*ZOO, "run", *TINY, "--name", "alone"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_two_workers_learn_what_one_process_does_and_the_chief_alone_writes(place: Path, elsewhere: Path):
    chief, other = workers([*ZOO, "run", *TINY, "--name", "both", "--json"], [place, elsewhere])
    code, out, said = ended(other)
    assert (code, out) == (0, [])
    stages = ("reading data", "features", "training", "trained, the chief does the rest")
    assert re.fullmatch(r"worker 1 of 2: localhost:\d+ waits for the others", said[0])
    assert said[1:] == [f"worker 1 of 2: {stage}" for stage in stages]
    assert list(elsewhere.iterdir()) == []
    code, out, said = ended(chief)
    assert code == 0, said
    assert json.loads(out[-1])["name"] == "both" and said[-1] == "exporting and proving"
    assert len(tracking.runs()) == 2 and of(tracking.find("both")).data.params["workers"] == "2"
    same("both", "alone")


ENDS = {
    "the other is killed": ((1,), signal.SIGKILL, (1, -signal.SIGKILL), "FAILED"),
    "the chief is killed": ((0,), signal.SIGKILL, (-signal.SIGKILL, 1), "KILLED"),
    "both are terminated": ((0, 1), signal.SIGTERM, (143, 143), "KILLED"),
}


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("how", ENDS)
def test_a_worker_that_ends_ends_the_other_and_both_go_on(place: Path, elsewhere: Path, how: str):
    whom, number, codes, status = ENDS[how]
    both = workers([*ZOO, "run", *TINY, "--name", "both"], [place, elsewhere])
    until(both[0], "epoch 3/")
    at = time.monotonic()
    for index in whom:
        both[index].send_signal(number)
    results = [ended(each) for each in both]
    assert time.monotonic() - at < 60
    assert tuple(code for code, _, _ in results) == codes, results
    for code, _, said in results:
        if code == 1:
            assert said[-1].startswith(GONE)
    (row,) = [row for row in tracking.runs() if row["name"] == "both"]
    assert row["status"] == status
    if status == "FAILED":
        assert of(row["run_id"]).data.tags["reason"].startswith("one of the 2 workers is gone")

    again = [ended(each) for each in workers([*ZOO, "resume", "both"], [place, elsewhere])]
    assert [code for code, _, _ in again] == [0, 0], again
    assert not any(line.startswith("epoch 1/") for line in again[0][2])  # it went on
    assert list(elsewhere.iterdir()) == []
    same("both", "alone")
